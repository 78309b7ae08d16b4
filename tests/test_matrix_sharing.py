"""Who comes, or could not be given a key, while we speak: everybody there reads it, and nobody is overlooked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.app import App
from bot.messages import Address, reply
from bot.transports.matrix.client import Client
from tests.live import QUESTION
from tests.matrix import Fault, Homeserver, Person, Proxy
from tests.matrix_runs import Account, until
from tests.test_matrix_rooms import is_quiet


class Failing(Proxy):
    """A homeserver to which another one, for a while, gives no one-time keys."""

    gives = True

    async def _pass(self, request: Any, body: bytes) -> Any:
        response = await super()._pass(request, body)
        if not self.gives and request.path.endswith("/keys/claim"):
            response.body = json.dumps({"one_time_keys": {}, "failures": {"remote.example": {"status": 503}}}).encode()
        return response

    def shares(self) -> int:
        """How often a key was handed over."""
        return sum("/sendToDevice/" in one.path for one in self.requests)


@pytest.fixture
async def proxy(hs: Homeserver) -> AsyncIterator[Failing]:
    async with Failing(hs.url) as proxy:
        yield proxy


async def _with_bot(anna: Person, bot: Account) -> str:
    """A group of which only she and the bot are there yet."""
    room = await anna.room("Depot 7", [bot.user])
    await anna.wait_member(room, bot.user)
    return room


async def test_who_joins_and_is_known_while_keys_are_shared_reads_the_answer(
    bot: Account, anna: Person, ben: Person, app: App, proxy: Failing
) -> None:
    async with bot.here(app, proxy.url) as service:
        room = await _with_bot(anna, bot)
        client: Client = service.transports[0]._session.client

        async def join() -> None:
            await anna.invite(room, ben.user_id)
            await ben.accept(room)
            await until(lambda: any(client.device_store.active_user_devices(ben.user_id)), "his device, known to the bot")

        proxy.faults.append(Fault("PUT", "/sendToDevice/", after=join))
        await anna.say(room, QUESTION, mentions=[bot.user])
        await ben.wait_message(room, sender=bot.user)


async def test_who_had_no_key_to_give_reads_the_answers_once_she_wrote_and_keys_are_not_shared_anew_before(
    bot: Account, anna: Person, ben: Person, app: App, proxy: Failing
) -> None:
    async with bot.here(app, proxy.url):
        room = await anna.room("Depot 7", [bot.user, ben.user_id])
        await ben.accept(room)
        for user in (bot.user, ben.user_id):
            await anna.wait_member(room, user)
        proxy.gives = False
        await anna.say(room, QUESTION, mentions=[bot.user])
        await anna.wait_message(room, sender=bot.user)
        shared = proxy.shares()
        await anna.say(room, QUESTION, mentions=[bot.user])
        await anna.wait_message(room, 2, sender=bot.user)
        assert proxy.shares() == shared
        await ben.say(room, QUESTION, mentions=[bot.user])
        await ben.wait_message(room, sender=bot.user)


async def test_a_list_of_members_that_was_overtaken_makes_no_private_chat_of_a_group(
    bot: Account, anna: Person, ben: Person, app: App, proxy: Failing
) -> None:
    async with bot.here(app, proxy.url) as service:
        room = await _with_bot(anna, bot)
        client: Client = service.transports[0]._session.client

        async def join() -> None:
            await anna.invite(room, ben.user_id)
            await ben.accept(room)
            await until(lambda: client.rooms[room].joined_count == 3, "a sync that tells of him")

        proxy.faults.append(Fault("GET", "/joined_members", after=join))
        await anna.say(room, QUESTION, mentions=[bot.user])
        await anna.wait_message(room, sender=bot.user)
        assert proxy.faults[0].struck == 1
        await ben.say(room, QUESTION)  # nobody is addressed
        await is_quiet(anna, room, bot.user, 1)


async def test_a_send_that_is_cancelled_while_keys_are_shared_leaves_the_room_open(
    bot: Account, anna: Person, ben: Person, app: App, proxy: Failing
) -> None:
    async with bot.here(app, proxy.url) as service:
        room = await anna.room("Depot 7", [bot.user, ben.user_id])
        await ben.accept(room)
        await anna.wait_member(room, bot.user)
        client: Client = service.transports[0]._session.client
        await until(lambda: room in client.rooms and client.rooms[room].joined_count == 3, "what the bot knows of the room")
        proxy.gives = False
        # nio asks once more by itself for a key that it lacks, after it has marked the room.
        proxy.faults.append(Fault("POST", "/keys/claim", before="hang", skip=1))
        sending = asyncio.create_task(service.transports[0].send(Address("matrix", room), reply("to all")))
        await until(lambda: proxy.faults[0].struck > 0, "a key exchange that hangs")
        assert room in client.sharing_session
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert room not in client.sharing_session
