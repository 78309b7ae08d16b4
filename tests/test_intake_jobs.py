"""What is read of pages, articles, feeds and links; what misleads in them is named, what is hostile left out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
from aiohttp import web as server

from bot.intake.fetched import FeedNews, Link, TryLater
from bot.intake.found import NotTaken, Publication
from bot.intake.jobs import do
from bot.intake.net import Web
from tests.open_web import OpenWeb, rss

FEED = "https://news.test/feed"


@pytest.fixture
async def open_web(tmp_path: Path) -> AsyncIterator[OpenWeb]:
    async with OpenWeb(tmp_path) as opened:
        yield opened


async def feed(open_web: OpenWeb, etag: str = "", modified: str = "") -> FeedNews | None:
    news = await do({"job": "feed", "url": FEED, "etag": etag, "modified": modified}, Web(open_web.loopback))
    assert news is None or isinstance(news, FeedNews)
    return news


async def article(open_web: OpenWeb, url: str) -> Publication:
    found = await do({"job": "article", "url": url}, Web(open_web.loopback))
    assert isinstance(found, Publication)
    return found


async def link(open_web: OpenWeb, url: str) -> Link:
    found = await do({"job": "link", "url": url}, Web(open_web.loopback))
    assert isinstance(found, Link)
    return found


async def test_a_feed_is_read_newest_first_and_its_texts_are_text_alone(open_web: OpenWeb) -> None:
    open_web.serve(FEED, rss(
        "<ttl>90</ttl>"
        "<item><title>Old</title><link>https://news.test/old</link><guid>1</guid>"
            "<pubDate>Mon, 02 Nov 2026 08:00:00 GMT</pubDate></item>"
        "<item><title>New &lt;b&gt;one&lt;/b&gt;\u202e</title><link>https://news.test/new</link><guid>2</guid>"
        "<author>Hanna Behn</author><pubDate>Tue, 03 Nov 2026 08:00:00 GMT</pubDate><description><![CDATA[<p>First.</p>"
        "<script>alert(1)</script><p onclick='x'>Second &amp; last.</p><style>p {}</style><!-- no -->]]></description></item>"
        "<item><title>Odd</title><link>https://аmazon.com/x</link><guid>3</guid></item>"
        "<item><title>Plain</title><link>http://news.test/plain</link><guid>4</guid></item>"
        "<item><title>Doubled</title><guid>2</guid></item>"
    ))  # fmt: skip
    news = await feed(open_web)
    assert news is not None
    assert news.pause == 5400
    first, second, odd, plain = (entry.publication for entry in news.entries)
    assert (first.title, first.date, first.author) == ("New one", date(2026, 11, 3), "Hanna Behn")
    assert (first.outlet, first.language, first.url) == ("Watch & Blog", "de", "https://news.test/new")
    assert first.passage == "First.\nSecond & last."
    assert (second.title, second.doubts) == ("Old", ())
    assert odd.url is None
    assert "xn--mazon-3ve.com" in odd.doubts[0]
    assert plain.url == "http://news.test/plain"
    assert "not encrypted" in plain.doubts[0]
    assert len({entry.id for entry in news.entries}) == 4


async def test_a_feed_that_has_not_changed_is_not_sent_again(open_web: OpenWeb) -> None:
    async def handle(request: server.BaseRequest) -> server.StreamResponse:
        if request.headers.get("If-None-Match") == '"v1"' and "If-Modified-Since" in request.headers:
            return server.Response(status=304)
        headers = {"ETag": '"v1"', "Last-Modified": "Tue, 24 Nov 2026 12:00:00 GMT"}
        return server.Response(body=rss("<item><title>a</title></item>").encode(), headers=headers)

    open_web.serve_by(FEED, handle)
    news = await feed(open_web)
    assert news is not None
    assert (news.etag, news.modified) == ('"v1"', "Tue, 24 Nov 2026 12:00:00 GMT")
    assert await feed(open_web, news.etag, news.modified) is None
    assert await feed(open_web, '"v0"', news.modified) == news


async def test_only_the_newest_500_entries_are_looked_at(open_web: OpenWeb) -> None:
    days = [
        f"{day:02} {month} 20{year:02}" for year in range(10, 25) for month in ("Jan", "Feb", "Mar") for day in range(1, 29)
    ]
    rows = (f"<item><title>{day}</title><pubDate>{day} 08:00:00 GMT</pubDate></item>" for day in days)
    open_web.serve(FEED, rss("".join(rows)))
    news = await feed(open_web)
    assert news is not None
    assert [entry.publication.title for entry in news.entries] == days[::-1][:500]


async def test_what_an_article_says_of_itself(open_web: OpenWeb) -> None:
    text = "".join(
        f"<p>Satz {number} über die Kameras in den Lieferwagen, die alles filmen und alles melden.</p>" for number in range(60)
    )
    open_web.serve("https://news.test/a", (
        '<html lang="de-DE"><head><title>Kameras im Wagen | Blog</title><meta property="og:title" content="Kameras im Wagen">'
        '<meta name="author" content="Hanna Behn"><meta property="og:site_name" content="amazon-watchblog">'
        '<meta property="article:published_time" content="2023-07-20T10:00:00+02:00"><script>alert("x")</script></head>'
        f"<body><nav>Menü</nav><article><h1>Kameras im Wagen</h1>{text}</article></body></html>"
    ), Content_Type="text/html; charset=utf-8")  # fmt: skip
    found = await article(open_web, "https://news.test/a")
    assert (found.title, found.author, found.outlet) == ("Kameras im Wagen", "Hanna Behn", "amazon-watchblog")
    assert (found.date, found.language, found.url) == (date(2023, 7, 20), "de", "https://news.test/a")
    assert "Satz 3 über die Kameras" in found.passage
    assert 1000 < len(found.passage) <= 1500
    assert "alert" not in found.passage
    assert found.doubts == ()
    open_web.serve("https://news.test/empty", "")
    with pytest.raises(NotTaken, match="no article"):
        await article(open_web, "https://news.test/empty")


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (404, {}, "no such page"),
        (410, {}, "taken away"),
        (500, {}, "status 500"),
        (403, {}, "status 403"),
        (429, {}, "status 429"),
    ],
)
async def test_what_a_site_refuses_is_said_with_a_remedy(
    open_web: OpenWeb, status: int, headers: dict[str, str], words: str
) -> None:
    open_web.serve(FEED, "no", status, **headers)
    with pytest.raises(NotTaken, match=words) as refused:
        await feed(open_web)
    assert refused.value.remedy


async def test_a_site_that_wants_to_be_left_alone_says_for_how_long(open_web: OpenWeb) -> None:
    open_web.serve(FEED, "no", 429, Retry_After="7200")
    with pytest.raises(TryLater) as refused:
        await feed(open_web)
    assert refused.value.seconds == 7200


async def test_links_are_ok_moved_dead_or_unclear(open_web: OpenWeb) -> None:
    copy = {"archived_snapshots": {"closest": {"url": "http://web.archive.org/web/20200101000000/https://news.test/gone"}}}
    open_web.serve("https://archive.org/wayback/available?url=https%3A%2F%2Fnews.test%2Fgone", json.dumps(copy))
    open_web.serve("https://archive.org/wayback/available", '{"archived_snapshots": {}}')
    open_web.serve("https://news.test/ok", "x" * 3_000_000)
    open_web.redirect("https://news.test/moved", "https://other.test/new", 301)
    open_web.serve("https://other.test/new", "x")
    open_web.redirect("https://news.test/today", "https://other.test/new", 302)
    open_web.serve("https://news.test/shy", "x", 403)

    async def no_head(request: server.BaseRequest) -> server.StreamResponse:
        return server.Response(status=405 if request.method == "HEAD" else 200)

    open_web.serve_by("https://news.test/get", no_head)
    names = ("ok", "moved", "today", "gone", "shy", "get")
    links = {name: await link(open_web, f"https://news.test/{name}") for name in names}
    assert {name: link.state for name, link in links.items()} == {
        "ok": "ok", "moved": "moved", "today": "ok", "gone": "dead", "shy": "unclear", "get": "ok",
    }  # fmt: skip
    assert links["moved"].url == "https://other.test/new"
    assert links["gone"].archived == "https://web.archive.org/web/20200101000000/https://news.test/gone"
    assert "404" in links["gone"].why
    dead = await link(open_web, "https://no-such-host.invalid/")
    assert dead.state in ("dead", "unclear")  # Where there is no name server at all nobody can tell.
    assert (await link(open_web, "http://news.test/")).state == "unclear"


@pytest.mark.parametrize("body", ["", "<html><script>alert(1)</script></html>", "no feed at all", '{"a": 1}', "\x00\x01"])
async def test_what_is_no_feed_is_said_to_be_none(open_web: OpenWeb, body: str) -> None:
    open_web.serve(FEED, body)
    with pytest.raises(NotTaken, match="no feed"):
        await feed(open_web)
