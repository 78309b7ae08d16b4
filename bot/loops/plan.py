"""A tick: subscriptions whose slot has come get their digests into the ledger. Idempotent, so that several may tick."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import chain, takewhile
from zoneinfo import ZoneInfo

from bot.base import Base
from bot.composing import Composed, compose, for_channels
from bot.digests import CATCH_UP, Owed, Seen, Slot, Subscription, is_out, owed
from bot.facts import Item
from bot.logs import Event, fail
from bot.loops.news import News
from bot.loops.stewards import Tell
from bot.messages import Reply
from bot.speaker import Speaker
from bot.store import Store, Transaction, held, outbox, panic, subscriptions, upcoming
from bot.store.subscriptions import Due

MOST_A_TICK = 25
"""So that a tick is short however many are due; the rest follows at once."""
REST = timedelta(hours=1)
"""After which a subscription that could not be planned is tried again."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a tick does for one subscription; `passed` and `parts` are of the last of the slots."""

    subscription: Subscription
    slots: tuple[tuple[Slot, str], ...]
    upcoming: Slot
    since: datetime
    passed: tuple[Item, ...] = ()
    parts: tuple[tuple[tuple[str, ...], Reply], ...] = ()

    @property
    def upto(self) -> datetime:
        return self.slots[-1][0].at if self.slots else self.since


class Planner:
    """`base` is today's, `zone` where the bot is at home, `fallback` the language where a channel's has nothing.

    `behind` after a tick: there was more to plan than one tick does.
    """

    def __init__(self, store: Store, base: Callable[[], Base], zone: str, fallback: str, tell: Tell | None = None) -> None:
        self._store, self._base, self._zone, self._fallback, self._tell = store, base, ZoneInfo(zone), fallback, tell
        self._broken: dict[str, datetime] = {}
        self._due = News(store)
        self.behind = False

    async def tick(self, now: datetime) -> int:
        """Plan what is due, the longest waiting first; how many digests were made."""
        if not await self._due.came(now):
            return 0
        known = set(self._broken)
        made = await self._store.run(partial(self._round, now=now))
        for chat in set(self._broken) - known:
            await self._report(chat)
        return made

    async def _round(self, connection: Transaction, now: datetime) -> int:
        """Few statements for all that is due, in one transaction."""
        resting = [chat for chat, until in self._broken.items() if until > now]
        due = await subscriptions.due(self._store, connection, now, MOST_A_TICK, resting)
        if await panic.since(connection) is not None:
            due = []
        self.behind = len(due) == MOST_A_TICK
        if not due:
            self._due.none(now, await upcoming.next_slot(self._store, connection, now))
            return 0
        plans = await self._plans(connection, due, now)
        new = await outbox.plan(
            self._store, connection, [(one.subscription.id, slot, state) for one in plans for slot, state in one.slots]
        )
        fresh = [one for one in plans if one.slots and (one.subscription.id, one.slots[-1][0].name) in new]
        passed = [(one.subscription.id, item.id) for one in fresh for item in one.passed]
        await subscriptions.pass_over(self._store, connection, passed)
        parts = [outbox.parts_of(one.subscription, one.slots[-1][0], one.parts, one.subscription.wakes(now)) for one in fresh]
        await outbox.owe(self._store, connection, list(chain.from_iterable(parts)))
        await subscriptions.planned(connection, [(one.subscription.id, one.upto, one.upcoming.at) for one in plans])
        return sum(map(bool, parts))

    async def _plans(self, connection: Transaction, due: Collection[Due], now: datetime) -> list[_Plan]:
        chats = [one.subscription.id for one in due]
        # In this order: what is sent between the two is then in both, never in neither.
        waiting = await outbox.under_way(connection, chats)
        had = await subscriptions.has_had(connection, chats)
        kept_back = await held.kept_back(connection, now)
        today = now.astimezone(self._zone).date()
        items = [item for item in self._base().items.values() if item.id not in kept_back and is_out(item, today)]
        composing = _Composing(for_channels(self._base(), kept_back, ()), self._fallback)
        plans = []
        for one in due:
            chat = one.subscription.id
            try:
                plans.append(_planned(one, items, had[chat], waiting[chat], composing, now, today))
                self._broken.pop(chat, None)
            except Exception as error:  # Such as a zone that is no more: it stops its own channel only.
                fail(Event.UNHANDLED, exception=error)
                self._broken[chat] = now + REST
        return plans

    async def _report(self, chat: str) -> None:
        found = await self._store.run(lambda connection: subscriptions.of_chats(self._store, connection, [chat]))
        if self._tell is not None and chat in found:
            await self._tell("steward.unplanned", {"address": chat, "zone": found[chat].schedule.zone})


class _Composing:
    """Composes what many channels get once."""

    def __init__(self, base: Base, fallback: str) -> None:
        self._base, self._fallback = base, fallback
        self._done: dict[tuple[object, ...], Composed] = {}

    def of(self, found: Owed, subscription: Subscription, slot: Slot) -> Composed:
        key = (
            subscription.language,
            slot.day,
            *(tuple(item.id for item in items) for items in (found.new, found.again)),
            found.alone,
        )
        if key not in self._done:
            speaker = Speaker(self._base, subscription.language, self._fallback, private=False)
            self._done[key] = compose(found, subscription, slot, speaker)
        return self._done[key]


def _planned(
    due: Due, items: Sequence[Item], had: Seen, waiting: frozenset[str], composing: _Composing, now: datetime, today: date
) -> _Plan:
    one = due.subscription
    upcoming = next(one.schedule.slots(now))
    slots = list(takewhile(lambda slot: slot.at <= now, one.schedule.slots(due.planned)))
    missed = "paused" if one.paused else "skipped"
    if not slots or one.paused or now - slots[-1].at > CATCH_UP:
        return _Plan(one, tuple((slot, missed) for slot in slots), upcoming, due.planned)
    found = owed(items, one, had, waiting, today)
    composed = composing.of(found, one, slots[-1])
    last = slots[-1], "planned" if composed.parts else "empty"
    states = (*((slot, missed) for slot in slots[:-1]), last)
    return _Plan(one, states, upcoming, due.planned, found.passed, composed.parts)
