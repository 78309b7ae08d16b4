"""What is asked: counted in memory, kept from ten a week on and in fives, told to the stewards once a week."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from bot.app import App, now
from bot.commands.gaps import gaps
from bot.keys import Keys, load_keys
from bot.loops.answer import Answering
from bot.loops.count import Counting
from bot.loops.purge import purge
from bot.loops.stewards import Stewards
from bot.memory import Memory
from bot.messages import Address, Message, Role
from bot.store import Store, Transaction, asked, open_store
from bot.store.schema import asked as table
from bot.store.schema import notes
from handlers import router
from tests.bot_api import BotApi
from tests.conftest import NOW, Clock
from tests.live import QUESTION, app_on, live

FACT, UNKNOWN = "van-camera-records", "van-camera-sound"
WEEK = "2026-W48"
MONDAY = datetime(2026, 11, 30, 8, 30, tzinfo=UTC)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(database_url, Keys(b"k" * 32)) as opened:
        yield opened


@dataclass
class Curators:
    """What the stewards are told."""

    notes: list[Mapping[str, str]] = field(default_factory=list)

    async def tell(self, key: str, values: Mapping[str, str]) -> None:
        assert key == "steward.asked"
        self.notes.append(values)


class Time(Clock):
    """A clock that a test moves."""


@pytest.fixture
def time() -> Time:
    return Time(NOW)


@pytest.fixture
def curators() -> Curators:
    return Curators()


@pytest.fixture
def counting(store: Store, app: App, time: Time, curators: Curators) -> Counting:
    return Counting(store, lambda: app.base, ZoneInfo("Europe/Berlin"), time, curators.tell)


async def rows(store: Store) -> dict[tuple[str, str], int]:
    async def read(transaction: Transaction) -> dict[tuple[str, str], int]:
        found = await transaction.execute(select(table.c.entry, table.c.week, table.c.count))
        return {(row.entry, row.week): row.count for row in found}

    return await store.run(read)


async def test_a_count_is_first_written_at_ten_and_then_in_fives(counting: Counting, store: Store) -> None:
    written = []
    for _ in range(23):
        counting.count([FACT])
        await counting.write()
        written.append((await rows(store)).get((FACT, WEEK), 0))
    assert written == [0] * 9 + [10] * 5 + [15] * 5 + [20] * 4


async def test_what_comes_at_once_is_written_at_once(counting: Counting, store: Store) -> None:
    for id, count in ((FACT, 27), (UNKNOWN, 9)):
        counting.count([id] * count)
    await counting.write()
    assert await rows(store) == {(FACT, WEEK): 25}
    counting.count([FACT] * 3 + [UNKNOWN])
    await counting.write()
    assert await rows(store) == {(FACT, WEEK): 30, (UNKNOWN, WEEK): 10}


async def test_what_is_below_ten_when_the_week_ends_is_forgotten(counting: Counting, store: Store, time: Time) -> None:
    counting.count([FACT] * 9)
    await counting.write()
    time.now = MONDAY
    await counting.write()
    counting.count([FACT] * 9)
    await counting.write()
    assert await rows(store) == {}


async def test_the_week_begins_where_the_bot_is_at_home(counting: Counting, store: Store, time: Time) -> None:
    time.now = datetime(2026, 11, 29, 22, 59, tzinfo=UTC)
    counting.count([FACT] * 10)
    time.now += timedelta(minutes=1)
    counting.count([FACT] * 10)
    await counting.write()
    assert await rows(store) == {(FACT, WEEK): 10, (FACT, "2026-W49"): 10}


async def test_two_processes_add_up(store: Store, app: App, time: Time, curators: Curators) -> None:
    for _ in range(2):
        other = Counting(store, lambda: app.base, ZoneInfo("Europe/Berlin"), time, curators.tell)
        other.count([FACT] * 12)
        await other.write()
    assert await rows(store) == {(FACT, WEEK): 20}


async def test_a_failed_write_loses_nothing(counting: Counting, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    counting.count([FACT] * 10)
    with monkeypatch.context() as broken:
        broken.setattr("bot.store.asked.STEP", 0)
        await counting.round()
    assert await rows(store) == {}
    await counting.round()
    assert await rows(store) == {(FACT, WEEK): 10}


async def test_the_stewards_are_told_once_on_monday_morning(
    counting: Counting, store: Store, app: App, time: Time, curators: Curators
) -> None:
    counting.count([FACT] * 31 + [UNKNOWN] * 12 + ["gone-since-then"] * 10 + ["ring-car-cam-price"] * 9)
    await counting.round()
    time.now = MONDAY - timedelta(hours=1)
    await counting.round()
    assert curators.notes == []
    time.now = MONDAY
    for _ in range(2):
        await counting.round()
        counting = Counting(store, lambda: app.base, ZoneInfo("Europe/Berlin"), time, curators.tell)
    assert len(curators.notes) == 1
    note = curators.notes[0]
    assert note["week"] == WEEK
    assert note["facts"].splitlines() == [f"30× {FACT}", "10× gone-since-then"]
    assert note["unknowns"] == f"10× {UNKNOWN}"
    assert all(app.base.texts.say(language, "steward.asked", **note) for language in ("de", "en"))


async def test_a_quiet_week_is_no_note(counting: Counting, time: Time, curators: Curators) -> None:
    counting.count([FACT] * 9)
    await counting.round()
    time.now = MONDAY
    await counting.round()
    assert curators.notes == []


async def test_weeks_are_forgotten_after_twelve_months(store: Store) -> None:
    async def fill(transaction: Transaction) -> None:
        for week in ("2025-W48", "2025-W49", WEEK):
            await asked.add(store, transaction, {(FACT, week): 10})
            assert await asked.note(store, transaction, week)

    await store.run(fill)
    assert await asked.forget_old(store, NOW.date()) == 1
    assert set(await rows(store)) == {(FACT, "2025-W49"), (FACT, WEEK)}
    left = await store.run(lambda transaction: transaction.execute(select(notes.c.week).order_by(notes.c.week)))
    assert list(left.scalars()) == ["2025-W49", WEEK]


def test_weeks_sort_over_the_turn_of_the_year() -> None:
    days = [date(2026, 12, 27) + timedelta(days=n) for n in range(0, 30)]
    weeks = [asked.week_of(day) for day in days]
    assert weeks == sorted(weeks)
    assert weeks[0] == "2026-W52"
    assert asked.week_of(date(2027, 1, 3)) == "2026-W53"
    assert asked.week_of(date(2027, 1, 4)) == "2027-W01"


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        (QUESTION, [FACT]),
        (f"/start {FACT}", [FACT]),
        ("does the van camera record sound?", [UNKNOWN]),
        ("Was filmt die Kamera im Transporter? Und wer stellt die her?", [FACT, "van-camera-maker"]),
        (f"/source {FACT}", []),
        ("hello", []),
        ("/topics", []),
    ],
)
@pytest.mark.parametrize("private", [True, False])
async def test_what_was_answered_is_counted_in_private_and_in_groups(
    app: App, said: str, counted: list[str], private: bool
) -> None:
    found: list[str] = []
    own = replace(app, memory=Memory())
    own.__dict__.update(matcher=app.matcher, executor=app.executor)
    answering = Answering(router, lambda: own.desk(NOW), {}, Stewards({}, None), found.extend)

    async def anyone(_: Message) -> Role:
        return Role.ANYONE

    await answering.receive(Message("1", Address("test", "1"), said, is_private=private), anyone)
    assert found == counted


async def test_a_running_bot_counts_and_keeps_nothing_of_who_asked(api: BotApi, app: App, tmp_path: Path) -> None:
    own = app_on(app, api.url, tmp_path / "state")
    async with live(own):
        for n in range(11):
            api.say(api.user(7099887000 + n, f"Canary{n}", language_code="en"), QUESTION)
        await api.wait_sent(11)
    async with open_store(own.settings.database_url, Keys(b"k" * 32)) as store:
        assert list((await rows(store)).values()) == [10]
    kept = b"".join(path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file())
    assert b"Canary" not in kept
    assert b"7099887" not in kept


def test_the_command_shows_what_was_asked_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setenv("RUECKSPIEGEL_STATE", str(tmp_path / "state"))
    week = asked.week_of(now().date())

    async def fill() -> None:
        async with open_store(
            f"sqlite+aiosqlite:///{tmp_path}/state/rueckspiegel.db", load_keys(tmp_path / "state.key")
        ) as own:
            await own.run(lambda transaction: asked.add(own, transaction, {(FACT, week): 17, (UNKNOWN, week): 40}))
            await own.run(lambda transaction: asked.add(own, transaction, {(FACT, "2020-W01"): 90}))

    asyncio.run(fill())
    lines = CliRunner().invoke(gaps, ["--json"], standalone_mode=False).output.splitlines()
    assert [json.loads(line) for line in lines] == [
        {"kind": "fact", "id": FACT, "count": 15},
        {"kind": "unknown", "id": UNKNOWN, "count": 40},
    ]
    shown = CliRunner().invoke(gaps, ["--weeks", "1"], standalone_mode=False).output
    assert "below ten" in shown
    assert "90" not in shown


async def test_purging_goes_on_for_ever_and_takes_old_weeks(store: Store) -> None:
    await store.run(lambda transaction: asked.add(store, transaction, {(FACT, "2020-W01"): 10}))
    task = asyncio.create_task(purge(store, lambda: NOW))
    async with asyncio.timeout(10):
        while await rows(store):
            await asyncio.sleep(0)
    task.cancel()
