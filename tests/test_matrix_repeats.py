"""What goes wrong between a sync and its answers is repeated, and nothing is done twice."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.app import App
from bot.desk import Desk
from bot.messages import Address, Message, Reply, reply
from bot.router import Router
from bot.transports.matrix import late, rounds
from bot.transports.matrix.transport import Matrix
from tests.live import QUESTION
from tests.matrix import Fault, Homeserver, Person, Proxy
from tests.matrix.content import message
from tests.matrix.crafted import send_raw, withhold
from tests.matrix_runs import SEND, Account, ask, meet, said_by, until

REDACT = "/redact/"


class Bent(Proxy):
    """A homeserver that bends some of its answers."""

    refuses_past = False
    invites_oddly = False

    async def _pass(self, request: Any, body: bytes) -> Any:
        if self.refuses_past and request.path.endswith("/messages"):
            return web.json_response({"errcode": "M_FORBIDDEN", "error": "no"}, status=403)
        response = await super()._pass(request, body)
        if self.invites_oddly and request.path.endswith("/sync") and response.status == 200:
            found = json.loads(response.body)
            odd = {"type": "m.room.name", "sender": "@x:y", "state_key": "", "content": {"name": "x"}, "unsigned": 5}
            found.setdefault("rooms", {}).setdefault("invite", {})["!odd"] = {"invite_state": {"events": [odd]}}
            response.body = json.dumps(found).encode()
        return response


@pytest.fixture
async def proxy(hs: Homeserver) -> AsyncIterator[Bent]:
    async with Bent(hs.url) as proxy:
        yield proxy


@pytest.fixture
async def here(bot: Account, app: App, proxy: Bent) -> AsyncIterator[Matrix]:
    """The bot behind the proxy."""
    async with bot.here(app, proxy.url) as service:
        matrix = service.transports[0]
        assert isinstance(matrix, Matrix)
        yield matrix


async def test_a_token_that_is_gone_in_the_middle_of_an_answer_costs_nothing(
    bot: Account, anna: Person, here: Matrix, proxy: Bent
) -> None:
    room = await meet(anna, bot.user)
    await ask(anna, room)
    proxy.faults.append(Fault("PUT", SEND, before="401"))
    await ask(anna, room, 2)
    assert proxy.faults[0].struck == 1
    assert len(await said_by(anna, room, bot.user)) == 2


@pytest.mark.parametrize("kind", ["401", "429", "502"])
async def test_a_redaction_that_fails_is_repeated(bot: Account, anna: Person, here: Matrix, proxy: Bent, kind: str) -> None:
    room = await meet(anna, bot.user)
    asked = await anna.say(room, QUESTION)
    answer = (await anna.wait_message(room))[0]
    proxy.faults.append(Fault("PUT", REDACT + ".*/[0-9a-f]{32}$", before=kind, retry_after_ms=300))
    await anna.redact(room, asked)
    await anna.wait_redacted(room, answer.event_id)
    assert proxy.faults[0].struck == 1


async def test_clean_waits_out_a_limit(bot: Account, anna: Person, here: Matrix, proxy: Bent) -> None:
    room = await meet(anna, bot.user)
    await ask(anna, room)
    proxy.faults.append(Fault("PUT", REDACT, before="429", retry_after_ms=300))
    assert "1" in await ask(anna, room, 2, "!clean")
    await anna.wait_redacted(room, anna.seen(room)[0].event_id)


async def test_what_is_said_to_a_room_at_once_undoes_nothing(bot: Account, anna: Person, here: Matrix, proxy: Bent) -> None:
    room = await meet(anna, bot.user)
    proxy.faults += [Fault("PUT", "/sendToDevice/", before="502"), Fault("POST", "/keys/claim", before="502")]

    async def post(number: int) -> None:
        await until(lambda: _posted(here, room, number), "the part of a digest")

    await asyncio.gather(ask(anna, room, 4), *(post(number) for number in range(3)))
    await anna.wait_message(room, 4)
    assert anna.unreadable(room) == []


async def _posted(matrix: Matrix, room: str, number: int) -> bool:
    outcome = await matrix.post(Address("matrix", room), reply(f"part {number}"), f"key {number}")
    return type(outcome).__name__ == "Sent"


async def test_a_sync_that_is_taken_twice_does_nothing_twice(
    bot: Account, anna: Person, app: App, proxy: Bent, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    again = asyncio.Event()
    extra = Router()

    @extra.command("count")
    async def count(asked: Message, desk: Desk) -> Reply:
        counted.append(asked.id)
        await again.wait()
        return reply("counted")

    from handlers import router

    monkeypatch.setattr("bot.running.router", Router(router, extra))
    async with bot.here(app, proxy.url):
        rooms = [await meet(anna, bot.user, encrypted=False) for _ in range(4)]
    ids = [await anna.say(room, "!count") for room in rooms]
    for start in range(0, 110, 10):
        texts = (message("!help") for _ in range(start, start + 10))
        await asyncio.gather(*(send_raw(anna, rooms[0], "m.room.message", text) for text in texts))
    proxy.faults.append(Fault("GET", "/messages$", before="502"))
    async with bot.here(app, proxy.url):
        past = [one for one in proxy.requests if one.path.endswith("/messages")]
        await until(lambda: sum(one.path.endswith("/messages") for one in proxy.requests) >= len(past) + 2, "the repeat")
        await until(lambda: set(counted) == set(ids), "all commands")
        again.set()
        await until(lambda: all(anna.seen(room) for room in rooms), "the answers")
    assert sorted(counted) == sorted(ids)


async def _away_while_110_are_said(bot: Account, anna: Person, app: App, proxy: Bent) -> str:
    async with bot.here(app, proxy.url):
        room = await meet(anna, bot.user, encrypted=False)
        other = await meet(anna, bot.user)
        await ask(anna, other)
    await anna.say(room, QUESTION)
    for _ in range(11):
        await asyncio.gather(*(send_raw(anna, room, "m.room.message", message("x", msgtype="m.notice")) for _ in range(10)))
    return room


@pytest.mark.promises
async def test_a_limit_on_the_past_is_waited_for(
    bot: Account, anna: Person, app: App, proxy: Bent, caplog: pytest.LogCaptureFixture
) -> None:
    room = await _away_while_110_are_said(bot, anna, app, proxy)
    proxy.faults.append(Fault("GET", "/messages$", before="429", retry_after_ms=700, times=2))
    async with bot.here(app, proxy.url):
        await anna.wait_message(room)
    calls = [one for one in proxy.requests if one.path.endswith("/messages") and one.status in (200, 429)]
    assert [one.status for one in calls[:3]] == [429, 429, 200]
    assert all(later.time - sooner.time >= 0.7 for sooner, later in itertools.pairwise(calls[:3]))
    assert "gap-left" not in caplog.text


@pytest.mark.promises
async def test_a_past_that_is_refused_is_said_in_the_log(
    bot: Account, anna: Person, app: App, proxy: Bent, caplog: pytest.LogCaptureFixture
) -> None:
    room = await _away_while_110_are_said(bot, anna, app, proxy)
    proxy.refuses_past = True
    async with bot.here(app, proxy.url):
        await ask(anna, room)
    assert "gap-left" in [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]


async def test_an_invitation_that_no_parser_bears_stops_nobody(
    bot: Account, anna: Person, here: Matrix, proxy: Bent, caplog: pytest.LogCaptureFixture
) -> None:
    room = await meet(anna, bot.user)
    proxy.invites_oddly = True
    await ask(anna, room)
    await ask(anna, room, 2)
    assert "update-set-aside" in caplog.text


async def test_a_key_that_comes_with_a_sync_that_fails_is_used_all_the_same(
    bot: Account, hs: Homeserver, anna: Person, ben: Person, here: Matrix, proxy: Bent, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(late, "KEY_SECONDS", 0.5)
    room = await meet(anna, bot.user)
    await ask(anna, room)
    hand_over = await withhold(anna, room, bot.user, QUESTION)
    await anna.wait_message(room, 2)  # that it could not be read
    proxy.down = True
    second = await Person.log_in(hs.url, anna.user_id, anna.password, tmp_path / "second")  # whose keys are to be asked for
    await second.close()
    await hand_over()
    proxy.faults.append(Fault("POST", "/keys/query", before="reset", times=2))
    proxy.down = False
    assert "Netradyne" in (await anna.wait_message(room, 3))[-1].body
    assert proxy.faults[0].struck == 2


async def test_a_program_that_answers_every_answer_is_left_alone_and_others_are_not(
    bot: Account, anna: Person, ben: Person, here: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "MOST_ROUNDS", 3)
    room, other = await meet(anna, bot.user), await meet(ben, bot.user)
    for number in range(1, 5):
        await ask(anna, room, number)
    await anna.say(room, QUESTION)
    await ask(ben, other)
    await ask(ben, other, 2)
    assert len(await said_by(anna, room, bot.user)) == 4
