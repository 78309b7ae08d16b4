"""What was said while the bot was down, taken back, changed, or could not be read; and what a chat can do about it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.app import App
from bot.transports.matrix import events
from bot.transports.matrix.transport import Matrix
from tests.live import QUESTION, app_on_matrix, live
from tests.matrix import Fault, Homeserver, Person, Proxy
from tests.matrix.content import message
from tests.matrix.crafted import send_raw, withhold
from tests.test_matrix_rooms import depot, is_quiet, meet

__all__ = ["depot"]
OTHER = "Is consent needed for biometric data?"


async def _say_all(person: Person, room: str, texts: list[str]) -> None:
    for start in range(0, len(texts), 10):
        await asyncio.gather(*(send_raw(person, room, "m.room.message", message(text)) for text in texts[start : start + 10]))


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
            await anna.client.until(lambda: any("Netradyne" in seen.body for seen in anna.seen(chat)), "the answer", 5)


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
                await anna.wait_message(room, timeout=5)


async def test_an_edited_question_changes_its_answer_and_no_other(anna: Person, matrix_bot: str) -> None:
    room = await meet(anna, matrix_bot)
    asked = await anna.say(room, QUESTION)
    first = (await anna.wait_message(room))[0]
    for number, text in enumerate((OTHER, QUESTION), 2):
        await anna.say(room, text, edits=asked)
        edit = (await anna.wait_message(room, number))[-1]
        assert edit.relates_to == {"rel_type": "m.replace", "event_id": first.event_id}
        assert ("Netradyne" in edit.content["m.new_content"]["body"]) is (text == QUESTION)
    noted = await anna.say(room, "a note to myself", msgtype="m.notice")
    await anna.say(room, QUESTION, edits=noted)
    await is_quiet(anna, room, matrix_bot, 3)


async def test_a_redacted_question_takes_its_answer_along(anna: Person, matrix_bot: str) -> None:
    room = await meet(anna, matrix_bot)
    asked = await anna.say(room, QUESTION)
    answer = (await anna.wait_message(room))[0]
    await anna.redact(room, asked)
    await anna.wait_redacted(room, answer.event_id)


async def test_a_redacted_question_takes_edits_of_its_answer_along(anna: Person, matrix_bot: str) -> None:
    room = await meet(anna, matrix_bot)
    asked = await anna.say(room, QUESTION)
    await anna.wait_message(room)
    await anna.say(room, OTHER, edits=asked)
    edit = (await anna.wait_message(room, 2))[-1]
    await anna.redact(room, asked)
    await anna.wait_redacted(room, edit.event_id, timeout=5)


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


@pytest.mark.parametrize("patience", [0.5, 60.0])
async def test_a_question_whose_key_comes_late_is_answered(
    anna: Person, ben: Person, matrix_bot: str, monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    monkeypatch.setattr(events, "KEY_SECONDS", patience)
    room, other = await meet(anna, matrix_bot), await meet(ben, matrix_bot)
    await is_quiet(anna, room, matrix_bot, 0)
    hand_over = await withhold(anna, room, matrix_bot, QUESTION)
    await is_quiet(ben, other, matrix_bot, 0)
    told = int(patience < 1)
    assert "could not be decrypted" in (await anna.wait_message(room, 1 + told))[-1].body or not told
    await hand_over()
    assert "Netradyne" in (await anna.wait_message(room, 2 + told))[-1].body
    await is_quiet(anna, room, matrix_bot, 2 + told)


async def test_a_key_that_never_comes_costs_one_honest_sentence(
    anna: Person, matrix_bot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "KEY_SECONDS", 0.5)
    room = await meet(anna, matrix_bot)
    await is_quiet(anna, room, matrix_bot, 0)
    await withhold(anna, room, matrix_bot, QUESTION, OTHER)
    await anna.wait_message(room, 2)
    anna.client.nio.invalidate_outbound_session(room)
    await is_quiet(anna, room, matrix_bot, 2)
    assert "could not be decrypted" in anna.seen(room)[1].body


async def test_numbers_commands_and_clean_work(anna: Person, matrix_bot: str) -> None:
    room = await meet(anna, matrix_bot)
    expected = [
        (QUESTION, "[1] Source?"),
        ("1.", "How this is known"),
        ("!mydata", "(2)"),
        ("!language de", "Deutsch"),
        ("!forget", "."),
        ("!mydata", "(1)"),
        ("99", ""),
    ]
    for number, (said, wanted) in enumerate(expected, 1):
        await anna.say(room, said)
        assert wanted in (await anna.wait_message(room, number))[-1].body
    await anna.say(room, "!clean")
    assert "3" in (await anna.wait_message(room, len(expected) + 1))[-1].body
    kept = [seen.event_id for seen in anna.seen(room)]
    for id in kept[4:7]:
        await anna.wait_redacted(room, id)
    assert anna.redacted(room) == set(kept[4:7])
