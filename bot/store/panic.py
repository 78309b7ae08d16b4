"""Whether stewards stopped all publishing. What publishes asks in the very transaction in which it would go on."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.engine import Store
from bot.store.schema import panic


async def since(connection: AsyncConnection) -> datetime | None:
    """When it was stopped, where it is."""
    seconds = (await connection.execute(select(panic.c.since))).scalar_one_or_none()
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


async def stop(store: Store, connection: AsyncConnection, now: datetime) -> None:
    """From now on; where it is stopped already nothing changes."""
    await connection.execute(store.insert(panic, [{"one": 1, "since": int(now.timestamp())}]))


async def lift(connection: AsyncConnection) -> None:
    """It goes on."""
    await connection.execute(delete(panic))
