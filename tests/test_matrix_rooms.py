"""Matrix rooms: where we speak and where we are silent. A real homeserver, real clients."""

from __future__ import annotations

import secrets
from pathlib import Path
from urllib.parse import quote

import pytest

from bot.app import App
from tests.live import QUESTION, app_on_matrix, live
from tests.matrix import Homeserver, Person
from tests.matrix.crafted import send_raw

LINK = "https://matrix.to/#/"
TALK = "Nice weather at the depot"


@pytest.fixture
async def depot(anna: Person, ben: Person, matrix_bot: str) -> str:
    """A room of Anna, Ben and the bot."""
    room = await anna.room("Depot 7", [matrix_bot, ben.user_id], encrypted=False)
    await ben.accept(room)
    await anna.wait_member(room, matrix_bot)
    await anna.wait_member(room, ben.user_id)
    return room


async def meet(person: Person, bot: str) -> str:
    room = await person.direct(bot)
    await person.wait_member(room, bot)
    return room


async def is_quiet(person: Person, room: str, bot: str, answers: int) -> None:
    """Rooms are served in order: once a later command is answered, nothing earlier can be."""
    await person.say(room, "!help")
    assert len(await person.wait_message(room, answers + 1, sender=bot)) == answers + 1
    assert "!ask" in person.seen(room, bot)[-1].body


async def test_a_room_is_answered_where_it_addresses_the_bot_and_nowhere_else(
    anna: Person, depot: str, matrix_bot: str
) -> None:
    name = matrix_bot.partition(":")[0][1:]
    pill = f'<a href="{LINK}{quote(matrix_bot)}">bot</a>: {QUESTION}'
    await anna.say(depot, QUESTION)
    await anna.say(depot, f"{name} {QUESTION}", mentions=[])
    first = await anna.say(depot, QUESTION, mentions=[matrix_bot])
    answer = (await anna.wait_message(depot, sender=matrix_bot))[0]
    await anna.say(depot, f"bot: {QUESTION}", html=pill)
    await anna.say(depot, f"bot: {QUESTION}")
    await anna.say(depot, f"!ask {QUESTION}")
    await anna.say(depot, "how is this known?", reply_to=answer.event_id)
    await anna.say(depot, "how is this known?", reply_to=first)
    await is_quiet(anna, depot, matrix_bot, 5)
    said = [seen.body for seen in anna.seen(depot, matrix_bot)]
    assert ["Netradyne" in body for body in said] == [True, True, True, True, False, False]
    assert all(anna.user_id not in str(seen.content) for seen in anna.seen(depot, matrix_bot))


async def test_a_third_member_makes_a_group_at_once_and_its_leaving_a_private_chat(
    anna: Person, ben: Person, matrix_bot: str
) -> None:
    room = await anna.direct(matrix_bot)
    await anna.wait_member(room, matrix_bot)
    await anna.say(room, "hello")
    await anna.wait_message(room)
    await anna.invite(room, ben.user_id)
    await ben.accept(room)
    await anna.wait_member(room, ben.user_id)
    await anna.say(room, QUESTION)
    await is_quiet(anna, room, matrix_bot, 1)
    await ben.leave(room)
    await anna.wait_member(room, ben.user_id, joined=False)
    await anna.say(room, QUESTION)
    assert "[1] Source?" in (await anna.wait_message(room, 3))[-1].body


async def test_a_group_is_still_one_after_a_restart(
    hs: Homeserver, app: App, anna: Person, ben: Person, tmp_path: Path
) -> None:
    user, password = await hs.new_user("bot")
    again = app_on_matrix(app, hs.url, user, password, tmp_path / "state")
    room = await anna.room("Depot", [user, ben.user_id])
    async with live(again):
        await ben.accept(room)
        await anna.wait_member(room, user)
        await is_quiet(anna, room, user, 0)
    async with live(again):
        await anna.say(room, QUESTION)
        await is_quiet(anna, room, user, 1)


async def test_notices_and_echoes_are_never_answered(anna: Person, ben: Person, depot: str, matrix_bot: str) -> None:
    await ben.say(depot, f"bot: {QUESTION}", msgtype="m.notice", mentions=[matrix_bot])
    await anna.say(depot, f"!ask {QUESTION}")
    answer = (await ben.wait_message(depot, sender=matrix_bot))[0]
    await ben.say(depot, answer.body.partition("https")[0])
    await ben.say(depot, answer.body, msgtype="m.notice", reply_to=answer.event_id)
    await is_quiet(anna, depot, matrix_bot, 1)


@pytest.mark.parametrize("formatted", [False, True])
async def test_our_own_answer_repeated_is_no_question(
    anna: Person, ben: Person, depot: str, matrix_bot: str, formatted: bool
) -> None:
    await anna.say(depot, f"!ask {QUESTION}")
    answer = (await ben.wait_message(depot, sender=matrix_bot))[0]
    await ben.say(depot, answer.body, html=answer.html if formatted else None)
    await is_quiet(anna, depot, matrix_bot, 1)


async def test_nothing_said_before_the_bot_came_is_answered(anna: Person, ben: Person, matrix_bot: str) -> None:
    room = await anna.room("Depot", [ben.user_id], encrypted=False, history="shared")
    await ben.accept(room)
    await ben.say(room, QUESTION, mentions=[matrix_bot])
    await anna.say(room, f"!ask {QUESTION}")
    await anna.invite(room, matrix_bot)
    await anna.wait_member(room, matrix_bot)
    await is_quiet(anna, room, matrix_bot, 0)


async def test_the_first_start_in_an_old_room_answers_nothing_from_before(
    hs: Homeserver, app: App, anna: Person, tmp_path: Path
) -> None:
    user, password = await hs.new_user("bot")
    room = await anna.direct(user, encrypted=False)
    await hs.request("POST", f"/_matrix/client/v3/join/{quote(room)}", await hs.login(user, password), {})
    await anna.wait_member(room, user)
    await anna.say(room, QUESTION)
    async with live(app_on_matrix(app, hs.url, user, password, tmp_path / "state")):
        ben = await Person.join(hs, "Ben", tmp_path / "ben")
        other = await ben.direct(user)
        await ben.wait_member(other, user)
        await ben.close()
        await is_quiet(anna, room, user, 0)


async def test_the_bot_sends_messages_and_nothing_else(anna: Person, matrix_bot: str) -> None:
    room = await meet(anna, matrix_bot)
    asked = await anna.say(room, QUESTION)
    await anna.react(room, asked, "👍")
    await send_raw(anna, room, "m.room.message", {"msgtype": "m.text", "body": f"hello {secrets.token_hex(2)}"})
    await anna.wait_message(room, 2)
    events = (await anna.call("GET", f"/rooms/{quote(room)}/messages?dir=b&limit=100"))["chunk"]
    assert {event["type"] for event in events if event["sender"] == matrix_bot} == {"m.room.member", "m.room.encrypted"}
    ephemeral = (await anna.call("GET", "/sync"))["rooms"]["join"][room]["ephemeral"]["events"]
    assert matrix_bot not in str(ephemeral)
