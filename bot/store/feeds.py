"""Feeds that are watched: when to look again, how they fail, and which of their entries were seen."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.lifetimes import NOT_IN_FEED
from bot.store.engine import Store
from bot.store.schema import feed_entries, feeds


@dataclass(frozen=True, slots=True)
class Watched:
    """How it stands with a feed. `pause` in seconds is what it asks for; `read` and `failing` are empty where it never was."""

    url: str
    etag: str = ""
    modified: str = ""
    read: datetime | None = None
    pause: int = 0
    failures: int = 0
    failing: datetime | None = None
    told: bool = False


async def watch_only(store: Store, connection: AsyncConnection, urls: Collection[str], now: datetime) -> None:
    """Watch these; of all others everything is forgotten."""
    for table, column in ((feeds, feeds.c.url), (feed_entries, feed_entries.c.feed)):
        await connection.execute(delete(table).where(column.not_in(urls)))
    blank = dict.fromkeys(("read", "pause", "failures", "failing", "told"), 0)
    rows = [{"url": url, "etag": "", "modified": "", "next": _seconds(now), **blank} for url in urls]
    if rows:
        await connection.execute(store.insert(feeds, rows))


async def claim(connection: AsyncConnection, now: datetime, until: datetime) -> Watched | None:
    """The feed that has been due longest, if any; it is due again at `until`, unless what became of it says otherwise."""
    due = select(feeds.c.url).where(feeds.c.next <= _seconds(now)).order_by(feeds.c.next, feeds.c.url).limit(1)
    url = (await connection.execute(due)).scalar_one_or_none()
    # Another process may have been faster: the condition stands twice.
    taken = update(feeds).where(feeds.c.url == url, feeds.c.next <= _seconds(now)).values(next=_seconds(until)).returning(feeds)
    row = (await connection.execute(taken)).one_or_none() if url is not None else None
    if row is None:
        return None
    read, failing = _moment(row.read), _moment(row.failing)
    return Watched(row.url, row.etag, row.modified, read, row.pause, row.failures, failing, bool(row.told))


async def unseen(connection: AsyncConnection, url: str, entries: Collection[str]) -> set[str]:
    """Those of the entries that were never seen in this feed."""
    known = select(feed_entries.c.entry).where(feed_entries.c.feed == url, feed_entries.c.entry.in_(entries))
    return set(entries) - set((await connection.execute(known)).scalars())


async def see(store: Store, connection: AsyncConnection, url: str, entries: Collection[str], now: datetime) -> None:
    """Remember that the feed shows these."""
    if entries:
        rows = [{"feed": url, "entry": entry, "last": _seconds(now)} for entry in entries]
        await connection.execute(store.insert(feed_entries, rows))
        shown = update(feed_entries).where(feed_entries.c.feed == url, feed_entries.c.entry.in_(entries))
        await connection.execute(shown.values(last=_seconds(now)))


async def forget_old(connection: AsyncConnection, now: datetime) -> int:
    """Erase the entries that no feed has shown for a long time, whether it can be read just now or not; how many."""
    old = feed_entries.c.last < _seconds(now - NOT_IN_FEED)
    return int((await connection.execute(delete(feed_entries).where(old))).rowcount)


async def record(connection: AsyncConnection, feed: Watched, due: datetime) -> None:
    """How it stands with a feed now, and when to look again; one that is watched no more stays forgotten."""
    values = {
        "etag": feed.etag,
        "modified": feed.modified,
        "read": _seconds(feed.read),
        "pause": feed.pause,
        "failures": feed.failures,
        "failing": _seconds(feed.failing),
        "told": int(feed.told),
        "next": _seconds(due),
    }
    await connection.execute(update(feeds).where(feeds.c.url == feed.url).values(values))


async def standing(connection: AsyncConnection) -> dict[str, Watched]:
    """Every feed that is watched, by its address."""
    rows = (await connection.execute(select(feeds))).all()
    return {
        row.url: Watched(
            row.url, row.etag, row.modified, _moment(row.read), row.pause, row.failures, _moment(row.failing), bool(row.told)
        )
        for row in rows
    }


def _seconds(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment else 0


def _moment(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
