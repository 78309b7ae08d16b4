"""The homeserver fails, hangs, throttles, forgets the token: each question has one answer in the end."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.app import App
from bot.keys import Keys
from bot.running import running
from bot.store.lease import Leased
from bot.transports import TransportEnded
from bot.transports.matrix import upkeep
from tests.live import QUESTION, app_on_matrix, live
from tests.matrix import Fault, Homeserver, Person, Proxy
from tests.matrix_runs import SEND, Account, ask, meet, said_by, until


class Counting(Proxy):
    """Counts the connections that it refuses while down, and the queries for keys of somebody whose homeserver is away."""

    refused = hung = 0
    away = ""

    def _connection(self) -> asyncio.Protocol:
        self.refused += self.down
        return super()._connection()

    async def _pass(self, request: Any, body: bytes) -> Any:
        if self.away and request.path.endswith("/keys/query") and self.away.encode() in body:
            self.hung += 1
            await asyncio.get_running_loop().create_future()
        return await super()._pass(request, body)

    def calls(self, method: str, path: str, status: int | None = None) -> list[float]:
        """When requests passed."""
        fit = [one for one in self.requests if one.method == method and re.search(path, one.path)]
        return [one.time for one in fit if status in (None, one.status)]


@pytest.fixture
async def proxy(hs: Homeserver) -> AsyncIterator[Counting]:
    async with Counting(hs.url) as proxy:
        yield proxy


@pytest.fixture
async def here(bot: Account, app: App, proxy: Counting) -> AsyncIterator[str]:
    """The bot behind the proxy; its user id."""
    async with bot.here(app, proxy.url):
        yield bot.user


@pytest.mark.parametrize("kinds", [("reset",), pytest.param(("reset", "502", "html", "hang"), marks=pytest.mark.promises)])
async def test_a_send_that_was_accepted_and_looks_failed_is_one_event(
    anna: Person, ben: Person, here: str, proxy: Counting, kinds: tuple[str, ...]
) -> None:
    rooms = {}
    for kind, (person, encrypted) in itertools.product(kinds, ((anna, True), (ben, False))):
        room = await meet(person, here, encrypted)
        rooms[room] = person
        await ask(person, room)
        # Twice, as aiohttp repeats a PUT once by itself.
        proxy.faults.append(Fault("PUT", re.escape(room) + SEND, after=kind, times=2 if kind == "reset" else 1))
    for room, person in rooms.items():
        await person.say(room, QUESTION)
    for room in rooms:
        await until(lambda room=room: len(proxy.calls("PUT", re.escape(room) + SEND, 200)) >= 2, "the repeat")
    assert [fault.struck for fault in proxy.faults] == [2, 2, 1, 1, 1, 1, 1, 1][: 2 * len(kinds)]
    for room, person in rooms.items():
        assert len(await said_by(person, room, here)) == 2


async def test_a_429_is_waited_for_and_the_answer_comes_afterwards(anna: Person, here: str, proxy: Counting) -> None:
    room = await meet(anna, here)
    proxy.faults.append(Fault("PUT", SEND, before="429", retry_after_ms=1500))
    await ask(anna, room)
    await until(lambda: bool(proxy.calls("PUT", SEND, 200)), "the end of the send")
    [refused] = proxy.calls("PUT", SEND, 429)
    [accepted] = proxy.calls("PUT", SEND, 200)
    assert accepted - refused >= 1.5
    assert len(await said_by(anna, room, here)) == 1


@pytest.mark.promises
async def test_a_homeserver_that_is_away_is_not_hammered_and_answers_come_soon_after_it(
    anna: Person, ben: Person, here: str, proxy: Counting
) -> None:
    rooms = [await meet(anna, here), await meet(ben, here)]
    await ask(anna, rooms[0])
    began, proxy.down = time.monotonic(), True
    await anna.say(rooms[0], QUESTION)
    await asyncio.sleep(8)
    assert proxy.refused < time.monotonic() - began
    await ben.say(rooms[1], QUESTION)
    back, proxy.down = time.monotonic(), False
    await ben.wait_message(rooms[1])
    assert time.monotonic() - back < 5
    await anna.wait_message(rooms[0], 2)


async def test_an_answer_that_waits_goes_out_once_the_homeserver_is_back_though_nobody_says_anything(
    bot: Account, anna: Person, app: App, proxy: Counting
) -> None:
    async with bot.here(app, proxy.url) as service:
        room = await meet(anna, bot.user)
        await ask(anna, room)
        send = Fault("PUT", SEND, before="502", times=None)
        proxy.faults.append(send)
        await anna.say(room, QUESTION)
        await until(lambda: send.struck > 0, "an answer that does not get through")
        proxy.down = True
        await until(lambda: service.transports[0]._connection._reach.away, "a sync that does not come back")
        send.times, proxy.down = 0, False
        await anna.wait_message(room, 2, timeout=15)  # A sync without news takes longer.


@pytest.mark.parametrize("kind", ["401", "401-soft"])
async def test_a_revoked_token_is_replaced_and_the_device_stays(
    bot: Account, anna: Person, here: str, proxy: Counting, kind: str
) -> None:
    room = await meet(anna, here)
    await ask(anna, room)
    devices = bot.devices()
    proxy.faults += [Fault("GET", "/sync$", before=kind), Fault("GET", "/account/whoami$", before=kind)]
    await ask(anna, room, 2)
    await until(lambda: len(proxy.calls("POST", "/login$", 200)) == 2, "a second login")
    await ask(anna, room, 3)
    assert bot.devices() == devices
    assert len(await said_by(anna, room, here)) == 3


async def test_a_wrong_password_ends_the_bot_and_names_the_setting(bot: Account, app: App) -> None:
    async with live(app_on_matrix(app, bot.hs.url, bot.user, "wrong", bot.state)) as service:
        await until(lambda: bool(service.ended), "the bot's end")
        assert isinstance(service.ended[0], TransportEnded)
        assert "RUECKSPIEGEL_MATRIX_PASSWORD" in str(service.ended[0])


EXCHANGES = [
    pytest.param(path, kind, marks=[pytest.mark.promises] if path in ("/keys/query", "/joined_members") else [])
    for path, kind in itertools.product(("/keys/query", "/joined_members", "/keys/claim", "/sendToDevice/"), ("reset", "502"))
]


@pytest.mark.parametrize(("path", "kind"), EXCHANGES)
async def test_a_failed_key_exchange_costs_nobody_an_answer(
    anna: Person, ben: Person, here: str, proxy: Counting, path: str, kind: str
) -> None:
    room = await anna.room("Depot 7", [here, ben.user_id])
    await ben.accept(room)
    await anna.wait_member(room, here)
    proxy.faults.append(Fault("*", path, before=kind, times=2 if kind == "reset" else 1))
    for number in (1, 2):
        await anna.say(room, QUESTION, mentions=[here])
        for person in (anna, ben):
            await person.wait_message(room, number, sender=here)


async def test_a_query_for_keys_that_hangs_holds_up_nobody_else(
    bot: Account, anna: Person, ben: Person, app: App, proxy: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "CARE_SECONDS", 0.5)
    async with bot.here(app, proxy.url) as service:
        room = await meet(ben, bot.user)
        await ask(ben, room)
        proxy.away = anna.user_id
        await meet(anna, bot.user)
        await until(lambda: proxy.hung > 0, "a query for her keys")
        # So that keys must be shared before he is answered.
        service.transports[0]._session.client.invalidate_outbound_session(room)
        await ask(ben, room, 2)


async def test_a_second_process_of_the_same_account_is_refused(bot: Account, app: App) -> None:
    async with bot.here(app):
        with pytest.raises(Leased):
            async with running(app_on_matrix(app, bot.hs.url, bot.user, bot.password, bot.state), Keys(b"k" * 32)):
                raise AssertionError("two at once")
