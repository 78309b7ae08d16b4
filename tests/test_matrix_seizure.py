"""What is answered can be read by nobody who takes the bot's keys and its homeserver's database; nothing goes out in clear."""

from __future__ import annotations

import base64
import re
import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.app import App
from bot.keys import Keys
from bot.transports.matrix import store as stores
from bot.transports.matrix import upkeep
from bot.transports.matrix.account import Account as Saved
from bot.transports.matrix.converting import convert
from tests.live import QUESTION
from tests.matrix import Homeserver, Person, Proxy
from tests.matrix_runs import Account, ask, meet, said_by, until
from tests.scan import Canary, scan
from tests.seizure import as_stock, keys_of, open_store, readable

KEYS = Keys(b"k" * 32)


@pytest.mark.parametrize("ratcheting", [True, False])
async def test_who_seizes_everything_reads_no_answered_question(
    bot: Account, anna: Person, app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ratcheting: bool
) -> None:
    if not ratcheting:
        monkeypatch.setattr(upkeep, "ratchet", lambda client, last: None)
    async with bot.here(app):
        room = await meet(anna, bot.user)
        for number in range(1, 4):
            await ask(anna, room, number)
        await ask(anna, await meet(anna, bot.user))  # by then the bot has heard of all its answers
        events = await said_by(anna, room, anna.user_id)
        assert len(events) == 3
        copies = (tmp_path / f"seized-{number}" for number in range(100))
        wanted = [] if ratcheting else [QUESTION] * 3
        await until(lambda: readable(bot.state, KEYS, bot.user, events, next(copies)) == wanted, "what can be read", 10)


