"""Feeds are watched at their pace, on both engines: each entry is new once, a broken one is reported once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web as server

from bot.facts import Feed
from bot.intake.child import Fetcher
from bot.intake.fetched import Entry, FeedNews, TryLater
from bot.intake.found import NotTaken, Publication
from bot.keys import Keys
from bot.loops.feeds import FeedWatcher
from bot.store import Store, feeds, open_store
from tests.open_web import OpenWeb, rss

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
URL = "https://news.test/feed"
BROKEN = NotTaken("the site answers with status 500", "try again later")


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(database_url, Keys(b"k" * 32)) as opened:
        yield opened


class Newsroom:
    """A feed that says what the test wants, and a room that notes what it hears."""

    def __init__(self, store: Store) -> None:
        self.store, self.feeds = store, [Feed(URL, "News")]
        self.says: FeedNews | NotTaken | None = FeedNews(())
        self.asked: list[tuple[str, str, str]] = []
        self.drafted: list[list[str]] = []
        self.heard: list[tuple[str, Mapping[str, str]]] = []
        self.breaks = False
        self.now = NOW
        self.watcher = FeedWatcher(store, lambda: self.feeds, self.read, self.found, self.tell, lambda: self.now)

    async def read(self, url: str, etag: str, modified: str) -> FeedNews | None:
        self.asked.append((url, etag, modified))
        if isinstance(self.says, NotTaken):
            raise self.says
        return self.says

    async def found(self, publications: list[Publication], feed_name: str) -> list[str]:
        if self.breaks:
            raise OSError("no room left")
        self.drafted.append([found.title for found in publications])
        return [f"draft-{found.title}" for found in publications]

    async def tell(self, key: str, values: Mapping[str, str]) -> None:
        self.heard.append((key, values))

    async def look(self, after: timedelta = timedelta()) -> None:
        self.now += after
        await self.watcher.look(self.now)


@pytest.fixture
def room(store: Store) -> Newsroom:
    return Newsroom(store)


def news(*titles: str, **more: object) -> FeedNews:
    return FeedNews(tuple(Entry(title, Publication(title)) for title in titles), **more)  # type: ignore[arg-type]


async def test_of_a_new_feed_the_newest_three_are_new_and_the_rest_counts_as_seen(room: Newsroom) -> None:
    room.says = news("e", "d", "c", "b", "a")
    await room.look()
    assert room.drafted == [["e", "d", "c"]]
    assert room.heard == [("steward.feed-new", {"feed": "News", "count": "3", "drafts": "draft-e, draft-d, draft-c"})]
    room.says = news("g", "f", "e", "d", "c", "b", "a")
    await room.look(HALF_HOUR)
    assert room.drafted[1:] == [["g", "f"]]
    await room.look(HALF_HOUR)
    assert len(room.drafted) == 2
    assert len(room.heard) == 2


async def test_a_feed_that_was_empty_at_first_has_only_new_entries_later(room: Newsroom) -> None:
    room.says = news()
    await room.look()
    room.says = news(*"edcba")
    await room.look(HALF_HOUR)
    assert room.drafted == [list("edcba")]


async def test_a_feed_is_asked_every_half_hour_with_what_is_known_of_it(room: Newsroom) -> None:
    room.says = news("a", etag='"1"', modified="today")
    await room.look()
    await room.look(timedelta(minutes=29))
    assert room.asked == [(URL, "", "")]
    room.says = None
    await room.look(timedelta(minutes=1))
    await room.look(HALF_HOUR)
    assert room.asked[1:] == [(URL, '"1"', "today")] * 2
    assert room.drafted == [["a"]]


async def test_a_feed_that_asks_for_longer_pauses_gets_them_also_while_it_does_not_change(room: Newsroom) -> None:
    room.says = news("a", pause=7200.0)
    await room.look()
    room.says = None
    for _ in range(2):
        await room.look(timedelta(minutes=119))
        before = len(room.asked)
        await room.look(timedelta(minutes=1))
        assert len(room.asked) == before + 1
    room.says = news("a", pause=1e9)
    await room.look(timedelta(hours=2))
    await room.look(timedelta(hours=24))
    assert len(room.asked) == 5


async def test_pauses_double_up_to_twelve_hours_while_it_fails_and_end_when_it_is_well(room: Newsroom) -> None:
    room.says = BROKEN
    pauses = []
    last = room.now
    await room.look()
    while len(pauses) < 7:
        before = len(room.asked)
        await room.look(HALF_HOUR)
        if len(room.asked) > before:
            pauses.append((room.now - last) / HALF_HOUR)
            last = room.now
    assert pauses == [1, 2, 4, 8, 16, 24, 24]
    room.says = news("a")
    await room.look(timedelta(hours=12))
    await room.look(HALF_HOUR)
    assert len(room.asked) == 10


async def test_a_broken_feed_is_reported_once_after_a_day_and_once_when_it_is_well(room: Newsroom) -> None:
    room.says = BROKEN
    await room.look()
    for _ in range(5):
        await room.look(timedelta(hours=4))
    assert room.heard == []
    for _ in range(8):
        await room.look(timedelta(hours=12))
    ((key, words),) = room.heard
    assert key == "steward.feed-broken"
    assert words == {"feed": "News", "since": "2026-11-24", "problem": BROKEN.problem, "remedy": BROKEN.remedy}
    room.says = news("a")
    for _ in range(3):
        await room.look(timedelta(hours=12))
    assert [key for key, _ in room.heard] == ["steward.feed-broken", "steward.feed-new", "steward.feed-well"]


async def test_a_short_failure_is_no_news(room: Newsroom) -> None:
    for _ in range(3):
        room.says = BROKEN
        await room.look(timedelta(hours=12))
        room.says = news()
        await room.look(timedelta(hours=12))
    assert room.heard == []


async def test_a_site_that_wants_to_be_left_alone_is(room: Newsroom) -> None:
    room.says = TryLater("busy", "later", 10_800)
    await room.look()
    await room.look(timedelta(minutes=179))
    assert len(room.asked) == 1
    room.says = TryLater("busy", "later", 1e12)
    await room.look(timedelta(minutes=1))
    await room.look(timedelta(hours=23))
    assert len(room.asked) == 2
    await room.look(timedelta(hours=1))
    assert len(room.asked) == 3


async def test_what_could_not_be_drafted_is_new_again(room: Newsroom) -> None:
    room.says, room.breaks = news("a", etag='"1"'), True
    await room.look()
    assert room.heard == []
    room.breaks = False
    await room.look(HALF_HOUR)
    assert room.drafted == [["a"]]
    assert room.asked[1] == (URL, "", "")


async def test_one_feed_that_cannot_be_drafted_keeps_no_other_waiting(room: Newsroom) -> None:
    room.feeds.append(Feed("https://other.test/feed", "Other"))
    room.says, room.breaks = news("a"), True
    await room.look()
    assert len(room.asked) == 2


async def test_of_a_feed_that_is_watched_no_more_nothing_is_kept(room: Newsroom, store: Store) -> None:
    room.says = news("a")
    await room.look()
    room.feeds.clear()
    await room.look(HALF_HOUR)
    assert await store.run(feeds.standing) == {}
    assert await store.run(lambda transaction: feeds.unseen(transaction, URL, ["a"])) == {"a"}


async def test_two_processes_do_not_look_at_one_feed_at_once(room: Newsroom, store: Store) -> None:
    await store.run(lambda transaction: feeds.watch_only(store, transaction, [URL], NOW))
    first = await store.run(lambda transaction: feeds.claim(transaction, NOW, NOW + HALF_HOUR))
    assert first is not None
    assert await store.run(lambda transaction: feeds.claim(transaction, NOW, NOW + HALF_HOUR)) is None
    assert await store.run(lambda transaction: feeds.claim(transaction, NOW + HALF_HOUR, NOW + 2 * HALF_HOUR)) == first


async def test_an_entry_is_forgotten_90_days_after_the_feed_last_showed_it(store: Store) -> None:
    async def see(entries: list[str], moment: datetime) -> None:
        await store.run(lambda transaction: feeds.see(store, transaction, URL, entries, moment))

    async def unseen() -> set[str]:
        return await store.run(lambda transaction: feeds.unseen(transaction, URL, ["a", "b"]))

    await see(["a", "b"], NOW)
    await see(["a"], NOW + timedelta(days=60))
    for days, forgotten in ((90, set()), (91, {"b"})):
        moment = NOW + timedelta(days=days)
        await store.run(lambda transaction, moment=moment: feeds.forget_old(transaction, moment))
        assert await unseen() == forgotten


async def test_a_real_feed_of_500_entries_and_one_that_answers_with_rubbish(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/test.db"
    async with OpenWeb(tmp_path) as open_web, open_store(url, Keys(b"k" * 32)) as store:
        room = Newsroom(store)
        fetcher = Fetcher(open_web.loopback)
        watcher = FeedWatcher(store, lambda: room.feeds, fetcher.feed, room.found, room.tell, lambda: room.now)
        items = "".join(f"<item><title>{n}</title><guid>{n}</guid></item>" for n in range(600))
        open_web.serve(URL, rss(items), ETag='"1"')
        await watcher.look(NOW)
        assert room.drafted == [["0", "1", "2"]]

        async def unchanged(request: server.BaseRequest) -> server.StreamResponse:
            assert request.headers["If-None-Match"] == '"1"'
            return server.Response(status=304)

        open_web.serve_by(URL, unchanged)
        await watcher.look(NOW + HALF_HOUR)
        open_web.serve(URL, rss("<item><title>new</title><guid>new</guid></item>" + items))
        await watcher.look(NOW + 2 * HALF_HOUR)
        assert room.drafted[1:] == [["new"]]
        open_web.serve(URL, "<html><script>alert(1)</script>")
        await watcher.look(NOW + 3 * HALF_HOUR)
        assert (await store.run(feeds.standing))[URL].failures == 1
        assert len(room.drafted) == 2
