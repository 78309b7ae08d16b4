"""Looking at the ledger."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.deliveries import PENDING, SENDING, SENT, Delivery
from bot.store.engine import Store
from bot.store.outbox import read
from bot.store.schema import chats, deliveries, digests


async def left_sending(store: Store, connection: AsyncConnection, platforms: Collection[str]) -> list[Delivery]:
    """Parts that a process left behind when it died, or whose outcome could not be written."""
    return await read(store, connection, deliveries.c.state == SENDING, chats.c.platform.in_(list(platforms)))


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


async def sent_between(store: Store, connection: AsyncConnection, since: datetime, until: datetime) -> list[Delivery]:
    """Parts that were posted in a stretch of time, its end not included."""
    stretch = [int(moment.timestamp() * 1000) for moment in (since, until)]
    when = deliveries.c.due >= stretch[0], deliveries.c.due < stretch[1]
    return await read(store, connection, deliveries.c.state == SENT, *when, deliveries.c.ref != "")


async def counts(connection: AsyncConnection, account: str | None = None) -> dict[str, int]:
    """How many parts are in each state, of one account or of all."""
    wanted = select(deliveries.c.state, func.count().label("number")).group_by(deliveries.c.state)
    if account is not None:
        wanted = wanted.join(chats, chats.c.id == deliveries.c.chat).where(chats.c.account == account)
    rows = await connection.execute(wanted)
    return {row.state: row.number for row in rows}


async def overdue(connection: AsyncConnection, now: datetime, accounts: Collection[str] | None = None) -> tuple[int, int]:
    """How many parts of these accounts or of all are due and not sent, and the seconds that the first of them has waited."""
    moment = int(now.timestamp() * 1000)
    wanted = select(func.count(), func.min(deliveries.c.due)).where(deliveries.c.state == PENDING, deliveries.c.due <= moment)
    if accounts is not None:
        wanted = wanted.join(chats, chats.c.id == deliveries.c.chat).where(chats.c.account.in_(accounts))
    number, first = (await connection.execute(wanted)).one()
    return number, (moment - first) // 1000 if number else 0


async def last_slot(connection: AsyncConnection, chat: str, now: datetime) -> tuple[int, str] | None:
    """The last digest of a chat: its slot in seconds since 1970, and whether it was planned, empty, skipped or paused."""
    wanted = select(digests.c.at, digests.c.state).where(digests.c.chat == chat, digests.c.at <= int(now.timestamp()))
    row = (await connection.execute(wanted.order_by(digests.c.at.desc()).limit(1))).one_or_none()
    return None if row is None else (row.at, row.state)
