"""After a restore: what may have gone out since the backup was made, nobody can tell, so it is said once more, marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.deliveries import PENDING, SENDING, UNKNOWN
from bot.digests import owed
from bot.facts import Item
from bot.store import outbox, subscriptions
from bot.store.engine import Store
from bot.store.schema import deliveries
from bot.store.settling import settled, uncertain


async def doubt(
    store: Store, connection: AsyncConnection, items: Sequence[Item], now: datetime, today: date
) -> tuple[int, int]:
    """Parts become unknown, and items of slots that came meanwhile uncertain; how many parts and channels.

    A restored Matrix account is a new device, for which the homeserver knows no earlier transaction ids.
    """
    channels = 0
    for one in await subscriptions.all_subscriptions(store, connection, due=now):
        had = (await subscriptions.has_had(connection, [one.id]))[one.id]
        waiting = (await outbox.under_way(connection, [one.id]))[one.id]
        due = owed(items, one, had, waiting, today)
        maybe = [item.id for item in (*due.new, *due.again)]
        await uncertain(store, connection, one.id, maybe)
        channels += bool(maybe)
    # Only now: what waits in a part is no item of a slot.
    return await _parts(store, connection, now), channels


async def _parts(store: Store, connection: AsyncConnection, now: datetime) -> int:
    """Those under way, and those that waited to go out by now. A correction can be made twice without harm."""
    waited = (deliveries.c.state == PENDING) & ((deliveries.c.first > 0) | (deliveries.c.due <= int(now.timestamp() * 1000)))
    found = await outbox.read(store, connection, or_(deliveries.c.state == SENDING, waited), deliveries.c.part > 0)
    for part in found:
        done = replace(part, state=UNKNOWN, first=part.first or now, due=now, why="restored")
        await settled(store, connection, done, was=part.state)
    return len(found)
