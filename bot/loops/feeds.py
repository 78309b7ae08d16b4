"""Feeds at their own pace: what is new becomes drafts, and stewards hear of it; of one that stays broken they hear once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.facts import Feed
from bot.intake.fetched import Entry, FeedNews, TryLater
from bot.intake.found import NotTaken, Publication
from bot.logs import Event, fail, log, warn
from bot.loops.stewards import Tell
from bot.store import Store, Transaction, feeds, panic
from bot.store.feeds import Watched

EVERY_SECONDS = 60.0
USUAL_PAUSE = timedelta(minutes=30)
LONGEST_BACK_OFF = timedelta(hours=12)
LONGEST_PAUSE = timedelta(hours=24)
PATIENCE = timedelta(days=1)
"""How long a feed may fail before the stewards hear of it."""
AT_FIRST = 3
"""Of a feed that was never read before so many entries are new, the newest."""
MOST_NAMED = 20

Read = Callable[[str, str, str], Awaitable[FeedNews | None]]
"""Address, ETag and date of the version that is known: the feed as it is, or nothing where that has not changed."""
Found = Callable[[list[Publication], str], Awaitable[list[str]]]
"""Publications and the feed's name: ids of the drafts that were made. What it made already it must not make again."""


class FeedWatcher:
    """`list_feeds` gives what the data folder names now."""

    def __init__(
        self,
        store: Store,
        list_feeds: Callable[[], Sequence[Feed]],
        read: Read,
        found: Found,
        tell: Tell,
        now: Callable[[], datetime],
    ) -> None:
        self._store, self._feeds, self._read, self._found, self._tell, self._now = store, list_feeds, read, found, tell, now

    async def watch_for_ever(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look(self._now())
            except Exception as error:  # The next round tries again.
                fail(Event.UNHANDLED, exception=error)
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self, now: datetime) -> None:
        """At each feed that is due, one after the other."""
        if await self._store.run(panic.since) is not None:
            return
        named = {feed.url: feed for feed in self._feeds()}
        await self._store.run(lambda transaction: feeds.watch_only(self._store, transaction, list(named), now))
        while True:
            watched = await self._store.run(lambda transaction: feeds.claim(transaction, now, now + USUAL_PAUSE))
            if watched is None:
                return
            if watched.url in named:
                await self._look_at(named[watched.url], watched, now)

    async def _look_at(self, feed: Feed, watched: Watched, now: datetime) -> None:
        try:
            news = await self._read(watched.url, watched.etag, watched.modified)
        except NotTaken as error:
            await self._failed(feed, watched, error, now)
            return
        try:
            await self._well(feed, watched, news, now)
        except Exception as error:  # One feed's drafts that cannot be written keep no other waiting; it is due again soon.
            fail(Event.FEED_FAILED, exception=error)

    async def _failed(self, feed: Feed, watched: Watched, error: NotTaken, now: datetime) -> None:
        since = watched.failing or now
        told = watched.told
        warn(Event.FEED_FAILED, count=watched.failures + 1)
        if not told and now - since >= PATIENCE:
            words = {"feed": feed.name, "since": f"{since:%Y-%m-%d}", "problem": error.problem, "remedy": error.remedy}
            await self._tell("steward.feed-broken", words)
            told = True
        # The exponent is capped, since a feed may fail for years.
        pause = min(USUAL_PAUSE * 2 ** min(watched.failures, 10), LONGEST_BACK_OFF)
        if isinstance(error, TryLater):
            pause = max(pause, _within(error.seconds))
        broken = replace(watched, failures=watched.failures + 1, failing=since, told=told)
        await self._store.run(lambda transaction: feeds.record(transaction, broken, now + pause))

    async def _well(self, feed: Feed, watched: Watched, news: FeedNews | None, now: datetime) -> None:
        read = replace(watched, read=now, failures=0, failing=None, told=False)
        if news is not None:
            await self._draft(feed, watched, news)
            read = replace(read, etag=news.etag, modified=news.modified, pause=int(_within(news.pause).total_seconds()))
        if watched.told:
            await self._tell("steward.feed-well", {"feed": feed.name})

        async def write(transaction: Transaction) -> None:
            if news is not None:
                await feeds.see(self._store, transaction, watched.url, [entry.id for entry in news.entries], now)
            await feeds.record(transaction, read, now + max(USUAL_PAUSE, timedelta(seconds=read.pause)))

        # Only now: a crash before this finds the same entries new again, and what was drafted is not drafted twice.
        await self._store.run(write)

    async def _draft(self, feed: Feed, watched: Watched, news: FeedNews) -> None:
        new = await self._new(watched, news)
        log(Event.FEED_READ, count=len(new))
        if not new:
            return
        drafts = await self._found([entry.publication for entry in new], feed.name)
        if drafts:
            named = ", ".join(drafts[:MOST_NAMED]) + (" …" if len(drafts) > MOST_NAMED else "")
            await self._tell("steward.feed-new", {"feed": feed.name, "count": str(len(drafts)), "drafts": named})

    async def _new(self, watched: Watched, news: FeedNews) -> Sequence[Entry]:
        if watched.read is None:
            return news.entries[:AT_FIRST]
        ids = [entry.id for entry in news.entries]
        unseen = await self._store.run(lambda transaction: feeds.unseen(transaction, watched.url, ids))
        return [entry for entry in news.entries if entry.id in unseen]


def _within(seconds: float) -> timedelta:
    """What a site asks for, as far as that is reasonable."""
    return min(timedelta(seconds=min(max(seconds, 0.0), 1e6)), LONGEST_PAUSE)
