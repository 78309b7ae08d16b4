"""What a hostile member of a room, or a stranger, can do to the bot on Matrix: nothing that anybody else notices."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

from bot.desk import Desk
from bot.messages import Message, Reply, Role, reply
from bot.router import Router
from bot.transports.matrix import late
from bot.transports.matrix.events import Events
from tests.live import QUESTION
from tests.matrix import Homeserver, Person
from tests.matrix.crafted import send_raw, send_sealed
from tests.test_matrix_rooms import depot, is_quiet, meet

__all__ = ["depot"]
OTHER = "Is consent needed for biometric data?"


@pytest.fixture
async def hall(anna: Person, ben: Person, matrix_bot: str) -> str:
    """An encrypted room of Anna, who manages it, Ben, who does not, and the bot; each has said something."""
    room = await anna.room("Hall", [matrix_bot, ben.user_id], power={ben.user_id: 0})
    await ben.accept(room)
    await anna.wait_member(room, matrix_bot)
    await ben.wait_member(room, matrix_bot)
    await is_quiet(ben, room, matrix_bot, 0)
    await is_quiet(anna, room, matrix_bot, 1)
    return room


async def is_alive(person: Person, room: str, bot: str, seconds: float = 60) -> None:
    """The bot answers."""
    count = len(person.seen(room, bot))
    await person.say(room, "!help")
    await person.wait_message(room, count + 1, seconds, sender=bot)


async def test_an_odd_encrypted_event_does_not_end_the_bot(anna: Person, ben: Person, matrix_bot: str) -> None:
    other, room = await meet(anna, matrix_bot), await meet(ben, matrix_bot)
    await is_quiet(ben, room, matrix_bot, 0)
    await send_sealed(ben, room, "m.any", {"a": 1}, unsigned=5)
    await is_alive(anna, other, matrix_bot)


async def test_what_no_member_may_say_is_no_failure_of_ours(
    anna: Person, hall: str, ben: Person, matrix_bot: str, caplog: pytest.LogCaptureFixture
) -> None:
    await send_sealed(ben, hall, "m.any", {"a": 1})
    await is_alive(anna, hall, matrix_bot)
    assert "answer-failed" not in caplog.text


async def test_an_odd_message_to_the_device_does_not_end_the_bot(
    hs: Homeserver, anna: Person, ben: Person, matrix_bot: str
) -> None:
    other = await meet(anna, matrix_bot)
    [device] = (await hs.keys(matrix_bot))["device_keys"][matrix_bot].values()
    id = device["device_id"]
    ciphertext = {device["keys"][f"curve25519:{id}"]: 5}
    content = {"algorithm": "m.olm.v1.curve25519-aes-sha2", "sender_key": "x", "ciphertext": ciphertext}
    await ben.call("PUT", "/sendToDevice/m.room.encrypted/odd", {"messages": {matrix_bot: {id: content}}})
    await is_alive(anna, other, matrix_bot)


async def test_a_reply_to_no_id_does_not_end_the_sync(
    anna: Person, ben: Person, depot: str, matrix_bot: str, caplog: pytest.LogCaptureFixture
) -> None:
    other = await meet(anna, matrix_bot)
    odd = {"msgtype": "m.text", "body": "x", "m.relates_to": {"m.in_reply_to": {"event_id": ["x"]}}}
    await send_raw(ben, depot, "m.room.message", odd)
    await is_alive(anna, other, matrix_bot)
    assert "transport-failed" not in caplog.text


async def test_a_thread_that_cannot_be_does_not_silence_the_room(anna: Person, ben: Person, hall: str, matrix_bot: str) -> None:
    odd = {"rel_type": "m.thread", "event_id": "$" + "x" * 43}
    await send_sealed(ben, hall, "m.room.message", {"msgtype": "m.text", "body": "!help", "m.relates_to": odd})
    await is_alive(anna, hall, matrix_bot)


@pytest.mark.promises
async def test_unreadable_events_do_not_silence_the_room(
    anna: Person, ben: Person, depot: str, matrix_bot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late, "KEY_SECONDS", 600.0)
    for number in range(2):
        junk = {"algorithm": "m.megolm.v1.aes-sha2", "sender_key": "x", "device_id": "x", "ciphertext": "x"}
        await send_raw(ben, depot, "m.room.encrypted", {**junk, "session_id": str(number)})
    await is_alive(anna, depot, matrix_bot)


async def test_nobody_edits_the_question_of_another(anna: Person, ben: Person, depot: str, matrix_bot: str) -> None:
    asked = await anna.say(depot, QUESTION, mentions=[matrix_bot])
    await anna.wait_message(depot, sender=matrix_bot)
    await ben.say(depot, OTHER, mentions=[matrix_bot], edits=asked)
    await is_quiet(anna, depot, matrix_bot, 1)


def _forged(bot: str, anna: str, ben: str, target: str) -> dict[str, tuple[str, dict[str, Any], dict[str, Any]]]:
    """Kind, content and further keys of what only a homeserver may say."""
    return {
        "power": ("m.room.power_levels", {"users": {ben: 100}, "users_default": 0}, {"state_key": ""}),
        "tombstone": ("m.room.tombstone", {"body": "moved", "replacement_room": target}, {"state_key": ""}),
        "redaction": ("m.room.redaction", {"redacts": target}, {"redacts": target}),
        "leave": ("m.room.member", {"membership": "leave"}, {"state_key": anna}),
    }


@pytest.fixture
def managed(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more command, for who manages the chat."""
    extra = Router()

    @extra.command("manage", needs=Role.MANAGER)
    async def manage(message: Message, desk: Desk) -> Reply:
        return reply("done")

    from handlers import router

    monkeypatch.setattr("bot.running.router", Router(router, extra))


