"""Reviews: who approved a draft, what was published within the hour, what is still held, what the stewards were shown."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.lifetimes import RELEASED
from bot.store.engine import Store
from bot.store.schema import approvals, releases, shown


async def approved_by(connection: AsyncConnection, draft: str, mark: str) -> frozenset[str]:
    """The stewards who would publish the draft exactly as it is."""
    rows = await connection.execute(select(approvals.c.steward).where(approvals.c.draft == draft, approvals.c.mark == mark))
    return frozenset(row.steward for row in rows)


async def approve(store: Store, connection: AsyncConnection, draft: str, mark: str, steward: str) -> None:
    """Their last word on it."""
    mine = (approvals.c.draft == draft) & (approvals.c.steward == steward)
    await connection.execute(delete(approvals).where(mine))
    await connection.execute(store.insert(approvals, [{"draft": draft, "steward": steward, "mark": mark}]))


async def published_since(connection: AsyncConnection, steward: str, since: datetime) -> int:
    """How much a steward published since then."""
    where = (releases.c.steward == steward) & (releases.c.at > int(since.timestamp()))
    return int((await connection.execute(select(func.count()).select_from(releases).where(where))).scalar_one())


async def release(
    store: Store, connection: AsyncConnection, entries: Iterable[str], steward: str, now: datetime, held: timedelta
) -> None:
    """These are published now, and in no digest before `held` has passed."""
    ids, at = list(entries), int(now.timestamp())
    await close(connection, ids)
    await connection.execute(delete(releases).where(releases.c.entry.in_(ids)))
    until = int((now + held).timestamp())
    rows = [{"entry": id, "steward": steward, "at": at, "until": until} for id in ids]
    await connection.execute(store.insert(releases, rows))


async def close(connection: AsyncConnection, drafts: Iterable[str]) -> None:
    """These are drafts no more: nothing is kept of their review."""
    ids = list(drafts)
    await connection.execute(delete(approvals).where(approvals.c.draft.in_(ids)))
    await connection.execute(delete(shown).where(shown.c.draft.in_(ids)))


async def fresh(connection: AsyncConnection, now: datetime) -> frozenset[str]:
    """What was published too lately to be in a digest."""
    rows = await connection.execute(select(releases.c.entry).where(releases.c.until > int(now.timestamp())))
    return frozenset(row.entry for row in rows)


async def forget_old(connection: AsyncConnection, now: datetime) -> int:
    """Erase what was published longer ago than a day; how many."""
    result = await connection.execute(delete(releases).where(releases.c.at < int((now - RELEASED).timestamp())))
    return int(result.rowcount)


async def were_shown(connection: AsyncConnection) -> frozenset[str]:
    """The drafts that the stewards saw."""
    return frozenset(row.draft for row in await connection.execute(select(shown.c.draft)))


async def show(store: Store, connection: AsyncConnection, drafts: Iterable[str]) -> None:
    """The stewards saw these."""
    rows = [{"draft": draft} for draft in drafts]
    if rows:
        await connection.execute(store.insert(shown, rows))
