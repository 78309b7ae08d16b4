"""What the app gives to each transport."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.memory import Memory
from bot.messages import Address
from bot.store.answered import Answered

Say = Callable[[str, str | None], str]
"""A phrase by its key, in that language where it has it, else in the house's."""


@dataclass(frozen=True)
class Wiring:
    """What a transport is given by the app. `moved` and `left` change what is known of a chat; `room()` is the stewards'."""

    answered: Answered
    memory: Memory
    now: Callable[[], datetime]
    say: Say
    moved: Callable[[Address, Address], Awaitable[None]]
    left: Callable[[Address], Awaitable[None]]
    commands: frozenset[str]
    stewards: Mapping[str, str] = field(default_factory=dict)
    room: Callable[[], Address | None] = lambda: None
