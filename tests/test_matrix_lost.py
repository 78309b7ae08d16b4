"""Ways in which a question can be lost, or a room, found by reading the code; each of them is a promise of its own."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from bot.app import App
from bot.keys import Keys
from bot.transports import inbox
from bot.transports.inbox import PATIENCE
from bot.transports.matrix import late, transport
from tests.live import QUESTION
from tests.matrix import Fault, Homeserver, Person, Proxy
from tests.matrix.crafted import withhold
from tests.matrix_runs import SEND, Account, ask, meet, said_by, until
from tests.seizure import readable


async def test_a_restart_leaves_no_room_in_which_nobody_wrote_meanwhile(
    bot: Account, anna: Person, ben: Person, app: App
) -> None:
    async with bot.here(app):
        quiet = await meet(anna, bot.user)
        await ask(anna, quiet)
        await asyncio.sleep(1)  # until the bot has heard of its own answer
    async with bot.here(app):
        await ask(ben, await meet(ben, bot.user))
        assert bot.user in await anna.members(quiet)
        await ask(anna, quiet, 2)


async def test_a_group_is_no_private_chat_after_a_restart(bot: Account, anna: Person, ben: Person, app: App) -> None:
    async with bot.here(app):
        group = await anna.room("Depot 7", [bot.user, ben.user_id])
        await ben.accept(group)
        await anna.wait_member(group, bot.user)
        await ask(anna, group, text=f"{bot.user}: {QUESTION}")
    async with bot.here(app):
        await ben.say(group, QUESTION)  # nobody is addressed
        await anna.say(group, f"{bot.user}: {QUESTION}")
        await until(lambda: len(anna.seen(group, bot.user)) >= 2, "the answer")
    assert len(await said_by(anna, group, bot.user)) == 2


@pytest.mark.promises
async def test_a_failed_upload_of_keys_loses_no_question(bot: Account, anna: Person, app: App, proxy: Proxy) -> None:
    async with bot.here(app, proxy.url):
        room = await meet(anna, bot.user)
        proxy.faults.append(Fault("POST", "/keys/upload", before="502", times=3))
        await ask(anna, room)
        assert proxy.faults[0].struck == 3


@pytest.mark.parametrize("body", ["!", "AAAA"])
async def test_a_to_device_message_that_is_no_olm_loses_no_question(
    bot: Account, hs: Homeserver, anna: Person, ben: Person, app: App, proxy: Proxy, body: str
) -> None:
    async with bot.here(app, proxy.url):
        await bot.ready()
        room = await meet(anna, bot.user, encrypted=False)
        await ask(anna, room)
        [(device, found)] = (await hs.keys(bot.user))["device_keys"][bot.user].items()
        ciphertext = {found["keys"][f"curve25519:{device}"]: {"type": 0, "body": body}}
        poison = {"algorithm": "m.olm.v1.curve25519-aes-sha2", "sender_key": "A" * 43, "ciphertext": ciphertext}
        before = sum(one.path.endswith("/sync") for one in proxy.requests)
        proxy.down = True  # so that poison and question come with one sync
        await ben.call("PUT", "/sendToDevice/m.room.encrypted/1", {"messages": {bot.user: {device: poison}}})
        await anna.say(room, QUESTION)
        proxy.down = False
        await anna.wait_message(room, 2)
        assert sum(one.path.endswith("/sync") for one in proxy.requests) > before


async def test_an_invitation_whose_acceptance_failed_is_accepted_later(
    bot: Account, anna: Person, app: App, proxy: Proxy
) -> None:
    async with bot.here(app, proxy.url):
        await bot.ready()
        proxy.faults.append(Fault("POST", "/join", before="429", retry_after_ms=500))
        await ask(anna, await meet(anna, bot.user))


@pytest.mark.promises
async def test_seventy_questions_in_one_room_while_the_bot_was_away_are_all_answered(
    bot: Account, anna: Person, app: App
) -> None:
    async with bot.here(app):
        room = await meet(anna, bot.user, encrypted=False)
        await ask(anna, room)
    path = f"/rooms/{room}/send/m.room.message/"
    for number in range(70):
        await anna.call("PUT", f"{path}q{number}", {"msgtype": "m.text", "body": QUESTION})
    async with bot.here(app):
        await until(lambda: len(anna.seen(room)) >= 71, "all answers", 30)


async def test_who_joins_while_keys_are_shared_reads_the_next_answer(
    bot: Account, anna: Person, ben: Person, app: App, proxy: Proxy
) -> None:
    async with bot.here(app, proxy.url):
        room = await anna.room("Depot 7", [bot.user])
        await anna.wait_member(room, bot.user)
        await anna.invite(room, ben.user_id)

        async def join() -> None:
            heard = len(proxy.requests)
            await ben.accept(room)
            await until(lambda: any(one.path.endswith("/sync") for one in proxy.requests[heard:]), "the bot's next sync")

        proxy.faults.append(Fault("PUT", "/sendToDevice/", after=join))
        await anna.say(room, QUESTION, mentions=[bot.user])
        await anna.wait_message(room, sender=bot.user)
        await ben.say(room, QUESTION, mentions=[bot.user])
        await anna.wait_message(room, 2, sender=bot.user)
        await ben.wait_message(room, sender=bot.user)


@pytest.mark.promises
async def test_a_question_that_waits_for_a_homeserver_outlives_a_stop(
    bot: Account, anna: Person, app: App, proxy: Proxy
) -> None:
    async with bot.here(app, proxy.url):
        room = await meet(anna, bot.user)
        await ask(anna, room)

        # The question arrives, its answer does not leave.
        proxy.faults.append(Fault("PUT", re.escape(room) + SEND, before="502"))
        await anna.say(room, QUESTION)
        await until(lambda: proxy.faults[0].struck > 0, "the answer")
        proxy.down = True
        await asyncio.sleep(PATIENCE + 1)
    proxy.down = False
    async with bot.here(app, proxy.url):
        await anna.wait_message(room, 2)


async def test_a_question_whose_key_is_on_its_way_at_an_orderly_stop_is_answered_after_it(
    bot: Account, anna: Person, ben: Person, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, seconds in ((late, "KEY_SECONDS", 20.0), (transport, "STOP_SECONDS", 60.0), (inbox, "PATIENCE", 600.0)):
        monkeypatch.setattr(module, name, seconds)
    async with bot.here(app):
        room, other = await meet(anna, bot.user), await meet(ben, bot.user)
        await ask(anna, room)
        hand_over = await withhold(anna, room, bot.user, QUESTION)
        await ask(ben, other)  # by then the question waits for its key
    await hand_over()
    async with bot.here(app):
        assert "Netradyne" in (await anna.wait_message(room, 2))[1].body


async def test_an_answer_in_flight_at_an_orderly_stop_is_unreadable_afterwards(
    bot: Account, anna: Person, app: App, proxy: Proxy, tmp_path: Path
) -> None:
    async with bot.here(app, proxy.url) as service:
        room = await meet(anna, bot.user)
        proxy.faults.append(Fault("PUT", re.escape(room) + SEND, after=service.stop))
        await anna.say(room, QUESTION)
        await anna.wait_message(room)
    events = await said_by(anna, room, anna.user_id)
    assert readable(bot.state, Keys(b"k" * 32), bot.user, events, tmp_path / "seized") == []


async def test_a_disk_that_is_full_when_a_connection_ends_leaves_it_closed(
    bot: Account, anna: Person, app: App, proxy: Proxy
) -> None:
    async with bot.here(app, proxy.url) as service:
        room = await meet(anna, bot.user)
        matrix = service.transports[0]
        account, client = matrix._session.account, matrix._session.client

        async def end() -> None:
            account.path.with_name(f"{account.path.name}.new").mkdir()
            await matrix.stop()

        proxy.faults.append(Fault("PUT", re.escape(room) + SEND, after=end))
        await anna.say(room, QUESTION)
        await until(lambda: client.client_session is None, "the end of the connection")
