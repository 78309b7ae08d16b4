"""How fast a platform may be called: in all, in one chat, and in which lane. Pure."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum

MINUTE = 60.0


class Lane(IntEnum):
    """Answers go first."""

    ANSWER = 0
    DIGEST = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls a second, a minute and at once: more make the HTTP library slower. What `hangs_after` seconds no longer counts.

    Telegram: about 30 a second in all, 1 a second a chat, 20 a minute a group or channel."""

    overall: int = 25
    digests: int = 20
    burst: int = 3
    chat_seconds: float = 1.0
    shared_minute: int = 20
    at_once: int = 24
    hangs_after: float = math.inf


TELEGRAM = Limits()
UNLIMITED = Limits(10**6, 10**6, 10**6, 0.0, 10**6)
"""In time; what is under way at once stays bounded."""


@dataclass(slots=True)
class Chat:
    """What is known of one chat: its last calls, until when it is parked, and who waits in each lane."""

    spoken: deque[float] = field(default_factory=deque)
    parked: float = 0.0
    due: float = 0.0
    shared: bool = False
    waiting: tuple[deque[asyncio.Future[None]], ...] = field(default_factory=lambda: (deque(), deque()))

    def ready(self, limits: Limits) -> float:
        """The moment from which one more call is allowed."""
        # A bucket of `burst` calls that fills by one each chat_seconds.
        at = max(self.parked, self.due - (limits.burst - 1) * limits.chat_seconds)
        if self.shared and len(self.spoken) >= limits.shared_minute:
            at = max(at, self.spoken[-limits.shared_minute] + MINUTE)
        return at
