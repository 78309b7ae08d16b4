"""P13, P14. Fetching reaches nothing inside, and no page costs more than it may."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

import feedparser
import pytest

from bot.app import App
from bot.intake.child import Fetcher
from bot.intake.found import NotTaken
from bot.intake.guard import Guarded
from bot.intake.net import Web
from tests.bot_api import BotApi
from tests.live import QUESTION, app_on, live, text
from tests.open_web import OpenWeb
from tests.promises.conftest import Evidence
from tests.test_intake_child import BOMBS, FEED, measured
from tests.test_intake_net import INSIDE, NEWS, Recorded, answers

MB = 2**20
REDIRECTS = ("http://169.254.169.254/latest/meta-data/", "https://[::1]/", "file:///etc/passwd", "https://localhost/")
CARELESS = """
import gzip, sys
import feedparser
def peak():  # of this process alone, unlike getrusage, which counts the one that it was forked from
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
body = sys.stdin.buffer.read()
before = peak()
feedparser.parse(gzip.decompress(body))
print(peak() - before)
"""


@pytest.fixture
async def open_web(tmp_path: Path) -> AsyncIterator[OpenWeb]:
    async with OpenWeb(tmp_path) as opened:
        yield opened


async def _reached(*found: str) -> list[str]:
    """Where a connection would have gone for a name that resolves to these addresses."""
    inner = Recorded()
    try:
        await Guarded(inner, answers(*found)).connect_tcp("news.example", 443)  # type: ignore[arg-type]
    except Exception:  # Refused by us, or by nobody being there.
        return inner.connected
    raise AssertionError("the recorder connects to nothing")


@pytest.mark.promise("P13")
async def test_p13_fetching_cannot_reach_inside(open_web: OpenWeb, evidence: Evidence) -> None:
    reached = [await _reached(*found) for one in INSIDE for found in ((one,), ("1.1.1.1", one), (one, "1.1.1.1"))]
    assert reached == [[]] * (3 * len(INSIDE))
    for to in REDIRECTS:
        open_web.redirect(NEWS, to)
        with pytest.raises(NotTaken):
            await Web(open_web.loopback).fetch(NEWS)
    assert len(open_web.asked) == len(REDIRECTS)
    evidence.finds("a connection to a public address", await _reached("1.1.1.1") == ["1.1.1.1"])
    evidence.measured(f"{len(INSIDE)} addresses inside, also beside a public one, {len(REDIRECTS)} redirects: 0 connections")


@pytest.mark.promise("P14")
@pytest.mark.parametrize(
    "names", [("an attribute of 20 MB",), pytest.param(tuple(BOMBS), marks=pytest.mark.promises)], ids=["one", "all"]
)
async def test_p14_a_bomb_costs_little(open_web: OpenWeb, names: tuple[str, ...], evidence: Evidence) -> None:
    nothing = {"job": "feed", "url": "https://x.invalid/", "etag": "", "modified": "", "loopback": None}
    usual = (await asyncio.to_thread(measured, nothing))[2]
    worst_memory, worst_seconds = 0, 0.0
    for name in names:
        open_web.serve(FEED, gzip.compress(BOMBS[name], 1), Content_Encoding="gzip")
        order = {"job": "feed", "url": FEED, "etag": "", "modified": "", "loopback": asdict(open_web.loopback)}
        status, seconds, memory, said = await asyncio.to_thread(measured, order)
        assert status != 0 or "problem" in json.loads(said) or len(json.loads(said)["entries"]) <= 500
        worst_memory, worst_seconds = max(worst_memory, memory - usual), max(worst_seconds, seconds)
    assert worst_memory < 64 * MB
    assert worst_seconds < 10  # of computing, whatever else the machine does
    bomb = gzip.compress(BOMBS["an attribute of 20 MB"], 1)
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", CARELESS], input=bomb, capture_output=True, check=True, timeout=300
    )
    careless = int(done.stdout) * 1024
    evidence.finds(f"the parser alone takes {careless / MB:.0f} MB for one of them", careless > 64 * MB)
    evidence.measured(f"{len(names)} bombs: at most {worst_memory / MB:.0f} MB and {worst_seconds:.1f} s of computing")


@pytest.mark.promises
@pytest.mark.promise("P14")
async def test_p14_answers_go_on_meanwhile(
    open_web: OpenWeb, api: BotApi, app: App, tmp_path: Path, evidence: Evidence
) -> None:
    bombs = ("200,000 items of some size", "an attribute of almost 2 MB", "200,000 deep")
    for number, name in enumerate(bombs):
        open_web.serve(f"{FEED}{number}", gzip.compress(BOMBS[name], 1), Content_Encoding="gzip")
    ana = api.user(1, "Ana", "en")
    async with live(app_on(app, api.url, tmp_path / "state")):

        async def answered(number: int) -> float:
            asked = time.monotonic()
            api.say(ana, QUESTION)
            await api.wait_sent(number, 60)
            assert "Netradyne" in text(api)
            return time.monotonic() - asked

        await answered(1)
        fetcher, waits = Fetcher(open_web.loopback), list[float]()
        fetching = asyncio.gather(*(fetcher.feed(f"{FEED}{n}") for n in range(len(bombs))), return_exceptions=True)
        while not fetching.done():
            waits.append(await answered(len(waits) + 2))
        assert len(open_web.asked) == len(bombs)
        assert max(waits[:-1]) < 5  # The last may have come after all of them.
        asked = asyncio.ensure_future(answered(len(waits) + 2))
        await asyncio.sleep(0)
        began = time.monotonic()
        feedparser.parse(BOMBS[bombs[0]])
        alone = time.monotonic() - began
        careless = await asked
    evidence.finds(f"read by the bot itself, an answer waits {careless:.0f} s", careless > max(alone, *waits))
    evidence.measured(f"{len(waits) - 1} answers while {len(bombs)} bombs are fetched: {max(waits):.1f} s at most")
