"""What is backed up and put back, on and between both engines."""

from __future__ import annotations

import asyncio
import gzip
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.app import App
from bot.backups import Backups, BrokenBackup, read_backup, sealed, write_backup
from bot.deliveries import PENDING, SENDING, SENT, UNKNOWN, Delivery
from bot.digests import Schedule, Slot, Subscription, is_out
from bot.keys import BrokenKey, Keys
from bot.messages import Address, reply
from bot.store import BrokenStore, Store, ledger, open_store, outbox, subscriptions
from bot.store.answered import Answered
from bot.store.dumping import LEFT_OUT, dump
from bot.store.engine import connected
from bot.store.migrate import upgrade
from bot.store.restoring import Restored, restore
from bot.store.schema import metadata, notes, shown
from tests import postgres
from tests.conftest import NOW, TODAY
from tests.filled import ROWS, everything, fill

KEYS = Keys(b"k" * 32)
OTHER = Keys(b"o" * 32)


async def put(store: Store, content: bytes, *, addresses: bool = True, replace: bool = False) -> Restored:
    return await restore(store, content, "x.backup", [], NOW, TODAY, addresses=addresses, replace=replace)


async def filled(url: str) -> tuple[dict[str, set[tuple[object, ...]]], bytes]:
    async with open_store(url, KEYS) as store:
        await fill(store)
        return await everything(store), (await dump(store)).content


async def test_every_table_goes_from_sqlite_to_sqlite(tmp_path: Path) -> None:
    await _travel([f"sqlite+aiosqlite:///{tmp_path}/{number}.db" for number in range(2)])


async def test_every_table_goes_to_postgresql_and_back(tmp_path: Path, postgres_server: postgres.Postgres) -> None:
    urls = [f"sqlite+aiosqlite:///{tmp_path}/{number}.db" for number in range(2)]
    await _travel([urls[0], postgres_server.database(), urls[1]])


async def _travel(urls: list[str]) -> None:
    before, content = await filled(urls[0])
    assert all(len(rows) == ROWS for rows in before.values())
    expected = {name: set() if name in LEFT_OUT else rows for name, rows in before.items()}
    for url in urls[1:]:
        async with connected(url, KEYS) as store:
            assert (await put(store, content)).rows == ROWS * (len(expected) - len(LEFT_OUT))
            assert await everything(store) == expected
            content = (await dump(store)).content


async def test_a_dump_is_of_one_moment_while_others_write(database_url: str) -> None:
    async with AsyncExitStack() as stack:
        bot, command = [await stack.enter_async_context(open_store(database_url, KEYS)) for _ in range(2)]
        written, stop = 0, False

        async def both(connection: AsyncConnection) -> None:
            for table in (notes, shown):  # The first and the last table that a dump reads.
                await connection.execute(insert(table).values({table.primary_key.columns[0].name: str(written)}))

        async def write() -> None:
            nonlocal written
            while not stop:
                await bot.run(both)
                written += 1

        writing = asyncio.create_task(write())
        for target in (5, 40, 80):
            while written < target and not writing.done():
                await asyncio.sleep(0.01)
            made = _tables((await dump(command)).content)
            assert made["notes"] == made["shown"]
            assert made["notes"] >= target
        stop = True
        await writing


async def test_over_something_else_only_when_told(database_url: str) -> None:
    before, content = await filled(database_url)
    async with open_store(database_url, KEYS) as store:
        await store.run(lambda c: c.execute(insert(notes).values(week="new")))
        now = await everything(store)
        with pytest.raises(BrokenStore, match="--replace"):
            await put(store, content)
        assert await everything(store) == now
        await put(store, content, replace=True)
        assert await everything(store) == before  # The marks of what was answered stay: they are newer than the backup.


async def test_what_lies_beside_our_tables_is_left_alone(database_url: str) -> None:
    _, content = await filled(database_url)
    async with open_store(database_url, KEYS) as store:
        await store.run(lambda c: c.execute(text("CREATE TABLE theirs (x integer)")))
        assert "theirs" not in _tables((await dump(store)).content)
        await put(store, content, replace=True)
        assert await store.run(lambda c: c.run_sync(lambda sync: inspect(sync).has_table("theirs")))


async def test_what_was_answered_is_in_no_backup(tmp_path: Path) -> None:
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/a.db", KEYS) as store:
        await Answered(store, "telegram:1").remember("8000900123", NOW)
        content = gzip.decompress((await dump(store)).content)
        assert KEYS.mark("8000900123", "answered/telegram:1").encode() not in content


