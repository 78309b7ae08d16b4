"""A tick: every subscription whose slot has come gets its digest into the ledger. Idempotent, so that several may tick."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import takewhile
from zoneinfo import ZoneInfo

from bot.base import Base
from bot.composing import compose
from bot.digests import CATCH_UP, Slot, Subscription, owed
from bot.speaker import Speaker
from bot.store import Store, Transaction, held, outbox, subscriptions


class Planner:
    """`base` is today's, `zone` where the bot is at home, `fallback` the language where a channel's has nothing."""

    def __init__(self, store: Store, base: Callable[[], Base], zone: str, fallback: str) -> None:
        self._store, self._base, self._zone, self._fallback = store, base, ZoneInfo(zone), fallback

    async def tick(self, now: datetime) -> int:
        """Plan all that is due; how many digests were made."""
        due = await self._store.run(lambda connection: subscriptions.all_subscriptions(self._store, connection, now))
        made = 0
        for subscription in due:
            made += await self._store.run(lambda connection, one=subscription: self._plan(connection, one, now))  # type: ignore[misc]
        return made

    def speaker(self, subscription: Subscription) -> Speaker:
        """Speaks to a channel, where others read."""
        return Speaker(self._base(), subscription.language, self._fallback, private=False)

    async def _plan(self, connection: Transaction, subscription: Subscription, now: datetime) -> int:
        since = await subscriptions.last_planned(connection, subscription.id)
        slots = list(takewhile(lambda slot: slot.at <= now, subscription.schedule.slots(since)))
        made = 0
        for slot in slots:
            missed = slot is not slots[-1] or now - slot.at > CATCH_UP
            if subscription.paused or missed:
                state = "paused" if subscription.paused else "skipped"
                await outbox.plan(self._store, connection, subscription.id, slot, state)
            else:
                made += await self._compose(connection, subscription, slot, now)
        if slots:
            upcoming = next(subscription.schedule.slots(now))
            await subscriptions.planned(connection, subscription.id, slots[-1].at, upcoming.at)
        return made

    async def _compose(self, connection: Transaction, subscription: Subscription, slot: Slot, now: datetime) -> int:
        """The digest of one slot and its parts, in one transaction."""
        chat = subscription.id
        had = await subscriptions.has_had(connection, chat)
        waiting = await outbox.under_way(connection, chat)
        kept_back = await held.kept_back(connection)
        items = [item for item in self._base().items.values() if item.id not in kept_back]
        found = owed(items, subscription, had, waiting, now.astimezone(self._zone).date())
        composed = compose(found, subscription, slot, self.speaker(subscription))
        state = "planned" if composed.parts else "empty"
        if not await outbox.plan(self._store, connection, chat, slot, state):
            return 0
        await subscriptions.mark(self._store, connection, chat, [item.id for item in found.passed], "passed")
        await outbox.owe(connection, subscription, slot, composed.parts, subscription.wakes(now))
        return 1 if composed.parts else 0
