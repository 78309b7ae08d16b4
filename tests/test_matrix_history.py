"""What was taken back, changed, or could not be read; and what a chat can do about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.app import App
from bot.desk import Desk
from bot.messages import Message, Reply, reply
from bot.router import Router
from bot.transports.matrix import late, upkeep
from bot.transports.matrix.client import Client
from bot.transports.matrix.events import Events
from handlers import router
from tests.conftest import Clock
from tests.live import QUESTION
from tests.matrix import Homeserver, Person
from tests.matrix.content import message
from tests.matrix.crafted import send_sealed, withhold
from tests.matrix.proxy import Fault, Proxy
from tests.matrix_runs import Account, until
from tests.test_matrix_rooms import is_quiet, meet

OTHER = "Is consent needed for biometric data?"


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


async def test_an_edit_takes_back_what_the_new_answer_has_no_more(
    hs: Homeserver, app: App, anna: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = Router()

    @extra.command("long")
    async def long(message: Message, desk: Desk) -> Reply:
        return reply("\n\n".join("word " * 100 for _ in range(12)))

    monkeypatch.setattr("bot.running.router", Router(router, extra))
    bot = await Account.make(hs, tmp_path / "state")
    async with bot.here(app):
        room = await meet(anna, bot.user)
        asked = await anna.say(room, "!long")
        first = (await anna.wait_message(room, 2))[0].event_id
        for said, parts in (("!help", 1), ("!long", 2), ("!help", 1)):
            before = [seen.event_id for seen in anna.seen(room)]
            await anna.say(room, said, edits=asked)
            news = (await anna.wait_message(room, len(before) + parts))[len(before) :]
            assert news[0].relates_to == {"rel_type": "m.replace", "event_id": first}
            for id in before[1:]:
                await anna.wait_redacted(room, id)
        assert anna.redacted(room) == set(before[1:])


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
    await anna.wait_redacted(room, edit.event_id)


@pytest.mark.parametrize("patience", [0.5, 60.0])
async def test_a_question_whose_key_comes_late_is_answered(
    anna: Person, ben: Person, matrix_bot: str, monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    monkeypatch.setattr(late, "KEY_SECONDS", patience)
    room, other = await meet(anna, matrix_bot), await meet(ben, matrix_bot)
    await is_quiet(anna, room, matrix_bot, 0)
    hand_over = await withhold(anna, room, matrix_bot, QUESTION)
    await is_quiet(ben, other, matrix_bot, 0)
    told = int(patience < 1)
    assert "could not be decrypted" in (await anna.wait_message(room, 1 + told))[-1].body or not told
    await hand_over()
    assert "Netradyne" in (await anna.wait_message(room, 2 + told))[-1].body
    await is_quiet(anna, room, matrix_bot, 2 + told)


async def test_a_key_that_comes_while_its_lack_is_being_told_is_used(
    bot: Account, anna: Person, ben: Person, app: App, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late, "KEY_SECONDS", 0.5)
    async with bot.here(app, proxy.url):
        room, other = await meet(anna, bot.user), await meet(ben, bot.user)
        await is_quiet(anna, room, bot.user, 0)
        hand_over = await withhold(anna, room, bot.user, QUESTION)

        async def come() -> None:
            await hand_over()
            await is_quiet(ben, other, bot.user, 0)

        proxy.faults.append(Fault("PUT", f"/rooms/{room}/send/", after=come))
        told, answer = (await anna.wait_message(room, 3))[1:]
        assert "could not be decrypted" in told.body
        assert "Netradyne" in answer.body


@pytest.mark.parametrize("patience", [0.2, pytest.param(60.0, marks=pytest.mark.promises)])
async def test_a_question_that_was_taken_back_before_its_key_came_is_not_answered(
    anna: Person, matrix_bot: str, monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    monkeypatch.setattr(late, "KEY_SECONDS", patience)
    room = await meet(anna, matrix_bot)
    await is_quiet(anna, room, matrix_bot, 0)
    hand_over = await withhold(anna, room, matrix_bot, QUESTION)
    told = int(patience < 1)
    if told:
        await anna.wait_message(room, 2)
    [asked] = [event["event_id"] for event in (await _timeline(anna, room)) if event["type"] == "m.room.encrypted"][:1]
    await anna.redact(room, asked)
    anna.client.nio.invalidate_outbound_session(room)
    for answers in (1, 2, 3):
        await is_quiet(anna, room, matrix_bot, answers + told)
        await hand_over()


async def test_an_edit_that_comes_with_the_late_key_of_its_question_changes_the_answer(
    bot: Account, anna: Person, ben: Person, app: App, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late, "KEY_SECONDS", 60.0)
    async with bot.here(app, proxy.url):
        room, other = await meet(anna, bot.user), await meet(ben, bot.user)
        await is_quiet(anna, room, bot.user, 0)
        hand_over = await withhold(anna, room, bot.user, QUESTION)
        await is_quiet(ben, other, bot.user, 0)  # by then the question waits for its key
        asked = (await _timeline(anna, room))[0]["event_id"]
        proxy.down = True  # so that key and edit come with one sync
        await hand_over()
        await send_sealed(anna, room, "m.room.message", message("!help", edits=asked))
        proxy.down = False
        answer, edit = (await anna.wait_message(room, 3))[1:]
        assert "Netradyne" in answer.body
        assert edit.relates_to == {"rel_type": "m.replace", "event_id": answer.event_id}


async def _timeline(person: Person, room: str) -> list[dict[str, Any]]:
    """The person's own events, newest first."""
    found = await person.call("GET", f"/rooms/{room}/messages?dir=b&limit=50")
    return [event for event in found["chunk"] if event["sender"] == person.user_id]


