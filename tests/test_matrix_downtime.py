"""What was said while the bot was down is answered once, and nothing of it stops the bot."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.app import App
from bot.transports.matrix.transport import Matrix
from tests.live import QUESTION, app_on_matrix, live
from tests.matrix import Fault, Homeserver, Person, Proxy
from tests.matrix.content import message
from tests.matrix.crafted import send_raw, send_sealed
from tests.test_matrix_rooms import is_quiet, meet


async def _say_all(person: Person, room: str, texts: list[str]) -> None:
    for start in range(0, len(texts), 10):
        await asyncio.gather(*(send_raw(person, room, "m.room.message", message(text)) for text in texts[start : start + 10]))


@pytest.mark.promises
async def test_one_mention_among_sixty_messages_is_answered_after_a_downtime(
    hs: Homeserver, app: App, anna: Person, ben: Person, tmp_path: Path
) -> None:
    user, password = await hs.new_user("bot")
    again = app_on_matrix(app, hs.url, user, password, tmp_path / "state")
    room = await anna.room("Depot", [user, ben.user_id])
    async with live(again):
        await ben.accept(room)
        await anna.wait_member(room, user)
        await is_quiet(anna, room, user, 0)
    for number in range(60):
        person = (anna, ben)[number % 2]
        await person.say(room, QUESTION if number == 20 else f"talk {number}", mentions=[user] if number == 20 else [])
    async with live(again):
        assert "Netradyne" in (await ben.wait_message(room, 2, sender=user))[-1].body
        await is_quiet(ben, room, user, 2)


@pytest.mark.promises
async def test_250_messages_of_a_downtime_are_all_answered_once(hs: Homeserver, app: App, anna: Person, tmp_path: Path) -> None:
    user, password = await hs.new_user("bot")
    again = app_on_matrix(app, hs.url, user, password, tmp_path / "state")
    async with live(again):
        room = await anna.direct(user, encrypted=False)
        await anna.wait_member(room, user)
    await anna.client.close()
    await _say_all(anna, room, ["hello"] * 250)
    async with live(again) as service:
        matrix = service.transports[0]
        assert isinstance(matrix, Matrix)
        await _answers(anna, room, user, 1)
        assert matrix.inbox.shed == 0
        assert await _answers(anna, room, user, 250) == 250


async def _answers(person: Person, room: str, user: str, count: int) -> int:
    """How many the bot gave, as soon as there are so many."""
    while True:
        found, page = 0, "/messages?dir=b&limit=1000"
        for event in (await person.call("GET", f"/rooms/{room}{page}"))["chunk"]:
            found += event["sender"] == user and event["type"] == "m.room.message"
        if found >= count:
            return found
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("fault", [("GET", "/messages$"), ("POST", "/keys/upload$")])
async def test_one_failed_request_after_a_downtime_loses_nothing(
    hs: Homeserver, app: App, anna: Person, tmp_path: Path, fault: tuple[str, str]
) -> None:
    user, password = await hs.new_user("bot")
    async with Proxy(hs.url) as proxy:
        again = app_on_matrix(app, proxy.url, user, password, tmp_path / "state")
        async with live(again):
            room = await meet(anna, user)
        chat = await anna.direct(user, encrypted=False)
        async with live(again):
            await anna.wait_member(chat, user)
        await anna.say(room, "hello")  # takes one of the bot's keys, so that it has one to upload
        await anna.say(chat, QUESTION)
        await _say_all(anna, chat, ["ok"] * (110 if fault[0] == "GET" else 0))
        proxy.faults.append(Fault(*fault, before="502"))
        async with live(again):
            while not proxy.faults[0].struck:
                await asyncio.sleep(0.05)
            await anna.client.until(lambda: any("Netradyne" in seen.body for seen in anna.seen(chat)), "the answer", 20)


@pytest.mark.promises
async def test_a_room_whose_past_cannot_be_had_does_not_silence_the_others(
    hs: Homeserver, app: App, anna: Person, tmp_path: Path
) -> None:
    user, password = await hs.new_user("bot")
    async with Proxy(hs.url) as proxy:
        again = app_on_matrix(app, proxy.url, user, password, tmp_path / "state")
        async with live(again):
            rooms = [await meet(anna, user) for _ in range(3)]
            broken = await anna.room(None, [user], encrypted=False)
            await anna.wait_member(broken, user)
        await _say_all(anna, broken, ["ok"] * 110)
        proxy.faults.append(Fault("GET", "/messages$", before="html", times=None))
        async with live(again):
            for room in rooms:
                await anna.say(room, "hello")
                await anna.wait_message(room)


@pytest.mark.parametrize("encrypted", [True, False])
async def test_what_was_taken_back_during_a_downtime_is_not_answered(
    hs: Homeserver, app: App, anna: Person, tmp_path: Path, encrypted: bool
) -> None:
    user, password = await hs.new_user("bot")
    again = app_on_matrix(app, hs.url, user, password, tmp_path / "state")
    async with live(again):
        room = await anna.direct(user, encrypted)
        await anna.wait_member(room, user)
    await anna.redact(room, await anna.say(room, QUESTION))
    async with live(again):
        await is_quiet(anna, room, user, 0)


@pytest.mark.promises
async def test_an_odd_encrypted_event_in_a_long_past_does_not_end_the_bot(
    hs: Homeserver, app: App, anna: Person, ben: Person, tmp_path: Path
) -> None:
    user, password = await hs.new_user("bot")
    again = app_on_matrix(app, hs.url, user, password, tmp_path / "state")
    async with live(again):
        chat, room = await meet(anna, user), await meet(ben, user)
        await is_quiet(ben, room, user, 0)
    await send_sealed(ben, room, "m.any", {"a": 1}, unsigned=5)
    await _say_all(ben, room, ["!help"] * 110)
    async with live(again):
        await anna.say(chat, "hello")
        await anna.wait_message(chat)
