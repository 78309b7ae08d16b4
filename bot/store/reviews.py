"""Reviews: who approved a draft, how much each steward did, what posts do not say yet, what the stewards were shown."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.lifetimes import RELEASED
from bot.store.engine import Store
from bot.store.schema import acts, approvals, releases, shown


async def approved_by(connection: AsyncConnection, draft: str, mark: str) -> frozenset[str]:
    """The stewards who would publish the draft exactly as it is."""
    rows = await connection.execute(select(approvals.c.steward).where(approvals.c.draft == draft, approvals.c.mark == mark))
    return frozenset(row.steward for row in rows)


async def approve(store: Store, connection: AsyncConnection, draft: str, mark: str, steward: str) -> None:
    """Their last word on it."""
    mine = (approvals.c.draft == draft) & (approvals.c.steward == steward)
    await connection.execute(delete(approvals).where(mine))
    await connection.execute(store.insert(approvals, [{"draft": draft, "steward": steward, "mark": mark}]))


async def done_since(connection: AsyncConnection, steward: str, since: datetime) -> int:
    """How much a steward did since then."""
    where = (acts.c.steward == steward) & (acts.c.at > int(since.timestamp()))
    return int((await connection.execute(select(func.count()).select_from(acts).where(where))).scalar_one())


async def note(connection: AsyncConnection, steward: str, times: int, now: datetime) -> None:
    """A steward did something to so many entries."""
    rows = [{"id": secrets.token_hex(8), "steward": steward, "at": int(now.timestamp())} for _ in range(times)]
    await connection.execute(insert(acts), rows)


async def release(store: Store, connection: AsyncConnection, entries: Iterable[str], now: datetime, held: timedelta) -> None:
    """These are published now, and in no post before `held` has passed."""
    ids = list(entries)
    await close(connection, ids)
    await _put(store, connection, ids, now, until=int((now + held).timestamp()))


async def withhold_reason(store: Store, connection: AsyncConnection, entry: str, now: datetime, held: timedelta) -> None:
    """This is withdrawn now, and why is in no post before `held` has passed."""
    await _put(store, connection, [entry], now, reason=int((now + held).timestamp()))


async def close(connection: AsyncConnection, drafts: Iterable[str]) -> None:
    """These are drafts no more: nothing is kept of their review."""
    ids = list(drafts)
    await connection.execute(delete(approvals).where(approvals.c.draft.in_(ids)))
    await connection.execute(delete(shown).where(shown.c.draft.in_(ids)))


async def fresh(connection: AsyncConnection, now: datetime) -> frozenset[str]:
    """What was published too lately to be in a post as it is now."""
    rows = await connection.execute(select(releases.c.entry).where(releases.c.until > int(now.timestamp())))
    return frozenset(row.entry for row in rows)


async def unexplained(connection: AsyncConnection, now: datetime) -> frozenset[str]:
    """What was withdrawn too lately for posts to say why."""
    rows = await connection.execute(select(releases.c.entry).where(releases.c.reason > int(now.timestamp())))
    return frozenset(row.entry for row in rows)


async def forget_old(connection: AsyncConnection, now: datetime) -> int:
    """Erase what was done longer ago than a day; how many rows."""
    before = int((now - RELEASED).timestamp())
    erased = [await connection.execute(delete(table).where(table.c.at < before)) for table in (releases, acts)]
    return sum(int(result.rowcount) for result in erased)


async def were_shown(connection: AsyncConnection) -> frozenset[str]:
    """The drafts that the stewards saw."""
    return frozenset(row.draft for row in await connection.execute(select(shown.c.draft)))


async def show(store: Store, connection: AsyncConnection, drafts: Iterable[str]) -> None:
    """The stewards saw these."""
    rows = [{"draft": draft} for draft in drafts]
    if rows:
        await connection.execute(store.insert(shown, rows))


async def _put(store: Store, connection: AsyncConnection, ids: list[str], now: datetime, **changed: int) -> None:
    """What else is withheld of them stays withheld."""
    at = int(now.timestamp())
    rows = [{"entry": id, "at": at, "until": 0, "reason": 0} for id in ids]
    await connection.execute(store.insert(releases, rows))
    await connection.execute(update(releases).where(releases.c.entry.in_(ids)).values(at=at, **changed))
