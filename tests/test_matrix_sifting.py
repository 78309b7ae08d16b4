"""Odd keys that somebody publishes cost that device its messages, and nobody else anything."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nio import KeysClaimResponse, KeysQueryResponse

from bot.keys import Keys
from bot.transports.matrix.client import Client
from bot.transports.matrix.session import Credentials, Session
from tests.live import QUESTION
from tests.matrix import Homeserver, Person
from tests.matrix.content import message
from tests.matrix.crafted import send_raw
from tests.matrix.device import JSON, Device
from tests.test_matrix_rooms import meet

ANNA, BEN = "@anna:example.org", "@ben:example.org"
ZERO = "A" * 43
"""A point with which every exchange has the same result."""


async def _client(folder: Path) -> tuple[Session, Client]:
    session = Session(
        Credentials("http://127.0.0.1:9", "@bot:example.org", ""), folder, Keys(b"k" * 32), lambda: datetime.now(UTC)
    )
    session.client = session._client()
    session.client.restore_login("@bot:example.org", session.account.device, "token")
    return session, session.client


class Said:
    """What a homeserver answered, as the HTTP library hands it over."""

    status = 200

    def __init__(self, body: JSON) -> None:
        self._body = body

    async def text(self) -> str:
        return json.dumps(self._body)


async def _take(client: Client, response_class: type, body: JSON) -> Any:
    response = await client.create_matrix_response(response_class, Said(body))
    client.olm.handle_response(response)
    return response


def _with(part: str, value: Any) -> Callable[[JSON], JSON]:
    return lambda keys: {**keys, part: value}


def _without(part: str) -> Callable[[JSON], JSON]:
    return lambda keys: {name: value for name, value in keys.items() if name != part}


def _key(kind: str, value: Any) -> Callable[[JSON], JSON]:
    return lambda keys: {**keys, "keys": {**keys["keys"], f"{kind}:BB": value}}


ODD_DEVICES: dict[str, Callable[[JSON], Any]] = {
    "a signing key that is too short": _key("ed25519", "AAAA"),
    "a signing key that is no text": _key("ed25519", 5),
    "a key that is no text": _key("curve25519", None),
    "no user": _without("user_id"),
    "no algorithms": _without("algorithms"),
    "no signatures": _with("signatures", 5),
    "signatures of nobody": _with("signatures", {BEN: 5}),
    "unsigned null": _with("unsigned", None),
    "unsigned list": _with("unsigned", []),
    "half a letter": _with("x", "\ud800"),
    "no object": lambda keys: 5,
}


@pytest.mark.parametrize("odd", ODD_DEVICES.values(), ids=ODD_DEVICES)
async def test_an_odd_device_hides_no_other(tmp_path: Path, odd: Callable[[JSON], Any]) -> None:
    session, client = await _client(tmp_path)
    anna, ben, other = Device(ANNA, "AA"), Device(BEN, "BB"), Device(BEN, "B2")
    client.olm.users_for_key_query = {ANNA, BEN}
    found = {BEN: {"BB": odd(ben.keys()), "B2": other.keys()}, ANNA: {"AA": anna.keys()}, "@odd:example.org": 5}
    response = await _take(client, KeysQueryResponse, {"device_keys": found, "failures": {}})
    assert isinstance(response, KeysQueryResponse)
    known = {device.id for user in (ANNA, BEN) for device in client.device_store.active_user_devices(user)}
    assert known == {"AA", "B2"}
    assert not client.should_query_keys
    await session.close()


ODD_KEYS: dict[str, Callable[[Device], Any]] = {
    "too short": lambda ben: {"signed_curve25519:A": ben.sign({"key": "AAAA"})},
    "a point of no order": lambda ben: {"signed_curve25519:A": ben.sign({"key": ZERO})},
    "without the key": lambda ben: {"signed_curve25519:A": ben.sign({"k": "AAAA"})},
    "a text": lambda ben: {"signed_curve25519:A": "AAAA"},
    "none": lambda ben: {},
    "no object": lambda ben: 5,
}


@pytest.mark.parametrize("odd", ODD_KEYS.values(), ids=ODD_KEYS)
async def test_an_odd_one_time_key_counts_as_none(tmp_path: Path, odd: Callable[[Device], Any]) -> None:
    session, client = await _client(tmp_path)
    anna, ben = Device(ANNA, "AA"), Device(BEN, "BB")
    devices = {BEN: {"BB": ben.keys()}, ANNA: {"AA": anna.keys()}}
    await _take(client, KeysQueryResponse, {"device_keys": devices, "failures": {}})
    anna.account.generate_one_time_keys(1)
    [key] = anna.account.one_time_keys["curve25519"].values()
    keys = {BEN: {"BB": odd(ben)}, ANNA: {"AA": {"signed_curve25519:A": anna.sign({"key": key})}}}
    response = await _take(client, KeysClaimResponse, {"one_time_keys": keys, "failures": {}})
    assert isinstance(response, KeysClaimResponse)
    with_whom = [curve_key for curve_key, _ in client.olm.session_store.items()]
    assert with_whom == [anna.account.identity_keys["curve25519"]]
    await session.close()


async def test_a_device_that_an_overtaken_answer_lacked_is_there_again(tmp_path: Path) -> None:
    session, client = await _client(tmp_path)
    anna = Device(ANNA, "AA")
    for devices, known in (({"AA": anna.keys()}, ["AA"]), ({}, []), ({"AA": anna.keys()}, ["AA"])):
        await _take(client, KeysQueryResponse, {"device_keys": {ANNA: devices}, "failures": {}})
        assert [device.id for device in client.device_store.active_user_devices(ANNA)] == known
    await session.close()


@pytest.mark.parametrize("text", ["", "<html>", "{}", "[]", '{"errcode": "M_UNKNOWN", "error": "x"}'])
async def test_what_tells_nothing_of_keys_is_an_error(tmp_path: Path, text: str) -> None:
    session, client = await _client(tmp_path)

    async def said() -> str:
        return text

    for response_class in (KeysQueryResponse, KeysClaimResponse):
        response = await client.create_matrix_response(response_class, SimpleNamespace(text=said))
        assert not isinstance(response, response_class)
    await session.close()


async def _hostile(hs: Homeserver, change: Callable[[JSON], JSON], key: Callable[[Device], Any]) -> tuple[str, str, Device]:
    """Somebody without a client: user id and token, and the device that was published. A fallback key is given to all."""
    user, password = await hs.new_user("mallory")
    token = await hs.login(user, password, "BB")
    device = Device(user, "BB")
    body = {"device_keys": change(device.keys()), "fallback_keys": key(device)}
    status, answer = await hs.request("POST", "/_matrix/client/v3/keys/upload", token, body)
    assert status == 200, answer
    return user, token, device


def _as_it_is(keys: JSON) -> JSON:
    return copy.deepcopy(keys)


async def test_a_stranger_with_odd_device_keys_silences_nobody(
    hs: Homeserver, anna: Person, matrix_bot: str, caplog: pytest.LogCaptureFixture
) -> None:
    _, token, _ = await _hostile(hs, _key("ed25519", "AAAA"), ODD_KEYS["a point of no order"])
    state = [{"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}]
    body = {"invite": [matrix_bot], "preset": "private_chat", "is_direct": True, "initial_state": state}
    status, made = await hs.request("POST", "/_matrix/client/v3/createRoom", token, body)
    assert status == 200
    path = f"/_matrix/client/v3/rooms/{made['room_id']}/joined_members"
    while matrix_bot not in (await hs.request("GET", path, token))[1]["joined"]:
        pass
    room = await meet(anna, matrix_bot)
    await anna.say(room, QUESTION)
    await anna.wait_message(room, timeout=20)
    assert "transport-failed" not in caplog.text


@pytest.mark.parametrize("key", [ODD_KEYS["too short"], pytest.param(ODD_KEYS["a text"], marks=pytest.mark.promises)])
async def test_a_member_with_an_odd_one_time_key_silences_no_room(
    hs: Homeserver, anna: Person, matrix_bot: str, key: Callable[[Device], Any]
) -> None:
    user, token, _ = await _hostile(hs, _as_it_is, key)
    room = await anna.room("Hall", [matrix_bot, user])
    status, _ = await hs.request("POST", f"/_matrix/client/v3/join/{room}", token, {})
    assert status == 200
    await anna.wait_member(room, matrix_bot)
    await anna.wait_member(room, user)
    # In clear, since her own client stumbles over that key as well.
    await send_raw(anna, room, "m.room.message", message(QUESTION, mentions=[matrix_bot]))
    await anna.wait_message(room, sender=matrix_bot, timeout=20)