async def test_what_could_not_be_read_in_a_thread_is_said_there(
    anna: Person, matrix_bot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late, "KEY_SECONDS", 0.2)
    room = await meet(anna, matrix_bot)
    root = await anna.say(room, "!help")
    await anna.wait_message(room)
    await withhold(anna, room, matrix_bot, QUESTION, thread=root)
    told = (await anna.wait_message(room, 2))[-1]
    assert "could not be decrypted" in told.body
    assert (told.relates_to["rel_type"], told.relates_to["event_id"]) == ("m.thread", root)


async def test_a_key_that_never_comes_costs_one_honest_sentence(
    anna: Person, matrix_bot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late, "KEY_SECONDS", 0.5)
    room = await meet(anna, matrix_bot)
    await is_quiet(anna, room, matrix_bot, 0)
    await withhold(anna, room, matrix_bot, QUESTION, OTHER)
    await anna.wait_message(room, 2)
    anna.client.nio.invalidate_outbound_session(room)
    await is_quiet(anna, room, matrix_bot, 2)
    assert "could not be decrypted" in anna.seen(room)[1].body


async def test_who_comes_back_after_the_session_with_her_device_was_erased_is_told_once_and_heals(
    hs: Homeserver, app: App, anna: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late, "KEY_SECONDS", 0.5)
    clients: list[Client] = []
    after_sync = upkeep.after_sync

    async def spied(client: Client, response: Any) -> None:
        clients[:] = [client]
        await after_sync(client, response)

    monkeypatch.setattr(upkeep, "after_sync", spied)
    bot = await Account.make(hs, tmp_path / "state")
    async with bot.here(app):
        room = await meet(anna, bot.user)
        await anna.say(room, QUESTION)
        await anna.wait_message(room)
        monkeypatch.setattr(upkeep, "UNUSED_LIFETIME", timedelta(days=-1))
        upkeep.forget_sessions(clients[0])
        assert not [*clients[0].olm.session_store]
        anna.client.nio.invalidate_outbound_session(room)
        await anna.say(room, QUESTION)
        assert "could not be decrypted" in (await anna.wait_message(room, 2))[-1].body
        await until(lambda: len([*anna.client.nio.olm.session_store]) == 2, "a new session with her device")
        # Element gives the keys once more by itself when it hears of the new session; nio does with the next session.
        anna.client.nio.invalidate_outbound_session(room)
        await anna.say(room, QUESTION)
        assert "Netradyne" in (await anna.wait_message(room, 3))[-1].body


async def test_only_a_question_can_have_become_too_old(
    hs: Homeserver, app: App, anna: Person, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: list[str] = []
    is_old = Events._is_old

    def spied(self: Events, source: dict[str, Any]) -> bool:
        if found := is_old(self, source):
            met.append(source["type"])
        return found

    monkeypatch.setattr(Events, "_is_old", spied)
    bot = await Account.make(hs, tmp_path / "state")
    clock.now = datetime.now(UTC)
    async with bot.here(app):
        room = await meet(anna, bot.user)
        await is_quiet(anna, room, bot.user, 0)
        clock.now += timedelta(hours=25)
        await anna.call("PUT", f"/profile/{anna.user_id}/displayname", {"displayname": "Annika"})
        await anna.say(room, "a note", msgtype="m.notice")
        await anna.react(room, anna.seen(room)[0].event_id, "👍")
        await until(lambda: {"m.room.member", "m.room.message", "m.reaction"} <= set(met), "the bot's syncs")
        clock.now -= timedelta(hours=25)
        await is_quiet(anna, room, bot.user, 1)
        clock.now += timedelta(hours=25)
        await anna.say(room, QUESTION)
        assert "older than a day" in (await anna.wait_message(room, 3))[-1].body


async def test_numbers_commands_and_clean_work(anna: Person, matrix_bot: str) -> None:
    room = await meet(anna, matrix_bot)
    expected = [
        (QUESTION, "[1] Source?"),
        ("1.", "How this is known"),
        ("!mydata", "(2)"),
        ("!language de", "Deutsch"),
        ("!forget", "."),
        ("!mydata", "nothing"),
        ("99", ""),
    ]
    for number, (said, wanted) in enumerate(expected, 1):
        await anna.say(room, said)
        assert wanted in (await anna.wait_message(room, number))[-1].body
    await anna.say(room, "!clean")
    assert "2" in (await anna.wait_message(room, len(expected) + 1))[-1].body
    kept = [seen.event_id for seen in anna.seen(room)]
    for id in kept[5:7]:
        await anna.wait_redacted(room, id)
    assert anna.redacted(room) == set(kept[5:7])
