"""The Matrix that the tests use does what the real one does: homeserver, people and proxy, without the bot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio

from tests.matrix import Fault, Homeserver, Person, Proxy
from tests.matrix.calls import MatrixError, call

VERSIONS = "/_matrix/client/versions"
SEND = r"/send/m\.room\.(message|encrypted)/"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Homeserver]:
    async with Homeserver.start(tmp_path_factory.mktemp("synapse")) as homeserver:
        yield homeserver


@pytest.fixture
async def anna(hs: Homeserver, tmp_path: Path) -> AsyncIterator[Person]:
    person = await Person.join(hs, "Anna", tmp_path / "anna")
    yield person
    await person.close()


@pytest.fixture
async def bert(hs: Homeserver, tmp_path: Path) -> AsyncIterator[Person]:
    person = await Person.join(hs, "Bert", tmp_path / "bert")
    yield person
    await person.close()


@pytest.fixture
async def proxy(hs: Homeserver) -> AsyncIterator[Proxy]:
    async with Proxy(hs.url) as proxy:
        yield proxy


async def meet(anna: Person, bert: Person, encrypted: bool = True) -> str:
    room = await anna.direct(bert.user_id, encrypted)
    await bert.accept(room)
    await anna.wait_member(room, bert.user_id)
    return room


async def test_accounts_start_without_devices_and_show_their_keys(hs: Homeserver, anna: Person) -> None:
    user, password = await hs.new_user("Clara")
    assert (await hs.keys(user))["device_keys"] == {user: {}}
    token = await hs.login(user, password, "CHOSEN")
    _, devices = await hs.request("GET", "/_matrix/client/v3/devices", token)
    assert [device["device_id"] for device in devices["devices"]] == ["CHOSEN"]
    assert list((await hs.keys(anna.user_id))["device_keys"][anna.user_id]) == [anna.device_id]
    assert hs.database.exists()


@pytest.mark.parametrize("encrypted", [True, False])
async def test_two_people_talk(anna: Person, bert: Person, encrypted: bool) -> None:
    room = await meet(anna, bert, encrypted)
    question = await anna.say(room, "hello", mentions=[bert.user_id], html="<b>hello</b>")
    [seen] = await bert.wait_message(room)
    assert (seen.event_id, seen.sender, seen.body) == (question, anna.user_id, "hello")
    assert (seen.html, seen.mentions, seen.encrypted) == ("<b>hello</b>", [bert.user_id], encrypted)
    await bert.say(room, "in the thread", thread=question, msgtype="m.notice")
    [seen] = await anna.wait_message(room)
    assert (seen.msgtype, seen.mentions) == ("m.notice", None)
    fallback = {"is_falling_back": True, "m.in_reply_to": {"event_id": question}}
    assert seen.relates_to == {"rel_type": "m.thread", "event_id": question, **fallback}
    await bert.say(room, "a reply", reply_to=question, sources=["one"])
    seen = (await anna.wait_message(room, 2))[-1]
    assert seen.relates_to == {"m.in_reply_to": {"event_id": question}}
    assert seen.content["sources"] == ["one"]
    assert bert.unreadable(room) == []


@pytest.mark.parametrize("encrypted", [True, False])
async def test_edits_and_redactions(anna: Person, bert: Person, encrypted: bool) -> None:
    room = await meet(anna, bert, encrypted)
    first = await anna.say(room, "helo")
    edit = await anna.say(room, "hello", edits=first)
    seen = (await bert.wait_message(room, 2))[-1]
    assert (seen.event_id, seen.body) == (edit, "* hello")
    assert seen.relates_to == {"rel_type": "m.replace", "event_id": first}
    assert seen.content["m.new_content"]["body"] == "hello"
    await anna.redact(room, first)
    await bert.wait_redacted(room, first)
    assert bert.redacted(room) == {first}


async def test_many_messages_arrive_once_and_in_order(anna: Person, bert: Person) -> None:
    room = await meet(anna, bert)
    for number in range(25):
        await anna.say(room, str(number))
    assert [seen.body for seen in await bert.wait_message(room, 25)] == [str(number) for number in range(25)]
    sent = await asyncio.gather(*(bert.say(room, f"at once {number}") for number in range(5)))
    assert {seen.event_id for seen in await anna.wait_message(room, 5)} == set(sent)


async def test_a_group_has_powers_and_people_go(anna: Person, bert: Person) -> None:
    room = await anna.room("Works council", [bert.user_id], power={bert.user_id: 50, "redact": 100}, history="joined")
    await bert.accept(room)
    assert await anna.members(room) == {anna.user_id, bert.user_id}
    assert bert.client.nio.rooms[room].power_levels.get_user_level(bert.user_id) == 50
    await anna.set_power(room, bert.user_id, -1)
    with pytest.raises(MatrixError, match="M_FORBIDDEN"):
        await bert.say(room, "muted")
    await anna.kick(room, bert.user_id)
    await anna.wait_member(room, bert.user_id, joined=False)
    await anna.invite(room, bert.user_id)
    await bert.accept(room)
    await anna.ban(room, bert.user_id)
    with pytest.raises(MatrixError, match="403 M_BAD_STATE"):
        await bert.enter(room)
    new = await anna.upgrade(room)
    assert await anna.members(new) == {anna.user_id}
    await anna.leave(new)


async def test_a_device_reads_from_its_login_on(hs: Homeserver, anna: Person, bert: Person, tmp_path: Path) -> None:
    room = await meet(anna, bert)
    early = await anna.say(room, "early")
    second = await Person.log_in(hs.url, bert.user_id, bert.password, tmp_path / "second")
    await anna.say(room, "late")
    assert [seen.body for seen in await second.wait_message(room)] == ["late"]
    assert second.unreadable(room) == [early]
    await second.close()


async def test_talk_goes_on_after_restart_and_kill(hs: Homeserver, anna: Person, bert: Person) -> None:
    room = await meet(anna, bert)
    await anna.say(room, "before")
    await hs.restart()
    await anna.say(room, "after")
    await hs.kill()
    with pytest.raises(aiohttp.ClientError):
        await anna.say(room, "into the void")
    await hs.run()
    await bert.say(room, "again")
    assert [seen.body for seen in await bert.wait_message(room, 2)] == ["before", "after"]
    assert [seen.body for seen in await anna.wait_message(room)] == ["again"]


async def test_defaults_limit_an_account(tmp_path: Path) -> None:
    async with Homeserver.start(tmp_path, limits=False) as hs:
        token = await hs.login(*await hs.new_user("Anna"))
        _, room = await hs.request("POST", "/_matrix/client/v3/createRoom", token, {})
        path = f"/_matrix/client/v3/rooms/{quote(room['room_id'])}/send/m.room.message/"
        answers = [await hs.request("PUT", f"{path}{n}", token, {"msgtype": "m.text", "body": "x"}) for n in range(12)]
        assert [status for status, _ in answers].count(429) >= 1
        assert answers[-1][1]["retry_after_ms"] > 0


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        (Fault("GET", "versions", before="502"), 502, "502 Bad Gateway"),
        (Fault("GET", "versions", before="html"), 200, "Welcome!"),
        (Fault("GET", "versions", before="429", retry_after_ms=1500), 429, '"retry_after_ms": 1500'),
        (Fault("*", "versions", before="401"), 401, '"soft_logout": false'),
        (Fault("*", "versions", before="401-soft"), 401, '"soft_logout": true'),
        (Fault("*", "versions", after="502"), 502, "502 Bad Gateway"),
    ],
)
async def test_made_up_answers(proxy: Proxy, fault: Fault, status: int, text: str) -> None:
    proxy.faults.append(fault)
    async with aiohttp.ClientSession() as session:
        async with session.get(proxy.url + VERSIONS) as response:
            assert (response.status, text in await response.text()) == (status, True)
        async with session.get(proxy.url + VERSIONS) as response:
            assert "versions" in await response.json()
    assert [(method, path, status) for _, method, path, status in proxy.requests] == [
        ("GET", VERSIONS, status),
        ("GET", VERSIONS, 200),
    ]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_resets_and_hangs(proxy: Proxy, when: str) -> None:
    # Twice, because aiohttp silently tries a GET or PUT once more when its connection breaks.
    proxy.faults += [Fault("GET", "versions", **{when: "reset"}, times=2), Fault("GET", "versions", **{when: "hang"})]
    with pytest.raises(aiohttp.ClientError):
        await call(proxy.url, "GET", VERSIONS)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(call(proxy.url, "GET", VERSIONS), 0.3)
    assert (await call(proxy.url, "GET", VERSIONS))[0] == 200
    assert [fault.struck for fault in proxy.faults] == [2, 1]
    assert [passed.status for passed in proxy.requests] == [0, 0, 0, 200]


async def test_faults_skip_repeat_and_throw_dice(proxy: Proxy) -> None:
    proxy.faults.append(Fault("GET", "versions", before="502", skip=1, times=2))
    assert [(await call_status(proxy)) for _ in range(5)] == [200, 502, 502, 200, 200]
    proxy.faults[:] = [Fault("GET", "versions", before="502", times=None, chance=0.5)]
    statuses = [await call_status(proxy) for _ in range(40)]
    assert 5 < statuses.count(502) < 35


async def call_status(proxy: Proxy) -> int:
    async with aiohttp.ClientSession() as session, session.get(proxy.url + VERSIONS) as response:
        return response.status


async def test_a_deed_is_done_between_acceptance_and_answer(hs: Homeserver, proxy: Proxy, anna: Person, tmp_path: Path) -> None:
    carl = await Person.join(hs, "Carl", tmp_path / "carl", url=proxy.url)
    room = await meet(anna, carl)
    accepted: list[str] = []

    async def deed() -> None:
        accepted.extend(seen.body for seen in await anna.wait_message(room))

    proxy.faults.append(Fault("PUT", SEND, after=deed))
    await carl.say(room, "accepted before it was answered")
    assert accepted == ["accepted before it was answered"]
    await carl.close()


async def test_a_deed_may_kill_the_client(proxy: Proxy) -> None:
    done: list[str] = []

    async def deed() -> None:
        request.cancel()
        await asyncio.sleep(0.1)
        done.append("to the end")

    proxy.faults.append(Fault("GET", "versions", after=deed))
    request = asyncio.create_task(call(proxy.url, "GET", VERSIONS))
    with pytest.raises(asyncio.CancelledError):
        await request
    await asyncio.sleep(0.2)
    assert done == ["to the end"]
    assert [passed.status for passed in proxy.requests] == [0]


async def test_an_answer_lost_twice_is_one_message(hs: Homeserver, proxy: Proxy, anna: Person, tmp_path: Path) -> None:
    carl = await Person.join(hs, "Carl", tmp_path / "carl", url=proxy.url)
    room = await meet(anna, carl)
    proxy.faults.append(Fault("PUT", SEND, after="reset", times=2))
    content = {"msgtype": "m.text", "body": "once"}
    with pytest.raises(aiohttp.ClientError):
        await carl.client.send(room, "m.room.message", content, tx_id="same")
    await carl.client.send(room, "m.room.message", content, tx_id="same")
    await carl.say(room, "last")
    assert [seen.body for seen in await anna.wait_message(room, 2)] == ["once", "last"]
    await carl.close()


async def test_down_resets_at_once_and_comes_back(hs: Homeserver, proxy: Proxy, anna: Person, tmp_path: Path) -> None:
    carl = await Person.join(hs, "Carl", tmp_path / "carl", url=proxy.url)
    room = await meet(anna, carl)
    proxy.down = True
    started = time.monotonic()
    with pytest.raises(aiohttp.ClientError):
        await call(proxy.url, "GET", VERSIONS)
    assert time.monotonic() - started < 0.2
    await anna.say(room, "are you there?")
    proxy.down = False
    assert [seen.body for seen in await carl.wait_message(room)] == ["are you there?"]
    await carl.close()


async def test_a_homeserver_that_is_away_is_a_502(proxy: Proxy, hs: Homeserver) -> None:
    async with Proxy("http://127.0.0.1:1") as nowhere:
        assert await call_status(nowhere) == 502


async def test_stopping_the_proxy_is_immediate(hs: Homeserver, tmp_path: Path) -> None:
    async with Proxy(hs.url) as proxy:
        carl = await Person.join(hs, "Carl", tmp_path / "carl", url=proxy.url)
        await asyncio.sleep(0.2)  # a long poll is under way
        started = time.monotonic()
    assert time.monotonic() - started < 0.2
    await carl.close()
