"""Looking at the ledger, and stopping what should not go out any more."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.deliveries import DEAD, PENDING, SENDING, SENT, Delivery
from bot.store.engine import Store
from bot.store.outbox import read
from bot.store.schema import deliveries, digests


async def left_sending(store: Store, connection: AsyncConnection) -> list[Delivery]:
    """Parts that a process left behind when it died."""
    return await read(store, connection, deliveries.c.state == SENDING)


async def in_state(store: Store, connection: AsyncConnection, state: str | None) -> list[Delivery]:
    """Parts in a state, or all."""
    return await read(store, connection, *([deliveries.c.state == state] if state else []))


async def by_id(store: Store, connection: AsyncConnection, id: str) -> Delivery | None:
    """One part."""
    found = await read(store, connection, deliveries.c.id == id)
    return found[0] if found else None


async def of_chat(store: Store, connection: AsyncConnection, chat: str) -> list[Delivery]:
    """Every part of one chat."""
    return await read(store, connection, deliveries.c.chat == chat)


async def sent_since(store: Store, connection: AsyncConnection, since: datetime) -> list[Delivery]:
    """Parts that were posted for slots since a moment."""
    return await read(
        store, connection, deliveries.c.state == SENT, deliveries.c.at >= int(since.timestamp()), deliveries.c.ref != ""
    )


async def stop_chat(connection: AsyncConnection, chat: str, why: str) -> None:
    """Nothing more goes out to a chat."""
    waiting = deliveries.c.chat == chat, deliveries.c.state == PENDING
    await connection.execute(update(deliveries).where(*waiting).values(state=DEAD, why=why))


async def stop_items(connection: AsyncConnection, items: tuple[str, ...], why: str) -> int:
    """No part with these items goes out to anybody any more; how many that were."""
    waiting = deliveries.c.state == PENDING, deliveries.c.carries == json.dumps(list(items))
    stopped = update(deliveries).where(*waiting).values(state=DEAD, why=why).returning(deliveries.c.id)
    return len((await connection.execute(stopped)).all())


async def counts(connection: AsyncConnection) -> dict[str, int]:
    """How many parts are in each state."""
    number = func.count().label("number")
    rows = await connection.execute(select(deliveries.c.state, number).group_by(deliveries.c.state))
    return {row.state: row.number for row in rows}


async def last_slot(connection: AsyncConnection, chat: str, now: datetime) -> tuple[int, str] | None:
    """The last digest of a chat: its slot in seconds since 1970, and whether it was planned, empty, skipped or paused."""
    wanted = select(digests.c.at, digests.c.state).where(digests.c.chat == chat, digests.c.at <= int(now.timestamp()))
    row = (await connection.execute(wanted.order_by(digests.c.at.desc()).limit(1))).one_or_none()
    return None if row is None else (row.at, row.state)
