"""What others can make grow ends somewhere, and what they can misshape is left out. Without a homeserver."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nio import Event, MegolmEvent, SyncError, SyncResponse
from nio.crypto import OlmAccount

from bot.keys import Keys
from bot.transports.inbox import Inbox
from bot.transports.matrix import account as accounts
from bot.transports.matrix import late, upkeep
from bot.transports.matrix.account import Account
from bot.transports.matrix.client import Client
from bot.transports.matrix.events import Events
from bot.transports.matrix.late import Late
from bot.transports.matrix.parsing import events_in, parsed
from bot.transports.matrix.rooms import Rooms
from bot.transports.matrix.rounds import MOST_PAIRS, MOST_ROUNDS, REST_SECONDS, Rounds
from bot.transports.matrix.session import Credentials, Session

ANNA, ROOM = "@anna:example.org", "!depot"
STATE: dict[str, Any] = {"sender": ANNA, "state_key": "", "type": "m.room.name", "content": {"name": "Depot"}}
MESSAGE: dict[str, Any] = {
    "sender": ANNA,
    "type": "m.room.message",
    "event_id": "$1",
    "origin_server_ts": 1,
    "content": {"msgtype": "m.text", "body": "hello"},
}


def _sync(**parts: Any) -> str:
    return json.dumps({"next_batch": "s1", **parts})


def test_an_odd_invitation_is_left_out_and_the_rest_is_taken() -> None:
    invited = {"!odd": {"invite_state": {"events": [{**STATE, "unsigned": 5}]}}, "!good": {"invite_state": {"events": [STATE]}}}
    joined = {ROOM: {"timeline": {"events": [{**MESSAGE, "unsigned": 5}, MESSAGE]}}}
    found = parsed(_sync(rooms={"invite": invited, "join": joined}))
    assert isinstance(found.response, SyncResponse)
    assert found.odd >= 1
    assert found.response.next_batch == "s1"
    assert "!good" in found.response.rooms.invite
    assert MESSAGE in [event.source for event in found.response.rooms.join[ROOM].timeline.events]


@pytest.mark.parametrize(
    "odd", [5, [], "x", None, {"events": 5}, {"events": [5]}, {"events": [{}]}, {"events": [{"type": []}]}]
)
@pytest.mark.parametrize("section", ["join", "invite", "leave"])
def test_a_sync_of_any_shape_is_taken_once(section: str, odd: Any) -> None:
    for part in ("invite_state", "state", "timeline"):
        rooms = {section: {"!odd": {part: odd}}, "join": {ROOM: {"timeline": {"events": [MESSAGE]}}}}
        rooms.setdefault(section, {})["!odd"] = {part: odd}
        found = parsed(_sync(rooms=rooms, to_device={"events": [odd]}))
        assert isinstance(found.response, SyncResponse)
        assert found.response.next_batch == "s1"
        assert [event.source for event in found.response.rooms.join[ROOM].timeline.events] == [MESSAGE]


def test_odd_events_of_the_past_are_left_out() -> None:
    assert [event.source for event in events_in([{**MESSAGE, "unsigned": 5}, 5, {}, MESSAGE], ROOM)][-1] == MESSAGE


@pytest.mark.parametrize("text", ["", "<html>", "[]", "{}", "5", '{"errcode": "M_LIMIT_EXCEEDED", "error": "x"}'])
def test_what_is_no_sync_is_an_error(text: str) -> None:
    assert isinstance(parsed(text).response, SyncError)


def test_only_the_homeserver_says_that_the_fallback_key_was_used() -> None:
    hostile = {**MESSAGE, "content": {"msgtype": "m.text", "body": "x", "device_unused_fallback_key_types": []}}
    said = _sync(rooms={"join": {ROOM: {"timeline": {"events": [hostile]}}}})
    assert not parsed(said).fallback_used
    assert not parsed(_sync(device_unused_fallback_key_types=["signed_curve25519"])).fallback_used
    assert parsed(_sync(device_unused_fallback_key_types=[])).fallback_used


def test_a_program_that_answers_our_answers_is_left_alone_for_a_while() -> None:
    clock = SimpleNamespace(now=0.0)
    rounds = Rounds(lambda: clock.now)
    answered = 0
    for _ in range(10 * MOST_ROUNDS):
        clock.now += 0.1
        if rounds.asked(ROOM, ANNA):
            answered += 1
            rounds.answered(ROOM, ANNA)
    assert answered == MOST_ROUNDS + 1
    assert rounds.asked(ROOM, "@ben:example.org")
    clock.now += REST_SECONDS
    rounds.drop_old()
    assert (rounds._pairs, rounds._resting) == ({}, {})
    assert rounds.asked(ROOM, ANNA)


def test_many_questions_at_once_and_a_quick_talker_are_no_program() -> None:
    clock = SimpleNamespace(now=0.0)
    rounds = Rounds(lambda: clock.now)
    assert all(rounds.asked(ROOM, ANNA) for _ in range(1_000))
    for _ in range(1_000):
        clock.now += 3.0
        assert rounds.asked(ROOM, ANNA)
        rounds.answered(ROOM, ANNA)
    for number in range(MOST_PAIRS + 10):
        rounds.asked(ROOM, f"@{number}:example.org")
    assert len(rounds._pairs) == MOST_PAIRS
    clock.now += 61.0
    rounds.drop_old()
    assert not rounds._pairs


def _unread(number: int, size: int = 10) -> MegolmEvent:
    content = {"algorithm": "m.megolm.v1.aes-sha2", "sender_key": "k", "device_id": "d", "session_id": f"s{number}"}
    event = {**MESSAGE, "type": "m.room.encrypted", "event_id": f"${number}", "content": {**content, "ciphertext": "x" * size}}
    return Event.parse_encrypted_event(event)


def test_what_waits_for_keys_is_bounded_in_number_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late, "MOST_UNREAD", 20)
    monkeypatch.setattr(late, "MOST_TOLD", 20)
    clock = SimpleNamespace(now=0.0)
    waiting = Late(SimpleNamespace(), lambda: clock.now)  # type: ignore[arg-type]
    for number in range(50):
        waiting.keep(ROOM, _unread(number))
        assert waiting.is_news(_unread(number))
    assert [len(waiting._unread), len(waiting._told)] == [20, 20]
    assert not waiting.is_news(_unread(49))
    for number in range(50, 60):
        waiting.keep(ROOM, _unread(number, late.MOST_BYTES // 3))
    assert len(waiting._unread) == 3
    clock.now += late.UNREAD_SECONDS + 1
    waiting.drop_old()
    assert [len(waiting._unread), len(waiting._told)] == [0, 20]
    clock.now += late.TOLD_SECONDS
    waiting.drop_old()
    assert not waiting._told


def test_who_invited_and_who_made_a_room_is_no_name_in_memory() -> None:
    clock = SimpleNamespace(now=0.0)
    rooms = Rooms(SimpleNamespace(), "@bot:example.org", SimpleNamespace(), None, clock=lambda: clock.now)  # type: ignore[arg-type]
    assert not rooms._too_many(ANNA)
    assert ANNA not in str(rooms._invites)
    clock.now += 3_600
    rooms.drop_old()
    assert not rooms._invites


def test_rooms_that_were_encrypted_are_remembered_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "MOST_ENCRYPTED", 10)
    kept = Account.load(tmp_path, ANNA, Keys(b"k" * 32))
    for number in range(30):
        kept.seen_encrypted(ROOM)  # is in use, and so is never the oldest
        kept.seen_encrypted(f"!{number}")
    assert len(kept.encrypted) == 10
    assert kept.was_encrypted(ROOM)
    assert Account.load(tmp_path, ANNA, Keys(b"k" * 32)).was_encrypted(ROOM)


async def test_sessions_that_nobody_uses_are_erased(tmp_path: Path) -> None:
    clock = SimpleNamespace(now=datetime(2026, 11, 24, tzinfo=UTC))
    session = Session(Credentials("http://127.0.0.1:9", ANNA, ""), tmp_path, Keys(b"k" * 32), lambda: clock.now)

    def opened() -> Client:
        session.client = session._client()
        session.client.restore_login(ANNA, session.account.device, "token")
        return session.client

    client = opened()
    for room in ("!used", "!unused"):
        client.olm.create_outbound_group_session(room)
    [used], [unused] = ([one for one in client.olm.inbound_group_store if one.room_id == room] for room in ("!used", "!unused"))
    clock.now += upkeep.UNUSED_LIFETIME - timedelta(hours=2)
    client.olm.save_inbound_group_session(used)
    clock.now += timedelta(hours=4)
    upkeep.forget_sessions(client)
    assert [one.id for one in client.olm.inbound_group_store] == [used.id]
    await session.close()
    again = opened()
    assert [one.id for one in again.olm.inbound_group_store] == [used.id]
    await session.close()
    assert _rows(tmp_path, "megolm") == 1
    assert unused.id != used.id


async def test_a_device_that_nobody_hears_of_is_forgotten(tmp_path: Path) -> None:
    clock = SimpleNamespace(now=datetime(2026, 11, 24, 23, 59, tzinfo=UTC))
    session = Session(Credentials("http://127.0.0.1:9", ANNA, ""), tmp_path, Keys(b"k" * 32), lambda: clock.now)

    def sessions() -> list[tuple[str, str]]:
        session.client = session._client()
        session.client.restore_login(ANNA, session.account.device, "token")
        return [(key, one.id) for key, kept in session.client.olm.session_store.items() for one in kept]

    assert sessions() == []
    olm, phones = session.client.olm, [OlmAccount() for _ in range(2)]
    made = []
    for phone in (phones[0], phones[1], phones[0]):
        phone.generate_one_time_keys(1)
        [key] = phone.one_time_keys["curve25519"].values()
        phone.mark_keys_as_published()
        made.append(olm.create_session(key, phone.identity_keys["curve25519"]).id)
    often, once = (phone.identity_keys["curve25519"] for phone in phones)
    first = next(one for one in olm.session_store[often] if one.id == made[0])
    first.encrypt("x")
    olm.save_session(often, first)
    await session.close()
    # The one that was used last comes first: with it the next message is encrypted.
    assert sorted(sessions()) == sorted([(often, made[0]), (once, made[1]), (often, made[2])])
    assert session.client.olm.session_store.get(often).id == made[0]
    clock.now += timedelta(days=7)
    upkeep.forget_sessions(session.client)
    assert len([*session.client.olm.session_store]) == 3
    olm = session.client.olm
    olm.save_session(often, olm.session_store.get(often))
    clock.now += timedelta(minutes=2)
    for _ in range(2):
        upkeep.forget_sessions(session.client)
        assert [one.id for one in session.client.olm.session_store] == [made[0]]
        assert list(session.client.olm.session_store.items()) == [(often, [session.client.olm.session_store.get(often)])]
        await session.close()
        assert sessions() == [(often, made[0])]
    await session.close()
    assert _rows(tmp_path, "olm") == 1


def _rows(folder: Path, table: str) -> int:
    [file] = folder.glob("*.db")
    connection = sqlite3.connect(file)
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        connection.close()


async def test_after_the_end_nothing_is_begun() -> None:
    inbox, done = Inbox(lambda chat: 0.0, lambda: 0.0), []

    async def work() -> None:
        done.append("begun")

    events = Events(None, None, inbox, None, None, None, 0)  # type: ignore[arg-type]
    events.end()
    events.put("!room", "$late", work)
    assert await inbox.drain(1.0) is None
    assert not done
