"""Some hours before a digest the stewards see what is new in it, each item once. Silence means yes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.base import Base
from bot.digests import is_out
from bot.facts import Item
from bot.loops.news import News
from bot.store import Store, Transaction, held, panic, subscriptions


class Previewer:
    """`show` sends one item to the stewards' room: whether it arrived."""

    def __init__(
        self, store: Store, base: Callable[[], Base], zone: str, hours: int, show: Callable[[Item], Awaitable[bool]]
    ) -> None:
        self._store, self._base, self._zone, self._show = store, base, ZoneInfo(zone), show
        self._before = timedelta(hours=hours)
        self._news = News(store)

    async def tick(self, now: datetime) -> None:
        """Show what is new and due soon somewhere."""
        if not self._before or not await self._news.came(now, self._base()) or await self._store.run(panic.since) is not None:
            return
        new = await self._store.run(lambda transaction: self._new(transaction, now))
        if not new:
            self._news.none(now)
        for item in new:
            if await self._show(item):
                await self._store.run(lambda transaction, id=item.id: held.shown(self._store, transaction, id))  # type: ignore[misc]

    async def _new(self, transaction: Transaction, now: datetime) -> list[Item]:
        known, today = await held.states(transaction), now.astimezone(self._zone).date()
        fresh = [item for item in self._base().items.values() if item.id not in known and is_out(item, today)]
        if not fresh:
            return []
        due = await subscriptions.all_subscriptions(self._store, transaction, now + self._before)
        had = await subscriptions.has_had(transaction, [one.id for one in due])
        return [item for item in fresh if any(item.id not in had[one.id] and one.takes(item) for one in due)]
