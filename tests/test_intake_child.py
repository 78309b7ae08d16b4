"""Pages, articles, feeds and links through the child process; bombs cost it little, and us nothing."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

import pytest
from aiohttp import web as server

from bot.intake.child import Fetcher
from bot.intake.fetched import Link, TryLater
from bot.intake.found import NotTaken
from tests.conftest import Chat
from tests.live import QUESTION
from tests.open_web import OpenWeb, rss

FEED = "https://news.test/feed"


@pytest.fixture
async def open_web(tmp_path: Path) -> AsyncIterator[OpenWeb]:
    async with OpenWeb(tmp_path) as opened:
        yield opened


@pytest.fixture
def fetcher(open_web: OpenWeb) -> Fetcher:
    return Fetcher(open_web.loopback)


async def test_a_page_comes_whole_with_the_address_where_it_was_found(open_web: OpenWeb, fetcher: Fetcher) -> None:
    open_web.redirect("https://news.test/", "https://other.test/page")
    open_web.serve("https://other.test/page", bytes(range(256)) * 4000, Content_Type="application/x-any")
    page = await fetcher.page("https://news.test/")
    assert page.body == bytes(range(256)) * 4000
    assert (page.content_type, page.url) == ("application/x-any", "https://other.test/page")


async def test_a_feed_an_article_and_a_link_come_as_values(open_web: OpenWeb, fetcher: Fetcher) -> None:
    open_web.serve(FEED, rss("<item><title>a</title><link>https://news.test/a</link></item>"), ETag='"v1"')
    open_web.serve("https://news.test/a", "<html><head><title>A page</title></head><body><p>On cameras.</p></body></html>")
    news, article, link = await asyncio.gather(
        fetcher.feed(FEED), fetcher.article("https://news.test/a"), fetcher.link("https://news.test/a")
    )
    assert news is not None
    assert (news.entries[0].publication.url, news.etag) == ("https://news.test/a", '"v1"')
    assert (article.title, article.date, article.url) == ("A page", None, "https://news.test/a")
    assert link == Link("ok", "https://news.test/a")


async def test_a_refusal_comes_with_its_remedy_and_its_pause(open_web: OpenWeb, fetcher: Fetcher) -> None:
    open_web.serve(FEED, "no", 429, Retry_After="7200")
    with pytest.raises(TryLater, match="come back later") as refused:
        await fetcher.feed(FEED)
    assert (refused.value.seconds, bool(refused.value.remedy)) == (7200, True)


LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
LAUGHING = f'<!DOCTYPE rss [<!ENTITY a0 "ha">{LAUGHS}]><rss version="2.0"><channel><title>&a9;</title></channel></rss>'
BOMBS = {
    "laughs": LAUGHING.encode(),
    "hidden laughs": LAUGHING.encode("utf-16"),
    "200,000 items": rss("<item/>" * 200_000).encode(),
    "200,000 items of some size": rss("<item><title>t</title><link>https://a.b/1</link></item>" * 200_000).encode(),
    "an attribute of 20 MB": rss(f'<item a="{"x" * 20_000_000}"/>').encode(),
    "an attribute of almost 2 MB": rss(f'<item a="{"x" * 1_900_000}"/>').encode(),
    "200,000 deep": rss("<a>" * 200_000 + "</a>" * 200_000).encode(),
}


# Of a process that was forked by a large one the kernel counts the memory of that too: so a small one stands between.
MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run([sys.executable, "-m", "bot.commands.fetch"], input=sys.stdin.buffer.read(), capture_output=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, done.stdout.decode()]))
"""


def measured(order: dict[str, object]) -> tuple[int, float, int, str]:
    """Status, seconds of computing, bytes of memory at most, and what the child said."""
    command = [sys.executable, "-c", MEASURE]
    done = subprocess.run(command, input=json.dumps(order).encode(), capture_output=True, check=True, timeout=120)
    status, seconds, memory, said = json.loads(done.stdout)
    return status, seconds, memory, said


@pytest.fixture(scope="module")
def usual() -> int:
    """Bytes of memory of a child that finds nothing."""
    status, _, memory, _ = measured({"job": "feed", "url": "https://x.invalid/", "etag": "", "modified": "", "loopback": None})
    assert status == 0
    return memory


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_costs_less_than_64_mb_and_ten_seconds(open_web: OpenWeb, usual: int, name: str) -> None:
    open_web.serve(FEED, gzip.compress(BOMBS[name], 1), Content_Encoding="gzip")
    order = {"job": "feed", "url": FEED, "etag": "", "modified": "", "loopback": asdict(open_web.loopback)}
    status, seconds, memory, said = await asyncio.to_thread(measured, order)
    assert memory - usual < 64 * 2**20
    assert seconds < 10
    assert status != 0 or "problem" in json.loads(said) or len(json.loads(said)["entries"]) <= 500


async def test_a_bomb_is_reported_and_answers_go_on_meanwhile(open_web: OpenWeb, fetcher: Fetcher, chat: Chat) -> None:
    open_web.serve(FEED, gzip.compress(BOMBS["200,000 items of some size"], 1), Content_Encoding="gzip")
    await chat.say(QUESTION)
    bomb = asyncio.ensure_future(fetcher.feed(FEED))
    for _ in range(5):
        assert "Netradyne" in (await chat.say(QUESTION)).text
    assert not bomb.done()
    with pytest.raises(NotTaken, match="larger than 2 MB"):
        await bomb


async def test_a_child_that_hangs_is_killed(open_web: OpenWeb) -> None:
    asked = asyncio.Event()

    async def hang(_: server.BaseRequest) -> server.StreamResponse:
        asked.set()
        await open_web.closing.wait()
        return server.Response()

    open_web.serve_by(FEED, hang)
    with pytest.raises(NotTaken, match="took longer"):
        await Fetcher(open_web.loopback, seconds=0.1).page(FEED)
    task = asyncio.ensure_future(Fetcher(open_web.loopback).page(FEED))
    await asyncio.wait_for(asked.wait(), 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _children() == []


def _children() -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process().children() if "bot.commands.fetch" in child.cmdline()]


async def test_a_child_knows_no_setting_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Seen in what the process was started with, by a stand-in for the interpreter."""
    monkeypatch.setenv("RUECKSPIEGEL_TELEGRAM_TOKEN", "123456:SECRET")
    seen = tmp_path / "seen"
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\nenv > {seen}\n", encoding="utf-8")
    script.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(script))
    with pytest.raises(NotTaken):
        await Fetcher().page(FEED)
    assert "PATH=" in seen.read_text(encoding="utf-8")
    assert "RUECKSPIEGEL" not in seen.read_text(encoding="utf-8")


def test_the_parent_loads_no_parser_of_feeds_and_pages() -> None:
    program = "import sys, bot.intake.child; print({'feedparser', 'trafilatura', 'lxml'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "set()\n"
