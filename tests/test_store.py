"""What is kept on disk, on both engines."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bot.digests import Schedule, Slot, Subscription
from bot.keys import BrokenKey, Keys, load_keys
from bot.messages import Address, reply
from bot.store import BrokenStore, Store, migrate, open_store, outbox, subscriptions
from bot.store.answered import Answered
from bot.store.chats import addresses, chat_of, keep_chat, move
from bot.store.lease import Leased, lease
from bot.store.schema import answered, metadata
from tests.conftest import NOW


async def test_what_was_answered_is_known_for_25_hours_as_a_set(store: Store) -> None:
    kept = Answered(store, "telegram:1")
    await kept.remember("900", NOW)
    await kept.remember("900", NOW)
    await kept.remember("7", NOW + timedelta(hours=2))
    assert await kept.known({"900", "7", "8"}) == {"900", "7"}
    assert await Answered(store, "telegram:2").known({"900"}) == set()
    assert await kept.forget_old(NOW + timedelta(hours=26)) == 1
    assert await kept.known({"900", "7"}) == {"7"}


async def test_no_update_id_is_kept(store: Store) -> None:
    await Answered(store, "telegram:1").remember("8000900123", NOW)
    rows = await store.run(_everything)
    assert rows
    assert "8000900123" not in repr(rows)


async def test_a_cancelled_caller_leaves_no_open_transaction(store: Store) -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def slow(connection: AsyncConnection) -> None:
        await connection.execute(insert(answered).values(mark="a", hour=1))
        started.set()
        await release.wait()

    task = asyncio.create_task(store.run(slow))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
    await store.settled()
    await asyncio.wait_for(Answered(store, "x").remember("1", NOW), 5)
    assert len(await store.run(_everything)) == 2


async def test_what_was_said_is_written_down_once_the_database_is_back(store: Store) -> None:
    refused = asyncio.Event()
    event.listen(store.engine.sync_engine, "handle_error", lambda _: refused.set())
    await store.run(lambda c: c.execute(text("ALTER TABLE answered RENAME TO away")))
    kept = Answered(store, "telegram:1")
    writing = asyncio.create_task(kept.remember("1", NOW))
    await asyncio.wait_for(refused.wait(), 10)
    await store.run(lambda c: c.execute(text("ALTER TABLE away RENAME TO answered")))
    await asyncio.wait_for(writing, 10)
    assert await kept.known({"1"}) == {"1"}


async def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    async def fails(connection: AsyncConnection) -> None:
        await connection.execute(insert(answered).values(mark="a", hour=1))
        raise LookupError

    with pytest.raises(LookupError):
        await store.run(fails)
    assert await store.run(_everything) == []


async def test_transactions_of_many_tasks_do_not_mix(store: Store) -> None:
    kept = Answered(store, "telegram:1")
    await asyncio.gather(*(kept.remember(str(n), NOW) for n in range(100)))
    assert len(await kept.known({str(n) for n in range(100)})) == 100


async def test_addresses_are_sealed_found_again_and_moved_at_once(store: Store) -> None:
    old, new = Address("telegram", "-100777111"), Address("telegram", "-100888222")
    topic = Address("telegram", "-100777111", "42")
    first = await store.run(lambda c: keep_chat(store, c, old))
    assert await store.run(lambda c: keep_chat(store, c, old)) == first
    second = await store.run(lambda c: keep_chat(store, c, topic))
    assert "777111" not in repr(await store.run(_chats))
    await move(store, old, new)
    assert await store.run(lambda c: chat_of(store, c, old)) is None
    assert await store.run(lambda c: addresses(store, c)) == {first: new, second: Address("telegram", "-100888222", "42")}


async def test_a_chat_that_moves_to_one_that_gets_digests_too_leaves_nothing_behind(store: Store) -> None:
    old, new = Address("telegram", "-1"), Address("telegram", "-100777")
    daily = Schedule("daily", time(18), "Europe/Berlin")
    made = []
    for address, known in ((old, ["a", "b"]), (new, ["b", "c"])):
        one = Subscription("", address, daily, "en")
        made.append(await store.run(lambda c, one=one, known=known: subscriptions.subscribe(store, c, one, NOW, known)))
    part = outbox.parts_of(made[0], Slot(NOW.date(), NOW), [(("d",), reply("x"))], NOW)
    await store.run(lambda c: outbox.owe(store, c, part))
    await move(store, old, new)
    assert [one.id for one in await store.run(lambda c: subscriptions.all_subscriptions(store, c))] == [made[1].id]
    assert await store.run(lambda c: subscriptions.has_had(c, [made[1].id])) == {made[1].id: dict.fromkeys("abc", "known")}
    for table in ("seen", "deliveries", "digests", "subscriptions"):
        rows = await store.run(lambda c, t=table: c.execute(text(f"SELECT chat FROM {t}")))
        assert made[0].id not in {row.chat for row in rows}


@pytest.mark.parametrize("why", ["gone", "asked"])
@pytest.mark.parametrize("known", [True, False])
async def test_digests_go_on_in_the_chat_that_replaces_one_that_threw_us_out(store: Store, why: str, known: bool) -> None:
    old, new = Address("matrix", "!old"), Address("matrix", "!new")
    daily = Schedule("daily", time(18), "Europe/Berlin")
    for address in (old, new) if known else (old,):
        one = await store.run(lambda c, a=address: subscriptions.subscribe(store, c, Subscription("", a, daily, "en"), NOW, []))
        paused = replace(one, paused=why)
        await store.run(lambda c, p=paused: subscriptions.change(c, p, NOW))
    await move(store, old, new)
    [moved] = await store.run(lambda c: subscriptions.all_subscriptions(store, c))
    assert (moved.address, moved.paused) == (new, "" if why == "gone" else why)
    assert await store.run(lambda c: subscriptions.forget_gone(c, NOW + timedelta(days=60))) == 0


async def test_a_database_of_before_learns_which_platform_and_account_each_chat_is_of(database_url: str) -> None:
    keys, room = Keys(b"k" * 32), Address("matrix", "!room")
    old = {"id": "1", "mark": keys.mark(str(room), "chat"), "sealed": keys.seal(str(room), "chat")}

    def age(connection: Connection) -> None:
        migrate.upgrade(connection, keys, "0002")
        connection.execute(text("INSERT INTO chats (id, mark, sealed) VALUES (:id, :mark, :sealed)"), old)

    engine = create_async_engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(age)
    await engine.dispose()
    async with open_store(database_url, keys) as store:
        assert await store.run(lambda c: c.scalar(text("SELECT platform || account FROM chats"))) == "matrixmain"
        assert await store.run(lambda c: chat_of(store, c, room)) == "1"


def test_the_migrations_are_those_that_alembic_finds_in_their_order() -> None:
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    assert migrate.revisions() == [script.revision for script in scripts.walk_revisions()][::-1]
    assert migrate.head() == scripts.get_current_head()


def test_a_start_without_migrations_goes_without_alembic(tmp_path: Path) -> None:
    script = "import asyncio, sys; from bot.keys import Keys; from bot.store import open_store; url = sys.argv[1]"
    opened = f"{script}; asyncio.run(open_store(url, Keys(bytes(32))).__aenter__()); print('alembic' in sys.modules)"
    command = [sys.executable, "-c", opened, f"sqlite+aiosqlite:///{tmp_path / 'database'}"]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2))
    assert (first, second) == ("True\n", "False\n")


async def test_one_chat_of_two_accounts_is_two(store: Store) -> None:
    channel, daily = Address("telegram", "-100777"), Schedule("daily", time(18), "Europe/Berlin")
    north, south = store.of("north"), store.of("south")
    for one in (north, south):
        wanted = Subscription("", channel, daily, "en")
        await store.run(lambda c, one=one, wanted=wanted: subscriptions.subscribe(one, c, wanted, NOW, []))
    mine = await store.run(lambda c: subscriptions.all_subscriptions(north, c))
    assert len(mine) == 1
    assert len(await store.run(lambda c: subscriptions.all_subscriptions(store.of(None), c))) == 2
    assert await store.run(lambda c: subscriptions.all_subscriptions(store, c)) == []
    part = outbox.parts_of(mine[0], Slot(NOW.date(), NOW), [(("d",), reply("x"))], NOW)
    await store.run(lambda c: outbox.owe(north, c, part))
    for one, count in ((north, 1), (south, 0)):
        assert len(await store.run(lambda c, one=one: outbox.due(one, c, NOW, 9, (), ["telegram"]))) == count
    await move(south, channel, Address("telegram", "-100888"))
    assert await store.run(lambda c: chat_of(north, c, channel)) == mine[0].id
    assert await store.run(lambda c: chat_of(south, c, channel)) is None


async def test_one_process_serves_an_account(store: Store, tmp_path: Path) -> None:
    async with lease(store, "telegram:1", tmp_path, lambda: None):
        with pytest.raises(Leased):
            async with lease(store, "telegram:1", tmp_path, lambda: None):
                pass
        async with lease(store, "telegram:2", tmp_path, lambda: None):
            pass
    async with lease(store, "telegram:1", tmp_path, lambda: None):
        pass


async def test_migrations_make_what_the_schema_says(store: Store) -> None:
    def differences(connection: Connection) -> list[object]:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    assert await store.run(lambda connection: connection.run_sync(differences)) == []


async def test_a_newer_database_is_left_alone(store: Store, database_url: str) -> None:
    async def age(connection: AsyncConnection) -> None:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    await store.run(age)
    with pytest.raises(BrokenStore, match="newer version"):
        async with open_store(database_url, store.keys):
            pass


def test_every_column_says_why_it_exists_and_how_long() -> None:
    columns = [column for table in metadata.tables.values() for column in table.columns]
    assert columns
    assert [str(column) for column in columns if not {"why", "lives"} <= set(column.info)] == []


async def test_sqlite_keeps_its_manners(tmp_path: Path) -> None:
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/a.db", Keys(b"k" * 32)) as store:

        async def ask(connection: AsyncConnection) -> list[object]:
            names = ("journal_mode", "synchronous", "secure_delete", "busy_timeout")
            return [(await connection.execute(text(f"PRAGMA {name}"))).scalar_one() for name in names]

        assert await store.run(ask) == ["truncate", 2, 1, 10_000]


async def test_a_command_can_read_while_the_bot_writes(tmp_path: Path) -> None:
    url, keys = f"sqlite+aiosqlite:///{tmp_path}/a.db", Keys(b"k" * 32)
    async with open_store(url, keys) as one, open_store(url, keys) as other:
        await asyncio.gather(
            *(Answered(one, "a").remember(str(n), NOW) for n in range(50)),
            *(Answered(other, "b").remember(str(n), NOW) for n in range(50)),
        )
        assert len(await one.run(_everything)) == 100


async def test_what_was_erased_is_gone_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    async with open_store(f"sqlite+aiosqlite:///{file}", Keys(b"k" * 32)) as store:
        kept = Answered(store, "a")
        await kept.remember("1", NOW)
        mark = store.keys.mark("1", "answered/a").encode()
        assert mark in file.read_bytes()
        await kept.forget_old(NOW + timedelta(hours=30))
        assert all(mark not in path.read_bytes() for path in tmp_path.iterdir())


async def test_a_database_that_is_none_is_refused_with_the_setting(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    file.write_bytes(b"no database at all, not even a little" * 100)
    with pytest.raises(BrokenStore, match="RUECKSPIEGEL_DATABASE"):
        async with open_store(f"sqlite+aiosqlite:///{file}", Keys(b"k" * 32)):
            pass
    assert file.read_bytes().startswith(b"no database")
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(file).execute("select * from sqlite_master")


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.key"
    first = load_keys(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_keys(path) == first
    assert first.open(first.seal("telegram:1", "chat"), "chat") == "telegram:1"
    with pytest.raises(BrokenKey, match="KEY_FILE"):
        load_keys(tmp_path / "other.key").open(first.seal("telegram:1", "chat"), "chat")


@pytest.mark.parametrize("content", ["", "short", "nonsense ü", "A" * 44])
def test_a_broken_key_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state.key"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BrokenKey, match="RUECKSPIEGEL_KEY_FILE"):
        load_keys(path)
    assert path.read_text(encoding="utf-8") == content


def test_a_key_file_that_cannot_be_made_names_the_variable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(BrokenKey, match="RUECKSPIEGEL_KEY_FILE"):
        load_keys(tmp_path / "file" / "state.key")


async def _everything(connection: AsyncConnection) -> list[object]:
    return list((await connection.execute(select(answered))).all())


async def _chats(connection: AsyncConnection) -> list[object]:
    return list((await connection.execute(text("SELECT * FROM chats"))).all())


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(database_url, Keys(b"k" * 32)) as opened:
        yield opened


async def test_a_missing_driver_names_the_setting_and_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(BrokenStore, match=r"RUECKSPIEGEL_DATABASE: .*extra `postgres`"):
        async with open_store("postgresql+psycopg://x:y@127.0.0.1:1/z", Keys(b"k" * 32)):
            pass
