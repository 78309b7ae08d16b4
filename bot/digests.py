"""When a channel's digest is due, which items are in it, and in what parts it goes out. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from bot.facts import Item
from bot.messages import Address

MOST_PARTS = 5
"""Parts of one slot; what is more comes at the next."""
CATCH_UP = timedelta(hours=12)
"""A slot that was missed for longer is skipped, and its items go into the next."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Slot:
    """A digest's date where the channel lives, and the instant in UTC."""

    day: date
    at: datetime

    @property
    def name(self) -> str:
        """The same for whoever plans it: a channel whose hour is changed gets the new slot too, also on the same date."""
        return f"{self.day.isoformat()} {self.at:%H:%MZ}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Daily, or weekly on a day (0 is Monday), at an hour of a zone."""

    every: Literal["daily", "weekly"]
    at: time
    zone: str
    weekday: int | None = None

    def slots(self, after: datetime) -> Iterator[Slot]:
        """The slots strictly after an instant, without end.

        One a local date. An hour that a clock change skips moves forward by the gap's length, one that comes twice counts at
        its first: that is what Python's zones say of a time with fold 0.
        """
        zone = ZoneInfo(self.zone)
        day = after.astimezone(zone).date() - timedelta(days=2)
        last = after
        while True:
            if self.weekday is None or day.weekday() == self.weekday:
                at = datetime.combine(day, self.at, zone).astimezone(UTC)
                if at > last:
                    yield Slot(day, at)
                    last = at
            day += timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A channel, group, topic or room that gets digests. `paused` says why it does not just now."""

    id: str
    address: Address
    schedule: Schedule
    language: str
    topics: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    quiet: tuple[time, time] | None = None
    silent: bool = False
    paused: str = ""

    def takes(self, item: Item) -> bool:
        """Whether its filters let an item through."""
        by_topic = not self.topics or bool(self.topics & set(item.topics))
        return by_topic and (not self.countries or bool(self.countries & set(item.country)))

    def wakes(self, moment: datetime) -> datetime:
        """The instant itself, or the end of the quiet hours that it falls into."""
        if self.quiet is None:
            return moment
        start, end = self.quiet
        zone = ZoneInfo(self.schedule.zone)
        local = moment.astimezone(zone)
        clock = local.time()
        asleep = start <= clock < end if start <= end else clock >= start or clock < end
        if not asleep:
            return moment
        day = local.date() + timedelta(days=1 if start > end and clock >= start else 0)
        return datetime.combine(day, end, zone).astimezone(UTC)


Seen = Mapping[str, str]
"""Item id to what a channel has had of it: known, passed, sent, unsure, twice, alone, failed. No entry: it is owed.

`alone`: refused together with others, and owed in a message of its own.
"""


@dataclass(frozen=True, slots=True)
class Owed:
    """Items of a slot, oldest first: new ones, those that may be a repeat, and those that a filter passed over.

    `alone`: of the new ones those that get a message each.
    """

    new: tuple[Item, ...]
    again: tuple[Item, ...]
    passed: tuple[Item, ...]
    alone: frozenset[str] = frozenset()


def is_out(item: Item, today: date) -> bool:
    """Whether channels get an item from today on or before."""
    return item.withdrawn is None and item.published is not None and item.published <= today


def owed(items: Sequence[Item], subscription: Subscription, seen: Seen, under_way: frozenset[str], today: date) -> Owed:
    """What a channel is owed; `under_way` is what an earlier slot has not sent yet."""
    due = sorted(
        (item for item in items if is_out(item, today) and item.id not in under_way), key=lambda item: (item.date, item.id)
    )
    fresh = [item for item in due if seen.get(item.id, "alone") == "alone"]
    return Owed(
        tuple(item for item in fresh if subscription.takes(item)),
        tuple(item for item in due if seen.get(item.id) == "unsure"),
        tuple(item for item in fresh if not subscription.takes(item)),
        frozenset(item.id for item in fresh if item.id in seen),
    )


def newest(items: Sequence[Item], subscription: Subscription, today: date) -> Item | None:
    """The newest item that passes the filters, by the day it was published, then by its own date."""
    found = [item for item in items if is_out(item, today) and subscription.takes(item)]
    return max(found, key=lambda item: (item.published or date.min, item.date, item.id), default=None)