async def test_another_key_file_is_refused_and_without_addresses_the_rest_comes(tmp_path: Path) -> None:
    before, content = await filled(f"sqlite+aiosqlite:///{tmp_path}/a.db")
    async with connected(f"sqlite+aiosqlite:///{tmp_path}/b.db", OTHER) as store:
        with pytest.raises(BrokenBackup, match=r"cannot be read with this key file.*--without-addresses"):
            await put(store, content)
        assert not (await _names(store))
        await put(store, content, addresses=False)
        after = await everything(store)
    of_chats = {"chats", "subscriptions", "seen", "digests", "deliveries"}
    assert {name for name, rows in after.items() if not rows} == of_chats | LEFT_OUT
    assert all(after[name] == before[name] for name in after.keys() - of_chats - LEFT_OUT)


async def test_a_database_of_another_key_file_is_not_backed_up(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/a.db"
    await filled(url)
    async with connected(url, OTHER) as store:
        with pytest.raises(BrokenKey, match="KEY_FILE"):
            await dump(store)


def _cut(lines: list[bytes]) -> list[bytes]:
    return lines[:-1]


def _one_row_less(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], *lines[4:]]


def _changed(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b"asked.entry 3", b"asked.entry 9") for line in lines]


def _one_table_less(lines: list[bytes]) -> list[bytes]:
    start, end = (
        next(n for n, line in enumerate(lines) if f'"table":"{name}"'.encode() in line) for name in ("asked", "chats")
    )
    return lines[:start] + lines[end:]


def _more(lines: list[bytes]) -> list[bytes]:
    return [*lines, b"[]\n"]


def _unknown_table(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b'"table":"asked"', b'"table":"asket"') for line in lines]


def _nonsense(lines: list[bytes]) -> list[bytes]:
    return [lines[0], b"\x00\xff\n", *lines[1:]]


