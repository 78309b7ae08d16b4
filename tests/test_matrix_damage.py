"""A kill at the worst moment, a damaged file: no key is lost by the one, and no device is left behind by either."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import vodozemac
from nio import SyncResponse

from bot.app import App
from bot.keys import Keys
from bot.transports.matrix.session import Credentials, Session
from bot.transports.matrix.store import QuietStore
from tests.matrix import Person
from tests.matrix.device import JSON, Device
from tests.matrix_runs import Account, ask, meet

ANNA, BOT, ROOM = "@anna:example.org", "@bot:example.org", "!depot"


class Killed(BaseException):
    """The process ended here: nothing of ours runs afterwards."""


def _kill(*_: Any) -> None:
    raise Killed


def _opened(folder: Path) -> Session:
    session = Session(Credentials("http://127.0.0.1:9", BOT, ""), folder, Keys(b"k" * 32), lambda: datetime.now(UTC))
    session.client = session._client()
    session.client.restore_login(BOT, session.account.device, "token")
    return session


def _room_key(session: Session, phone: Device) -> JSON:
    """A sync with the key of a room in it, for the bot's device."""
    olm = session.client.olm
    olm.account.generate_one_time_keys(1)
    [key] = olm.account.one_time_keys["curve25519"].values()
    olm.account.mark_keys_as_published()
    olm.save_account()
    mine, group = olm.account.identity_keys, vodozemac.GroupSession()
    content = {"algorithm": "m.megolm.v1.aes-sha2", "room_id": ROOM, "session_id": group.session_id}
    content["session_key"] = group.session_key.to_base64()
    sealed = phone.sealed(phone.session(mine["curve25519"], key), {"user": BOT, **mine}, "m.room_key", content)
    return {"next_batch": "s1", "to_device": {"events": [sealed]}}


@pytest.mark.parametrize("write", ["save_account", "save_session", "save_inbound_group_session"])
async def test_a_kill_within_one_message_loses_no_room_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: str) -> None:
    session = _opened(tmp_path)
    sync = _room_key(session, Device(ANNA, "AA"))
    await session.close()
    session = _opened(tmp_path)
    with monkeypatch.context() as killing:
        killing.setattr(QuietStore, write, _kill)
        with pytest.raises(Killed):
            await session.client._handle_to_device(SyncResponse.from_dict(_copied(sync)))
    await session.close()
    session = _opened(tmp_path)
    assert [*session.client.olm.inbound_group_store] == []
    await session.client._handle_to_device(SyncResponse.from_dict(_copied(sync)))
    await session.close()
    session = _opened(tmp_path)
    assert [one.room_id for one in session.client.olm.inbound_group_store] == [ROOM]
    await session.close()


def _copied(sync: JSON) -> JSON:
    """nio takes apart what it parses."""
    return dict(json.loads(json.dumps(sync)))


LONG = [pytest.param(damage, marks=pytest.mark.promises) for damage in ("empty", "no account", "torn")]


@pytest.mark.parametrize("damage", ["garbage", *LONG])
async def test_a_damaged_store_makes_a_new_device_of_the_same_identity(
    bot: Account, anna: Person, app: App, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with bot.here(app):
        await bot.ready()
    [before], master = bot.devices(), await bot.master()
    [file] = (bot.state / "matrix").glob("*.db")
    whole = file.read_bytes()
    if damage == "no account":
        _forget_account(file)
    else:
        file.write_bytes({"garbage": b"\xff" * 4096, "empty": b"", "torn": whole[: len(whole) // 2]}[damage])
    async with bot.here(app):
        await ask(anna, await meet(anna, bot.user))
    assert "keys-lost" in caplog.text
    assert await bot.master() == master
    assert len(bot.devices()) == 1
    assert bot.devices() != [before]
    assert [one.stem for one in (bot.state / "matrix").glob("*.db")] == bot.devices()


def _forget_account(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DELETE FROM accounts")
        connection.commit()


@pytest.mark.parametrize("moment", ["store", "token"])
async def test_a_kill_around_the_first_login_leaves_one_device(
    bot: Account, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    credentials = Credentials(bot.hs.url, bot.user, bot.password)

    def session() -> Session:
        return Session(credentials, bot.state / "matrix", Keys(b"k" * 32), lambda: datetime.now(UTC))

    first = session()
    with monkeypatch.context() as killing:
        if moment == "store":
            killing.setattr(QuietStore, "__init__", _kill)
        else:
            killing.setattr(first.account, "save", _kill)
        with pytest.raises(Killed):
            await first.open()
    await first.close()
    second = session()
    await second.open()
    assert bot.devices() == [second.account.device]
    assert await bot.signed()
    await second.close()
