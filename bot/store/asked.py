"""How often what was asked in a week, from ten on: of facts and unknowns, nothing of who or where."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.lifetimes import COUNTED
from bot.store.engine import Store
from bot.store.schema import asked, notes

LEAST, STEP = 10, 5
"""A count is first written at ten, and only in fives."""
Counts = Mapping[tuple[str, str], int]
"""(Id, week) to how often."""


def week_of(day: date) -> str:
    """The ISO week of a day, such as 2026-W48; later weeks sort after earlier ones."""
    year, week, _ = day.isocalendar()
    return f"{year:04}-W{week:02}"


async def add(store: Store, connection: AsyncConnection, counts: Counts) -> dict[tuple[str, str], int]:
    """Write of the counts what may be written; how much of each that was. The rest is the caller's to keep."""
    written = {}
    for (entry, week), count in counts.items():
        own = (asked.c.entry == entry) & (asked.c.week == week)
        known = (await connection.execute(select(asked.c.count).where(own))).scalar_one_or_none() is not None
        whole = count - count % STEP
        if whole < (STEP if known else LEAST):
            continue
        await connection.execute(store.insert(asked, [{"entry": entry, "week": week, "count": 0}]))
        await connection.execute(update(asked).where(own).values(count=asked.c.count + whole))
        written[entry, week] = whole
    return written


async def counts(connection: AsyncConnection, first: str, last: str) -> dict[str, int]:
    """Id to how often it was asked in the weeks from `first` to `last`, most first."""
    total = func.sum(asked.c.count)
    rows = await connection.execute(
        select(asked.c.entry, total.label("total"))
        .where(asked.c.week.between(first, last))
        .group_by(asked.c.entry)
        .order_by(total.desc(), asked.c.entry)
    )
    return {row.entry: int(row.total) for row in rows}


async def note(store: Store, connection: AsyncConnection, week: str) -> bool:
    """The stewards are told of a week: True for the one who is to do it."""
    done = await connection.execute(store.insert(notes, [{"week": week}]).returning(notes.c.week))
    return done.first() is not None


async def forget_old(store: Store, today: date) -> int:
    """Erase the weeks that began twelve months ago or earlier; how many counts that were."""
    first = week_of(today - COUNTED)

    async def erase(connection: AsyncConnection) -> int:
        await connection.execute(delete(notes).where(notes.c.week <= first))
        return (await connection.execute(delete(asked).where(asked.c.week <= first))).rowcount

    return await store.run(erase)
