"""The health of sources' addresses: when each was checked, since when it is dead, who knows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import case, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.engine import Store
from bot.store.schema import links


async def keep_only(connection: AsyncConnection, urls: Collection[str]) -> None:
    """Of addresses that the dossier names no more nothing is kept."""
    await connection.execute(delete(links).where(links.c.url.not_in(urls)))


async def know(store: Store, connection: AsyncConnection, urls: Collection[str]) -> None:
    """Addresses of the dossier, whether they were known before or not."""
    if urls:
        rows = [{"url": url, "checked": 0, "dead": 0, "told": 0} for url in urls]
        await connection.execute(store.insert(links, rows))


async def due(connection: AsyncConnection, before: datetime) -> list[str]:
    """Addresses that were not checked since."""
    wanted = select(links.c.url).where(links.c.checked <= _seconds(before)).order_by(links.c.checked, links.c.url)
    return list((await connection.execute(wanted)).scalars())


async def record(connection: AsyncConnection, url: str, dead: bool | None, now: datetime) -> datetime | None:
    """How an address was found, nothing where nobody can tell; since when it is dead, if it is."""
    values: dict[str, Any] = {"checked": _seconds(now)}
    if dead:
        values |= {"dead": case((links.c.dead > 0, links.c.dead), else_=_seconds(now))}
    elif dead is not None:
        values |= {"dead": 0, "told": 0}
    found = update(links).where(links.c.url == url).values(values).returning(links.c.dead)
    seconds = (await connection.execute(found)).scalar_one_or_none()
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


async def untold(connection: AsyncConnection) -> set[str]:
    """Dead ones that the stewards do not know of."""
    return set((await connection.execute(select(links.c.url).where(links.c.dead > 0, links.c.told == 0))).scalars())


async def tell(connection: AsyncConnection, urls: Collection[str]) -> None:
    """The stewards know of these now."""
    await connection.execute(update(links).where(links.c.url.in_(urls)).values(told=1))


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
