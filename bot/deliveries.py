"""What became of something that was sent, and what follows from it for a part of a digest. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.messages import Address, Reply

MOST_ATTEMPTS = 32
"""With these pauses half a day, for which a digest that is late is still caught up."""
LONGEST_PAUSE = timedelta(minutes=30)
LOOKED_OVER_AGAIN = timedelta(seconds=2)
"""What was stopped at the last moment: not at once, since it may be that nobody could be asked."""
SAME_TRANSACTION = timedelta(hours=23)
"""A homeserver knows a transaction id for 24 hours."""


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
    """It left, and nobody can tell whether it arrived.

    `anew`: who would say it again is another to the platform, which would not know the repeat for one.
    """

    anew: bool = False


@dataclass(frozen=True, slots=True)
class Withheld:
    """It was stopped at the last moment: nothing left."""


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


Outcome = Sent | Later | Unsure | Withheld | Gone | Moved | Missing | Refused

PENDING, SENDING, SENT, FAILED, UNKNOWN, DEAD = "pending", "sending", "sent", "failed", "unknown", "dead"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One part of one digest for one channel, a row of the ledger; part 0 is a correction. `ref` is the id of its message.

    `first`: the first try that may have arrived, None where none has. `due`: not before; of what is done with, since when.
    """

    id: str
    chat: str
    address: Address
    slot: datetime
    part: int
    items: tuple[str, ...]
    reply: Reply
    silent: bool
    state: str
    attempts: int
    due: datetime
    first: datetime | None = None
    ref: str = ""
    why: str = ""
    language: str = ""


def settle(delivery: Delivery, outcome: Outcome, now: datetime) -> Delivery:
    """The whole retry policy. Telegram cannot tell a repeat, so what may have arrived is not repeated there."""
    attempts = delivery.attempts + 1
    tried = replace(delivery, attempts=attempts, due=now)
    pause = min(LONGEST_PAUSE, timedelta(seconds=2.0**attempts))
    match outcome:
        case Sent(id=ref):
            return replace(tried, state=SENT, ref=ref, why="")
        case Later(after=float(seconds)):
            # The platform's own pace is no failure.
            return replace(tried, state=PENDING, attempts=delivery.attempts, due=now + timedelta(seconds=seconds), why="rate")
        case Later() if attempts >= MOST_ATTEMPTS:
            return stopped(tried, "unreachable", now)
        case Later():
            return replace(tried, state=PENDING, due=now + pause, why="unreachable")
        case Withheld():
            return replace(tried, state=PENDING, attempts=delivery.attempts, due=now + LOOKED_OVER_AGAIN, why="withheld")
        case Moved():
            return replace(tried, state=PENDING, attempts=delivery.attempts, why="moved")
        case Unsure(anew=anew):
            doubtful = replace(tried, first=delivery.first or now, why="unsure")
            if delivery.address.platform == "matrix" and not anew and not expired(doubtful, now):
                return replace(doubtful, state=PENDING, due=now + pause)
            return replace(doubtful, state=UNKNOWN)
        case Gone():
            return stopped(tried, "gone", now, FAILED)
    return stopped(tried, "refused", now, FAILED)


def expired(delivery: Delivery, now: datetime) -> bool:
    """Whether a try may have arrived so long ago that its transaction id no longer makes the next one the same event."""
    return delivery.first is not None and now - delivery.first >= SAME_TRANSACTION


def stopped(delivery: Delivery, why: str, now: datetime, state: str = DEAD) -> Delivery:
    """A part that goes out no more; where an earlier try may have arrived nobody can tell what the channel has."""
    return replace(delivery, state=UNKNOWN if delivery.first else state, why=why, due=now)


def recovered(delivery: Delivery, now: datetime) -> Delivery:
    """A part that a process left in `sending` when it died; tried when it was due, or later."""
    return settle(replace(delivery, first=delivery.first or delivery.due), Unsure(), now)