async def test_a_kill_between_saving_and_moving_on_is_made_good_at_the_next_start(
    bot: Account, anna: Person, app: App, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as killed:
        killed.setattr(upkeep, "ratchet", lambda client, last: None)
        killed.setattr(Saved, "forget_read", lambda account: None)
        async with bot.here(app):
            room = await meet(anna, bot.user)
            await ask(anna, room)
    events = await said_by(anna, room, anna.user_id)
    assert readable(bot.state, KEYS, bot.user, events, tmp_path / "before") == [QUESTION]
    async with bot.here(app):
        await ask(anna, await meet(anna, bot.user))
    assert readable(bot.state, KEYS, bot.user, events, tmp_path / "after") == []


async def _talk(bot: Account, anna: Person, ben: Person) -> tuple[str, str]:
    """A direct chat, in which the bot answers, and a room, in which it only hears."""
    direct = await meet(anna, bot.user)
    await ask(anna, direct)
    room = await anna.room("Depot 7", [bot.user, ben.user_id])
    await ben.accept(room)
    await anna.wait_member(room, bot.user)
    await ben.say(room, "not for the bot")
    await ask(anna, direct, 2)
    return direct, room


async def _canaries(people: Sequence[Person], rooms: Sequence[str]) -> list[Canary]:
    found = [canary for person in people for canary in keys_of(person)]
    for room in rooms:
        events = [event for person in people for event in await said_by(people[0], room, person.user_id)]
        found += [Canary("room", room), *(Canary("session", event["content"]["session_id"]) for event in events)]
    return found


async def test_who_copies_the_disk_alone_finds_no_device_no_room_and_no_hour(
    bot: Account, anna: Person, ben: Person, app: App, tmp_path: Path
) -> None:
    async with bot.here(app):
        rooms = await _talk(bot, anna, ben)
        canaries = await _canaries((anna, ben), rooms)
        assert scan([bot.state], canaries) == []
    assert scan([bot.state], canaries) == []
    assert _in_clear(bot.state) == {datetime.now(UTC).date().toordinal()}
    as_stock(bot.state, KEYS, bot.user, tmp_path / "stock")
    found = {trace.canary for trace in scan([tmp_path / "stock"], canaries)}
    assert found >= {"room", "session", *(f"{kind} of {anna.user_id}" for kind in ("curve25519", "ed25519"))}


def _in_clear(state: Path) -> set[int]:
    """All that stands in the crypto store beside marks, what is sealed, and the bot's own account."""
    [file] = (state / "matrix").glob("*.db")
    connection = sqlite3.connect(file)
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert tables == {"accounts", "storeversion", "olm", "megolm"}
        rows = [row for table in ("olm", "megolm") for row in connection.execute(f"SELECT * FROM {table}")]
    finally:
        connection.close()
    assert len(rows) >= 4
    for mark, _, sealed in rows:
        assert re.fullmatch("[0-9a-f]{32}", mark)
        assert len(base64.b64decode(sealed)) > 100
    return {day for _, day, _ in rows}


async def test_a_store_of_before_is_sealed_at_the_start_and_loses_nobody(
    bot: Account, anna: Person, ben: Person, app: App, tmp_path: Path
) -> None:
    async with bot.here(app):
        direct, room = await _talk(bot, anna, ben)
    canaries = await _canaries((anna, ben), (direct, room))
    old = tmp_path / "old"
    as_stock(bot.state, KEYS, bot.user, old)
    [file] = old.glob("*.db")
    _date(file)
    shutil.copy(file, bot.state / "matrix")
    assert {trace.canary for trace in scan([bot.state], canaries)} >= {"room", f"curve25519 of {anna.user_id}"}
    before = _sessions(file)
    killed = bot.state / "matrix" / file.name
    for word in ("DROP", "VACUUM"):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(stores, "convert", lambda database, *rest, at=word: convert(Dying(database, at), *rest))
            with pytest.raises(KeyboardInterrupt):
                open_store(killed, KEYS, bot.user)
    async with bot.here(app):
        session = anna.client.nio.olm.outbound_group_sessions[direct].id
        await ask(anna, direct, 3)
        assert anna.client.nio.olm.outbound_group_sessions[direct].id == session
        anna.client.nio.invalidate_outbound_session(direct)
        await ask(anna, direct, 4)  # over the same session with her device
        assert scan([bot.state], canaries) == []
    assert scan([bot.state], canaries) == []
    store = open_store(killed, KEYS, bot.user)
    olm, megolm = store.load_sessions(), store.load_inbound_group_sessions()
    store.database.close()
    assert {one.id for one in olm} >= before["olmsessions"]
    own = {one.id for one in megolm}
    assert before["megolminboundsessions"] <= own


@dataclass
class Dying:
    """A database whose process is killed before a statement that begins so."""

    database: Any
    word: str

    def execute_sql(self, sql: str, *values: Any) -> Any:
        if sql.startswith(self.word):
            raise KeyboardInterrupt
        return self.database.execute_sql(sql, *values)

    def atomic(self) -> Any:
        return self.database.atomic()


def _date(file: Path) -> None:
    """As the store of before dated group sessions beside nio's tables; one it did not know yet."""
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE session_used (id TEXT PRIMARY KEY, hour INTEGER NOT NULL)")
    hour = int(datetime.now(UTC).timestamp()) // 3600
    connection.execute(f"INSERT INTO session_used SELECT session_id, {hour} FROM megolminboundsessions LIMIT 1")
    connection.commit()
    connection.close()


def _sessions(file: Path) -> dict[str, set[str]]:
    connection = sqlite3.connect(file)
    try:
        return {
            table: {id for (id,) in connection.execute(f"SELECT session_id FROM {table}")}
            for table in ("olmsessions", "megolminboundsessions")
        }
    finally:
        connection.close()


class Hiding(Proxy):
    """A homeserver that denies that rooms are encrypted."""

    hiding = False

    async def _pass(self, request: Any, body: bytes) -> Any:
        response = await super()._pass(request, body)
        if self.hiding and request.path.endswith(("/sync", "/state")):
            response.body = response.body.replace(b'"m.room.encryption"', b'"m.room.nothing"')
        return response


async def test_never_in_clear_where_it_was_encrypted_once(bot: Account, hs: Homeserver, anna: Person, app: App) -> None:
    async with Hiding(hs.url) as proxy:
        async with bot.here(app, proxy.url):
            room = await meet(anna, bot.user)
            await ask(anna, room)
            other = await meet(anna, bot.user, encrypted=False)
        proxy.hiding = True
        await anna.say(room, QUESTION)
        async with bot.here(app, proxy.url):
            await ask(anna, other)
            await anna.say(room, QUESTION)
            await ask(anna, other, 2)
    assert [event["type"] for event in await said_by(anna, room, bot.user)] == ["m.room.encrypted"]
    assert not [one for one in proxy.requests if one.method == "PUT" and f"{room}/send/m.room.message/" in one.path]