@pytest.mark.parametrize("how", [_cut, _one_row_less, _changed, _one_table_less, _more, _unknown_table, _nonsense])
async def test_a_dump_that_is_not_as_it_was_written_changes_nothing(how, database_url: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    _, content = await filled(f"sqlite+aiosqlite:///{tmp_path}/other.db")
    spoilt = gzip.compress(b"".join(how(gzip.decompress(content).splitlines(keepends=True))))
    assert gzip.decompress(spoilt) != gzip.decompress(content)
    before, _ = await filled(database_url)
    async with connected(database_url, KEYS) as store:
        for broken in (spoilt, content[: len(content) // 2], b"\x1f\x8bnonsense", gzip.compress(b"{}\n"), gzip.compress(b"")):
            with pytest.raises(BrokenBackup, match=r"^x\.backup: .*damaged.*take another copy"):
                await put(store, broken, replace=True)
        assert await everything(store) == before


async def test_nobody_without_the_key_file_can_write_one(tmp_path: Path) -> None:
    """Whoever has the public key can encrypt to it, and hashes anybody can count."""
    url = f"sqlite+aiosqlite:///{tmp_path}/a.db"
    _, content = await filled(url)
    async with open_store(f"{url}2", OTHER) as store:
        await store.run(lambda c: c.execute(insert(notes).values(week="forged")))
        forged = gzip.decompress((await dump(store)).content).splitlines(keepends=True)
    forged[0] = gzip.decompress(content).splitlines(keepends=True)[0]
    async with connected(f"{url}3", KEYS) as store:
        with pytest.raises(BrokenBackup, match="damaged"):
            await put(store, gzip.compress(b"".join(forged)))


async def test_a_newer_dump_is_refused(tmp_path: Path) -> None:
    _, content = await filled(f"sqlite+aiosqlite:///{tmp_path}/a.db")
    lines = gzip.decompress(content).splitlines(keepends=True)
    for field, value in (("revision", "9999"), ("rueckspiegel", 2)):
        newer = [json.dumps(json.loads(lines[0]) | {field: value}).encode() + b"\n", *lines[1:]]
        async with connected(f"sqlite+aiosqlite:///{tmp_path}/b.db", KEYS) as store:
            with pytest.raises(BrokenBackup, match=r"newer version.*install that version"):
                await put(store, gzip.compress(b"".join(newer)))
            assert not (await _names(store))


async def test_an_older_dump_is_migrated(tmp_path: Path, database_url: str) -> None:
    async with connected(f"sqlite+aiosqlite:///{tmp_path}/old.db", KEYS) as old:
        await _age(old, "0002")
        content = (await dump(old)).content
    async with connected(database_url, KEYS) as store:
        await put(store, content)
        assert await store.run(lambda c: c.scalar(text("SELECT platform FROM chats"))) == "matrix"
    async with open_store(database_url, KEYS) as store:
        assert set(metadata.tables) <= await _names(store)


@pytest.mark.parametrize("recipient", [None, "named"])
async def test_before_a_migration_the_database_is_backed_up(recipient: str | None, tmp_path: Path, database_url: str) -> None:
    import pyrage

    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "identity").write_text(str(identity), encoding="ascii")
    backups = Backups(tmp_path / "backups", str(identity.to_public()) if recipient else None)
    async with connected(database_url, KEYS) as old:
        await _age(old, "0002")
    for _ in range(2):
        async with open_store(database_url, KEYS, backups):
            pass
    [file] = backups.folder.iterdir()
    assert file.name.startswith("before-")
    assert file.stat().st_mode & 0o777 == 0o600
    content = read_backup(file, KEYS, tmp_path / "identity" if recipient else None)
    assert json.loads(gzip.decompress(content).splitlines()[0])["revision"] == "0002"
    assert b"chats" not in file.read_bytes()
    if recipient:
        with pytest.raises(BrokenBackup, match="another key"):
            read_backup(file, KEYS, None)


async def test_without_that_backup_nothing_is_migrated(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/old.db"
    (tmp_path / "file").write_text("", encoding="ascii")
    async with connected(url, KEYS) as old:
        await _age(old, "0002")
        with pytest.raises(BrokenBackup, match="cannot be written"):
            async with open_store(url, KEYS, Backups(tmp_path / "file" / "backups")):
                pass
        assert await old.run(lambda c: c.scalar(text("SELECT version_num FROM alembic_version"))) == "0002"


async def test_every_table_that_any_version_had_is_backed_up(tmp_path: Path) -> None:
    async with connected(f"sqlite+aiosqlite:///{tmp_path}/a.db", KEYS) as store:
        folder = Path("bot/store/migrations/versions")
        for revision in sorted(file.name[:4] for file in folder.glob("[0-9]*.py")):
            await store.run(lambda c, to=revision: c.run_sync(lambda sync: upgrade(sync, KEYS, to)))
            assert await _names(store) <= set(metadata.tables) | {"alembic_version"}


async def test_a_removed_channel_is_in_no_file_after_the_retention(tmp_path: Path) -> None:
    backups, url = Backups(tmp_path / "backups", days=14), f"sqlite+aiosqlite:///{tmp_path}/a.db"
    async with open_store(url, KEYS) as store:
        gone = await store.run(lambda c: subscriptions.subscribe(store, c, _daily("-1001"), NOW, []))
        for day in range(20):
            if day == 3:
                await store.run(lambda c: subscriptions.end(c, gone))
            moment = NOW + timedelta(days=day)
            _touch(backups.keep((await dump(store)).content, f"rueckspiegel-{day}", KEYS), moment)
            backups.sweep(moment)
    kept = sorted(backups.folder.iterdir())
    assert len(kept) == 15
    assert not any(gone.id.encode() in gzip.decompress(read_backup(file, KEYS, None)) for file in kept)


async def test_only_our_own_old_files_are_removed(tmp_path: Path) -> None:
    old = {"rueckspiegel-1.backup", "before-2.backup", "replaced-3.backup", "x.backup.ab12.part"}
    for name in (*old, "mine.backup", "notes.txt", "rueckspiegel-1.txt"):
        (tmp_path / name).write_bytes(b"")
        _touch(tmp_path / name, NOW - timedelta(days=15))
    _touch(tmp_path / "before-2.backup", NOW - timedelta(days=13))
    assert Backups(tmp_path).sweep(NOW) == 3
    assert {file.name for file in tmp_path.iterdir()} == {"before-2.backup", "mine.backup", "notes.txt", "rueckspiegel-1.txt"}
    assert Backups(tmp_path / "none").sweep(NOW) == 0


@pytest.mark.parametrize("platform", ["telegram", "matrix"])
async def test_what_may_have_gone_out_meanwhile_is_unknown(platform: str, tmp_path: Path, database_url: str) -> None:
    states = {
        "under-way": (SENDING, NOW, NOW),
        "waited": (PENDING, NOW, None),
        "tried": (PENDING, NOW + timedelta(hours=1), NOW - timedelta(hours=30)),
        "later": (PENDING, NOW + timedelta(hours=9), None),
        "arrived": (SENT, NOW, NOW),
    }
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/a.db", KEYS) as store:
        wanted = _daily("!room" if platform == "matrix" else "-1001", platform)
        one = await store.run(lambda c: subscriptions.subscribe(store, c, wanted, NOW, []))
        parts = [
            replace(_part(one, item, number), state=state, due=due, first=first)
            for number, (item, (state, due, first)) in enumerate(states.items(), 1)
        ]
        await store.run(lambda c: outbox.owe(store, c, [*parts, replace(_part(one, "correction", 0), state=PENDING)]))
        content = (await dump(store)).content
    async with connected(database_url, KEYS) as store:
        assert await put(store, content) == Restored(rows=8, parts=3, channels=0)
        found = {part.items[0]: part.state for part in await store.run(lambda c: ledger.in_state(store, c, None))}
        had = (await store.run(lambda c: subscriptions.has_had(c, [one.id])))[one.id]
    assert found == dict.fromkeys(states, UNKNOWN) | {"later": PENDING, "arrived": SENT, "correction": PENDING}
    assert had == dict.fromkeys(["under-way", "waited", "tried"], "unsure")


async def test_what_slots_since_may_have_said_comes_once_more_marked(app: App, tmp_path: Path) -> None:
    items = [item for item in app.base.items.values() if is_out(item, TODAY)]
    said, waiting, twice, *fresh = [item.id for item in items]
    url, later = f"sqlite+aiosqlite:///{tmp_path}/a.db", NOW + timedelta(hours=12)
    async with open_store(url, KEYS) as store:
        due = await store.run(lambda c: subscriptions.subscribe(store, c, _daily("-1001"), NOW, [said]))
        weekly = replace(_daily("-1002"), schedule=Schedule("weekly", time(18), "Europe/Berlin", 0))
        not_due = await store.run(lambda c: subscriptions.subscribe(store, c, weekly, NOW, []))
        await store.run(lambda c: subscriptions.mark(store, c, due.id, [twice], "unsure"))
        await store.run(lambda c: outbox.owe(store, c, [_part(due, waiting, 1)]))
        content = (await dump(store)).content
        done = await restore(store, content, "x", items, later, later.date(), addresses=True, replace=True)
        had = await store.run(lambda c: subscriptions.has_had(c, [due.id, not_due.id]))
    assert (done.parts, done.channels) == (1, 1)
    assert had[due.id] == {said: "known", twice: "twice", waiting: "unsure", **dict.fromkeys(fresh, "unsure")}
    assert had[not_due.id] == {}


async def test_a_damaged_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    url, file = f"sqlite+aiosqlite:///{tmp_path}/a.db", tmp_path / "a.db"
    async with open_store(url, KEYS) as store:
        await fill(store, 300)
    raw = bytearray(file.read_bytes())
    raw[40960:45056] = b"\xa5" * 4096
    file.write_bytes(raw)
    for content in (bytes(raw), b"no database at all, not even a little" * 100):
        file.write_bytes(content)
        for opened in (open_store, connected):
            with pytest.raises(BrokenStore, match=r"RUECKSPIEGEL_DATABASE: .*a\.db is damaged.*restore"):
                async with opened(url, KEYS) as store:
                    await dump(store)
        assert file.read_bytes() == content


async def test_an_empty_database_is_not_backed_up(database_url: str) -> None:
    async with connected(database_url, KEYS) as store:
        with pytest.raises(BrokenStore, match="nothing in this database yet"):
            await dump(store)


def test_a_backup_opens_with_its_key_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.backup"
    write_backup(file, sealed(b"\x1f\x8bcontent", KEYS, None))
    assert read_backup(file, KEYS, None) == b"\x1f\x8bcontent"
    with pytest.raises(BrokenBackup, match=r"a\.backup: it is sealed for another key; .*--identity"):
        read_backup(file, OTHER, None)
    whole = file.read_bytes()
    for cut in range(0, len(whole), 7):
        file.write_bytes(whole[:cut])
        with pytest.raises(BrokenBackup, match=r"a\.backup: .*(damaged|no backup of this product)"):
            read_backup(file, KEYS, None)


def _daily(chat: str, platform: str = "telegram") -> Subscription:
    return Subscription("", Address(platform, chat), Schedule("daily", time(18), "Europe/Berlin"), "en")


def _part(one: Subscription, item: str, number: int) -> Delivery:
    return outbox.parts_of(one, Slot(NOW.date(), NOW), [([item], reply("x"))], NOW, number)[0]


def _tables(content: bytes) -> dict[str, int]:
    """Table to its number of rows."""
    lines = [json.loads(line) for line in gzip.decompress(content).splitlines()]
    names = [line["table"] for line in lines if isinstance(line, dict) and "table" in line]
    return dict(zip(names, (line["rows"] for line in lines if isinstance(line, dict) and "rows" in line), strict=True))


def _touch(file: Path, moment) -> None:  # type: ignore[no-untyped-def]
    import os

    os.utime(file, (moment.timestamp(), moment.timestamp()))


async def _names(store: Store) -> set[str]:
    return set(await store.run(lambda c: c.run_sync(lambda sync: inspect(sync).get_table_names())))


async def _age(store: Store, revision: str) -> None:
    """A database of an older version, with one chat."""

    def make(connection: Connection) -> None:
        upgrade(connection, KEYS, revision)
        chat = {"id": "c", "mark": "m", "sealed": KEYS.seal("matrix:!room", "chat")}
        connection.execute(text("INSERT INTO chats (id, mark, sealed) VALUES (:id, :mark, :sealed)"), chat)

    await store.run(lambda c: c.run_sync(make))
    assert (await store.run(lambda c: c.execute(select(text("id")).select_from(text("chats"))))).all() == [("c",)]
