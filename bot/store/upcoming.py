"""The moments from which time alone makes something due."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.deliveries import PENDING
from bot.store.chats import ours
from bot.store.engine import Store
from bot.store.schema import chats, deliveries, subscriptions


async def next_slot(store: Store, connection: AsyncConnection, now: datetime) -> datetime | None:
    """When the next subscription is to be planned."""
    wanted = select(func.min(subscriptions.c.next)).join(chats, chats.c.id == subscriptions.c.chat)
    wanted = wanted.where(ours(store), subscriptions.c.next > int(now.timestamp()))
    return _moment((await connection.execute(wanted)).scalar_one(), 1)


async def next_part(store: Store, connection: AsyncConnection, now: datetime, platforms: Collection[str]) -> datetime | None:
    """When the next part that waits for its time may be tried."""
    wanted = select(func.min(deliveries.c.due)).join(chats, chats.c.id == deliveries.c.chat)
    wanted = wanted.where(
        deliveries.c.state == PENDING,
        deliveries.c.due > int(now.timestamp() * 1000),
        ours(store),
        chats.c.platform.in_(list(platforms)),
    )
    return _moment((await connection.execute(wanted)).scalar_one(), 1000)


def _moment(found: int | None, a_second: int) -> datetime | None:
    return None if found is None else datetime.fromtimestamp(found / a_second, UTC)
