"""What stewards did with items before they go out: shown, held or dropped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.engine import Store
from bot.store.reviews import fresh, unexplained
from bot.store.schema import items

SHOWN, HELD, DROPPED = "shown", "held", "dropped"


@dataclass(frozen=True, slots=True)
class Kept:
    """What posts do not say just now: entries as they are today, and of those that were withdrawn the reasons."""

    entries: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()


async def states(connection: AsyncConnection) -> dict[str, str]:
    """Item id to what was done with it."""
    rows = await connection.execute(select(items.c.item, items.c.state))
    return {row.item: row.state for row in rows}


async def kept_back(connection: AsyncConnection, now: datetime) -> frozenset[str]:
    """Items that do not go out just now: what stewards hold or dropped, and what one alone published too lately."""
    decided = frozenset(item for item, state in (await states(connection)).items() if state != SHOWN)
    return decided | await fresh(connection, now)


async def kept(connection: AsyncConnection, now: datetime) -> Kept:
    """The same, with what was withdrawn too lately for posts to say why."""
    entries = await kept_back(connection, now)
    return Kept(entries, entries | await unexplained(connection, now))


async def decide(store: Store, connection: AsyncConnection, wanted: Iterable[str], state: str) -> None:
    """From now on."""
    ids = list(wanted)
    if ids:
        await connection.execute(store.insert(items, [{"item": id, "state": state} for id in ids]))
        await connection.execute(update(items).where(items.c.item.in_(ids)).values(state=state))


async def shown(store: Store, connection: AsyncConnection, item: str) -> None:
    """Stewards saw an item; what they decided meanwhile stays."""
    await connection.execute(store.insert(items, [{"item": item, "state": SHOWN}]))
