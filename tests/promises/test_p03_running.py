"""P3. The bot as it runs forgets by itself, on disk and in memory, and its log does not say how many it answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text as sql

from bot import lifetimes
from bot.app import App
from bot.inventory import MEMORY
from bot.memory import Memory
from bot.messages import Address, Choices
from bot.store import Store, asked, feeds, reviews
from bot.store.answered import Answered
from tests.bot_api import BotApi
from tests.conftest import Clock
from tests.live import QUESTION, app_on, live
from tests.promises.conftest import Evidence
from tests.promises.test_p02_p03_p04_kept import _copies

pytestmark = pytest.mark.promises

SOON = timedelta(minutes=1)
NEEDLES = {"asked": "zelkandor-asked", "releases": "zelkandor-released", "feed_entries": "https://zelkandor.example/feed"}
LIVES = {
    "answered": lifetimes.ANSWERED,
    "releases": lifetimes.RELEASED,
    "acts": lifetimes.RELEASED,
    "feed_entries": lifetimes.NOT_IN_FEED,
    "asked": lifetimes.COUNTED,
    "notes": lifetimes.COUNTED,
}
HERE = Address("telegram", "1")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what was logged by the purge."""
    said: list[str] = []
    monkeypatch.setattr("bot.loops.purge.log", lambda event, **more: said.append(event.value))
    return said


async def _fill(store: Store, now: datetime) -> None:
    week = asked.week_of(now.date())
    await store.run(lambda transaction: asked.add(store, transaction, {(NEEDLES["asked"], week): 10}))
    await store.run(lambda transaction: asked.note(store, transaction, week))
    await store.run(lambda transaction: reviews.release(store, transaction, [NEEDLES["releases"]], now, timedelta(0)))
    await store.run(lambda transaction: reviews.note(transaction, "anna", 1, now))
    await store.run(lambda transaction: feeds.see(store, transaction, NEEDLES["feed_entries"], ["entry"], now))


async def _rows(store: Store) -> dict[str, int]:
    async def count(name: str) -> int:
        return int(await store.run(lambda connection: connection.scalar(sql(f"SELECT count(*) FROM {name}"))) or 0)

    return {name: await count(name) for name in LIVES}


async def _forgotten(look: Callable[[], object], seconds: float = 20) -> bool:
    """Whether nothing is left soon."""
    for _ in range(int(seconds / 0.1)):
        if not look():
            return True
        await asyncio.sleep(0.1)
    return False


def _remember(memory: Memory, now: datetime) -> None:
    """Something in every part."""
    memory.choose_language(HERE, "en")
    memory.said(HERE, "van-camera-records", now)
    memory.offered(HERE, Choices(("/gap",), "zelkandor"), now)
    memory.sent(HERE, "1", "2", now)
    memory.reported("van-camera-records", now)
    assert memory.pass_on(HERE, now)
    assert all(getattr(memory, part) for part in MEMORY)


@pytest.mark.promise("P3")
async def test_p03_the_running_bot_forgets_in_time(
    api: BotApi,
    app: App,
    tmp_path: Path,
    clock: Clock,
    log: list[str],
    database_url: str,
    evidence: Evidence,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.loops.purge.EVERY_SECONDS", 0.1)
    monkeypatch.setattr("bot.store.rewriting.EVERY", timedelta(0))  # else hourly, by a clock that jumps here
    opened, begin = app_on(app, api.url, tmp_path / "state", database=database_url), clock.now
    steps = sorted({*LIVES.values(), *(kept.lives for kept in MEMORY.values() if isinstance(kept.lives, timedelta))})
    async with live(opened):
        assert opened.store is not None
        api.say(api.user(1, "Ana", "en"), QUESTION)
        await api.wait_sent(1, 30)
        await api.wait_drained(30)
        update = str(api.queue.next_id - 1)
        mark = Answered(opened.store, opened.settings.identities["telegram"])._mark(update)
        needles = NEEDLES | {"answered": mark}
        await _fill(opened.store, begin)
        _remember(opened.memory, begin)
        for step in steps:
            clock.now = begin + step * 0.9
            await asyncio.sleep(0.5)
            rows, young = await _rows(opened.store), [name for name, lives in LIVES.items() if lives >= step]
            assert all(rows[name] for name in young)
            assert all(getattr(opened.memory, part) for part, kept in MEMORY.items() if kept.lives == step)
            copies = [await _copies(opened.store, database_url, needles[name]) for name in young if name in needles]
            evidence.finds("row, bytes and what is in memory, shortly before", all(copies))
            clock.now = begin + step + SOON
            old = [name for name, lives in LIVES.items() if lives <= step]
            parts = [part for part, kept in MEMORY.items() if isinstance(kept.lives, timedelta) and kept.lives <= step]
            assert await _forgotten(lambda parts=parts: [part for part in parts if getattr(opened.memory, part)]), step
            for _ in range(200):
                rows = await _rows(opened.store)
                left = [await _copies(opened.store, database_url, needles[name]) for name in old if name in needles]
                if not any(rows[name] for name in old) and not any(left):
                    break
                await asyncio.sleep(0.1)
            else:
                raise AssertionError((step, rows, left))
            if step == lifetimes.ANSWERED:
                assert log == []  # Else it would say how many.
        engine = opened.store.engine.dialect.name
    evidence.measured(f"{len(LIVES)} tables and {len(parts)} parts of memory, each within a minute of its time ({engine})")


def test_p03_every_table_that_has_a_lifetime_is_looked_at() -> None:
    from tests.promises.test_p02_p03_p04_kept import TIMED

    assert set(LIVES) == set(TIMED)
    assert {part.name for part in fields(Memory)} - {"_key"} == set(MEMORY)