async def test_nobody_makes_itself_manager(managed: None, anna: Person, ben: Person, hall: str, matrix_bot: str) -> None:
    kind, content, top = _forged(matrix_bot, anna.user_id, ben.user_id, "")["power"]
    await send_sealed(ben, hall, kind, content, **top)
    count = len(ben.seen(hall, matrix_bot))
    await ben.say(hall, "!manage")
    assert (await ben.wait_message(hall, count + 1, sender=matrix_bot))[-1].body != "done"


async def test_nobody_moves_the_bot_to_another_room(anna: Person, ben: Person, hall: str, matrix_bot: str) -> None:
    created = await ben.call("POST", "/createRoom", {"preset": "public_chat"})
    kind, content, top = _forged(matrix_bot, anna.user_id, ben.user_id, created["room_id"])["tombstone"]
    await send_sealed(ben, hall, kind, content, **top)
    await is_alive(anna, hall, matrix_bot)
    assert matrix_bot not in await ben.members(created["room_id"])


async def test_nobody_takes_back_the_answer_of_another(anna: Person, ben: Person, hall: str, matrix_bot: str) -> None:
    asked = await anna.say(hall, QUESTION, mentions=[matrix_bot])
    answer = (await anna.wait_message(hall, 3, sender=matrix_bot))[-1]
    kind, content, top = _forged(matrix_bot, anna.user_id, ben.user_id, asked)["redaction"]
    await send_sealed(ben, hall, kind, content, **top)
    await is_alive(anna, hall, matrix_bot)
    await anna.sync_once()
    assert answer.event_id not in anna.redacted(hall)  # her own client believes the forged one of her question


async def test_nobody_makes_the_answers_unreadable_for_another(anna: Person, ben: Person, hall: str, matrix_bot: str) -> None:
    kind, content, top = _forged(matrix_bot, anna.user_id, ben.user_id, "")["leave"]
    await send_sealed(ben, hall, kind, content, **top)
    await is_alive(ben, hall, matrix_bot)
    await anna.sync_once()
    unread = anna.client.unreadable[hall].values()  # Ben's own client believes the forgery
    assert [event.sender for event in unread if event.sender == matrix_bot] == []


async def test_a_long_unknown_command_is_not_repeated_to_the_room(anna: Person, depot: str, matrix_bot: str) -> None:
    await anna.say(depot, "bot: !" + "x" * 20_000, mentions=[matrix_bot])
    first = (await anna.wait_message(depot, sender=matrix_bot))[0]
    assert len(first.body) < 500
    await is_quiet(anna, depot, matrix_bot, 1)


async def test_odd_state_of_a_room_harms_nobody(anna: Person, ben: Person, matrix_bot: str) -> None:
    other, room = await meet(anna, matrix_bot), await meet(ben, matrix_bot)
    odd = {"name": 5, "topic": [], "avatar": {"url": 5}, "history_visibility": {}, "canonical_alias": {"alias": None}}
    for kind, value in odd.items():
        content = value if isinstance(value, dict) else {kind: value}
        path = f"/rooms/{quote(room)}/state/m.room.{kind}/"
        await ben.client.nio.send("PUT", f"/_matrix/client/v3{path}", str(content), {"Authorization": f"Bearer {ben.token}"})
    for kind in ("m.call.invite", "m.reaction", "m.sticker", "m.poll.start", f"x.{secrets.token_hex(2)}"):
        await send_raw(ben, room, kind, {"offer": 5, "m.relates_to": 5, "url": [], "body": {}, "info": 1})
    await is_alive(anna, other, matrix_bot)


def test_a_time_that_no_calendar_has_does_not_end_the_sync() -> None:
    """Another homeserver writes what time it likes."""
    wiring = SimpleNamespace(now=lambda: datetime.now(UTC))
    for at in (2**53 - 1, -(2**53) + 1, "x", None):
        assert Events(None, wiring, None, None, None, None, 0)._is_old({"origin_server_ts": at}) in (True, False)
