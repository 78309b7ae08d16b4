"""What became of something that was sent. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bot.messages import Address


@dataclass(frozen=True, slots=True)
class Sent:
    """It arrived; `id` is the platform's id of it."""

    id: str


@dataclass(frozen=True, slots=True)
class Later:
    """It surely did not leave; it may be repeated, after so many seconds where the platform says how many."""

    after: float | None = None


@dataclass(frozen=True, slots=True)
class Unsure:
    """It left, and nobody can tell whether it arrived; `late` where the answer only took too long."""

    late: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """The chat is no longer there for us: blocked, kicked, deleted, without the right to write."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The chat has a new address; nothing was said."""

    to: Address


@dataclass(frozen=True, slots=True)
class Missing:
    """The message that was to be changed or deleted is no longer there, or cannot be changed."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The platform refuses this content, now and for ever."""


Outcome = Sent | Later | Unsure | Gone | Moved | Missing | Refused
