"""P2, P3, P4. What is kept is what is listed, goes when it is said to, and leaves no byte."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, time, timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import lifetimes
from bot.app import App, backups_of, now
from bot.digests import Schedule, Subscription
from bot.inventory import FILES, GROUPS, MEMORY, ON_MATRIX, columns
from bot.keys import Keys
from bot.memory import Memory
from bot.messages import Address
from bot.store import Store, asked, feeds, open_store, panic, reviews, subscriptions
from bot.store.answered import Answered
from bot.store.rewriting import Rewriting
from bot.store.schema import metadata
from bot.transports.matrix.gaps import Gaps
from bot.transports.matrix.late import Late
from bot.transports.matrix.reach import Reach
from bot.transports.matrix.roles import Roles
from bot.transports.matrix.rooms import Rooms
from bot.transports.matrix.rounds import Rounds
from tests.bot_api import BotApi
from tests.conftest import NOW
from tests.live import app_on, live
from tests.matrix import Homeserver, Person
from tests.matrix_runs import Account, ask, meet, until
from tests.promises.conftest import Evidence

KEYS = Keys(b"k" * 32)
MARK = "zelkandor"
COPIES = 500
CHAT = Address("telegram", "-1007099887766")
ALEMBIC = "alembic_version.version_num"


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(database_url, KEYS) as opened:
        yield opened


async def _columns(store: Store) -> set[str]:
    """Every column that the database really has."""

    def read(connection: Connection) -> set[str]:
        found = inspect(connection)
        return {f"{table}.{column['name']}" for table in found.get_table_names() for column in found.get_columns(table)}

    return await store.run(lambda connection: connection.run_sync(read)) - {ALEMBIC}


@pytest.mark.promise("P2")
async def test_p02_the_inventory_names_every_column(store: Store, evidence: Evidence) -> None:
    listed = {kept.name for kept in columns()}
    assert await _columns(store) == listed
    assert {name for names in GROUPS.values() for name in names} == set(metadata.tables)
    assert set(MEMORY) == {name for name in Memory.__dataclass_fields__ if name != "_key"}
    await store.run(lambda connection: connection.execute(text("ALTER TABLE chats ADD COLUMN asker TEXT")))
    evidence.finds("a column more", await _columns(store) == listed | {"chats.asker"})
    evidence.measured(
        f"{len(listed)} columns, {len(MEMORY)} parts of memory, none that is not listed ({store.engine.dialect.name})"
    )


def _held() -> set[str]:
    """Whatever grows in the parts of the Matrix transport that remember anything of rooms and people."""
    client: Any = None
    reach = Reach()
    parts = (Rounds(), Late(client), Rooms(client, "", reach, now), Roles(client, reach, lambda room: True), Gaps(reach))
    grows = (dict, list, set, deque)
    return {
        f"{type(part).__name__}.{name}"
        for part in parts
        for name, value in vars(part).items()
        if name.startswith("_") and isinstance(value, grows)
    }


@pytest.mark.promise("P2")
def test_p02_the_inventory_names_what_matrix_remembers(evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _held() == set(ON_MATRIX)
    evidence.measured(f"{len(ON_MATRIX)} parts of memory of the Matrix transport, none that is not listed")
    monkeypatch.setattr(Late, "__init__", lambda late, client: setattr(late, "_asked", {}))
    evidence.finds("a part more", "Late._asked" in _held())


def _files_in(state: Path) -> set[str]:
    return {str(file.relative_to(state)) for file in state.rglob("*") if file.is_file()}


def _unlisted(files: set[str]) -> set[str]:
    return {name for name in files if not any(fnmatch(name, kept.name) for kept in FILES)}


async def _watched(seen: set[str], state: Path, person: Person, room: str, answers: int) -> None:
    """Every file, however short its life is, until so many answers have come."""
    while len(person.seen(room)) < answers:
        seen |= _files_in(state)
        await asyncio.sleep(0)


@pytest.mark.promise("P2")
async def test_p02_the_inventory_names_every_file(
    app: App, api: BotApi, hs: Homeserver, anna: Person, tmp_path: Path, evidence: Evidence
) -> None:
    state = tmp_path / "state"
    ana = api.user(1, "Ana", "en")
    opened, seen = app_on(app, api.url, state), set[str]()
    async with live(opened):
        api.say(ana, "/help")
        await api.wait_sent(1, 30)
        backups_of(opened.settings).keep(b"rows", "older-version", KEYS)
        await until((state / "heartbeat.json").exists, "a heartbeat")
        seen |= _files_in(state)
    bot = await Account.make(hs, state)
    async with bot.here(app):
        room = await meet(anna, bot.user)
        for number in range(1, 4):
            await asyncio.gather(ask(anna, room, number), _watched(seen, state, anna, room, number))
    seen |= _files_in(state)
    assert {"heartbeat.json", "backups/older-version.backup"} <= seen
    assert _unlisted(seen) == set()
    (state / "questions.log").touch()
    evidence.finds("a file more", _unlisted(_files_in(state)) == {"questions.log"})
    evidence.measured(f"{len(seen)} files while both platforms run and after them, none that is not listed")


Fill = Callable[[Store], Awaitable[None]]
Forget = Callable[[Store, timedelta], Awaitable[object]]


async def _fill_answered(store: Store) -> None:
    await Answered(store, "a").remember("1", NOW)


async def _fill_asked(store: Store) -> None:
    counts = {(MARK, asked.week_of(NOW.date())): 10}
    await store.run(lambda transaction: asked.add(store, transaction, counts))
    await store.run(lambda transaction: asked.note(store, transaction, asked.week_of(NOW.date())))


async def _fill_releases(store: Store) -> None:
    await store.run(lambda transaction: reviews.release(store, transaction, [MARK], NOW, timedelta(0)))
    await store.run(lambda transaction: reviews.note(transaction, MARK, 1, NOW))


async def _fill_entries(store: Store) -> None:
    await store.run(lambda transaction: feeds.see(store, transaction, f"https://{MARK}.example", [MARK], NOW))


def _run(store: Store, forget: Callable[[AsyncConnection, datetime], Awaitable[int]], now: datetime) -> Awaitable[int]:
    return store.run(lambda transaction: forget(transaction, now))


# Table, its lifetime, how it is filled, and what forgets it; none may be gone shortly before, all must be after.
TIMED: dict[str, tuple[timedelta, Fill, Forget]] = {
    "answered": (lifetimes.ANSWERED, _fill_answered, lambda store, after: Answered(store, "a").forget_old(NOW + after)),
    "asked": (lifetimes.COUNTED, _fill_asked, lambda store, after: asked.forget_old(store, (NOW + after).date())),
    "notes": (lifetimes.COUNTED, _fill_asked, lambda store, after: asked.forget_old(store, (NOW + after).date())),
    "releases": (lifetimes.RELEASED, _fill_releases, lambda store, after: _run(store, reviews.forget_old, NOW + after)),
    "acts": (lifetimes.RELEASED, _fill_releases, lambda store, after: _run(store, reviews.forget_old, NOW + after)),
    "feed_entries": (lifetimes.NOT_IN_FEED, _fill_entries, lambda store, after: _run(store, feeds.forget_old, NOW + after)),
}  # fmt: skip


async def _rows(store: Store, table: str) -> int:
    return int(await store.run(lambda c: c.scalar(text(f"SELECT count(*) FROM {table}"))) or 0)


@pytest.mark.promise("P3")
@pytest.mark.parametrize("table", TIMED)
async def test_p03_a_row_lives_as_long_as_the_notice_says(store: Store, table: str, evidence: Evidence) -> None:
    lives, fill, forget = TIMED[table]
    told = {column.info["lives"] for column in metadata.tables[table].columns}
    assert told == {lives}
    await fill(store)
    await forget(store, lives * 0.9)
    evidence.finds("the row, shortly before", await _rows(store, table))
    # Some are told by the hour or the week in which they were written: never longer than the notice says.
    await forget(store, lives + timedelta(seconds=1))
    assert await _rows(store, table) == 0
    evidence.measured(f"{table}: gone {lives} later ({store.engine.dialect.name})")


@pytest.mark.promise("P3")
async def test_p03_a_chat_that_threw_the_bot_out_is_erased(store: Store, evidence: Evidence) -> None:
    rhythm = Schedule("daily", time(18), "Europe/Berlin")

    async def subscribed(chat: str) -> Subscription:
        wanted = Subscription("", Address("telegram", chat), rhythm, "en")
        return await store.run(lambda t: subscriptions.subscribe(store, t, wanted, NOW, ["x"]))

    there, asked_for = await subscribed("-1"), await subscribed("-2")

    async def rests(one: Subscription, why: str, at: datetime) -> None:
        await store.run(lambda t: subscriptions.change(t, replace(one, paused=why), at))

    async def left(after: timedelta) -> int:
        await _run(store, subscriptions.forget_gone, NOW + after)
        return await _rows(store, "chats")

    day = timedelta(days=1)
    await rests(asked_for, "asked", NOW)
    await rests(there, "gone", NOW)
    await rests(there, "gone", NOW + 20 * day)  # Told again does not begin anew.
    assert await left(lifetimes.GONE - day) == 2
    await rests(there, "", NOW + 29 * day)
    assert await left(300 * day) == 2
    await rests(there, "gone", NOW + 300 * day)
    evidence.finds("all of it, a day before", await left(299 * day + lifetimes.GONE) == 2)
    assert await left(300 * day + lifetimes.GONE) == 1
    assert [await _rows(store, table) for table in ("subscriptions", "seen")] == [1, 1]
    evidence.measured(f"0 rows {lifetimes.GONE.days} days after it was thrown out ({store.engine.dialect.name})")


def test_p03_every_lifetime_that_is_a_time_is_tried() -> None:
    timed = {kept.name.partition(".")[0] for kept in columns() if isinstance(kept.lives, timedelta)}
    assert timed == set(TIMED)


async def _files(store: Store, database_url: str) -> list[Path]:
    """Where the engine keeps the database, brought up to date."""
    if store.is_sqlite:
        return [Path(database_url.partition("///")[2])]
    async with store.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        # It writes what all tests before left, and may take longer than a statement of ours.
        await connection.execute(text("SET statement_timeout = 0"))
        await connection.execute(text("CHECKPOINT"))
        await connection.execute(text("RESET statement_timeout"))
        folder = Path(str(await connection.scalar(text("SHOW data_directory"))))
        oid = await connection.scalar(text("SELECT oid FROM pg_database WHERE datname = current_database()"))
    return [file for file in (folder / "base" / str(oid)).iterdir() if file.is_file()]


async def _copies(store: Store, database_url: str, needle: str) -> int:
    found = 0
    for file in await _files(store, database_url):
        with suppress(FileNotFoundError):  # Rewritten meanwhile, into another one.
            found += file.read_bytes().count(needle.encode())
    return found


async def _many_rows(connection: AsyncConnection) -> None:
    row = text("INSERT INTO shown (draft) VALUES (:draft)")
    await connection.execute(row, [{"draft": f"{MARK}-{number}"} for number in range(COPIES)])


@pytest.mark.promise("P4")
async def test_p04_deletion_leaves_no_byte(store: Store, database_url: str, evidence: Evidence) -> None:
    await store.run(_many_rows)
    there = await _copies(store, database_url, MARK)
    assert there >= COPIES
    drafts = [f"{MARK}-{number}" for number in range(COPIES)]
    await store.run(lambda transaction: reviews.close(transaction, drafts))
    left = await _copies(store, database_url, MARK)
    if store.is_sqlite:
        evidence.finds("the same on a connection without secure_delete", _careless(Path(database_url.partition("///")[2])))
    else:
        async with store.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("VACUUM shown"))
        after_vacuum = await _copies(store, database_url, MARK)
        evidence.finds(f"{left} copies after DELETE, {after_vacuum} after a plain VACUUM", left)
        await Rewriting(store).rewrite()
        left = await _copies(store, database_url, MARK)
    assert left == 0
    evidence.measured(f"{there} copies before, {left} after ({store.engine.dialect.name})")


async def test_p04_a_locked_table_keeps_nothing_in_the_others(store: Store, database_url: str) -> None:
    if store.is_sqlite:
        return
    await store.run(_many_rows)
    await _fill_releases(store)
    await store.run(lambda connection: connection.execute(text("DELETE FROM shown")))
    await store.run(lambda connection: connection.execute(text("DELETE FROM releases")))
    await store.run(lambda connection: connection.execute(text("DELETE FROM acts")))
    async with store.engine.connect() as other:
        for locked, free in (("shown", "releases"), ("releases", "shown")):
            await other.execute(text(f"LOCK TABLE {locked} IN ACCESS SHARE MODE"))
            rewriting = Rewriting(store)
            await rewriting.rewrite()
            assert free in rewriting._done
            assert locked not in rewriting._done
            await other.rollback()
    await rewriting.rewrite()
    assert await _copies(store, database_url, MARK) == 0


def _careless(file: Path) -> int:
    """Copies that stay in a file where the setting is off."""
    other = file.with_name("careless.db")
    connection = sqlite3.connect(other)
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute("CREATE TABLE shown (draft TEXT)")
    connection.executemany("INSERT INTO shown VALUES (?)", [(f"{MARK}-{number}",) for number in range(COPIES)])
    connection.commit()
    connection.execute("DELETE FROM shown")
    connection.commit()
    connection.close()
    return other.read_bytes().count(MARK.encode())


@pytest.mark.promise("P4")
async def test_p04_every_connection_overwrites(tmp_path: Path, evidence: Evidence) -> None:
    url, ask_it = f"sqlite+aiosqlite:///{tmp_path}/a.db", text("PRAGMA secure_delete")
    for _ in range(3):
        async with open_store(url, KEYS) as store:
            assert await store.run(lambda connection: connection.scalar(ask_it)) == 1
            await store.run(lambda connection: connection.execute(text("PRAGMA secure_delete = OFF")))
            evidence.finds("the setting, switched off", await store.run(lambda connection: connection.scalar(ask_it)) == 0)
    evidence.measured("on, on each of 3 openings")


@pytest.mark.promise("P4")
async def test_p04_a_chat_that_ends_its_digest_leaves_nothing(store: Store, database_url: str, evidence: Evidence) -> None:
    wanted = Subscription("", CHAT, Schedule("daily", time(18), "Europe/Berlin"), "en")
    made = await store.run(lambda transaction: subscriptions.subscribe(store, transaction, wanted, NOW, [MARK]))
    evidence.finds("its name, while it is subscribed", await _copies(store, database_url, made.id))
    await store.run(lambda transaction: subscriptions.end(transaction, made))
    await Rewriting(store).look(NOW)
    assert await _copies(store, database_url, made.id) == 0
    for table in ("chats", "subscriptions", "seen", "digests", "deliveries"):
        assert await _rows(store, table) == 0
    evidence.measured(f"0 rows and 0 bytes of it ({store.engine.dialect.name})")


@pytest.mark.promise("P3")
async def test_p03_what_is_stopped_is_kept_until_it_is_lifted(store: Store, evidence: Evidence) -> None:
    await store.run(lambda transaction: panic.stop(store, transaction, NOW))
    await store.run(lambda transaction: panic.stop(store, transaction, NOW + timedelta(days=1)))
    evidence.finds("the row, before", await store.run(panic.since) == NOW)
    await store.run(panic.lift)
    assert await _rows(store, "panic") == 0
    evidence.measured(f"one row at most, none once it is lifted ({store.engine.dialect.name})")
