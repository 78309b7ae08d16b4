"""A Matrix room that shrinks or grows: what is stored of it can still be seen and ended, what was said alone stays alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import App, now
from bot.gaps import quoted
from bot.memory import Memory
from bot.messages import Address, Choices
from tests.conftest import NOW
from tests.live import QUESTION, app_on_matrix, live
from tests.matrix import Homeserver, Person
from tests.matrix_runs import Account

pytestmark = pytest.mark.promises

OPEN = "does the lidl scanner count my sneezes"
ROOM = Address("matrix", "!canary")


async def test_a_subscribed_room_of_two_is_still_subscribed(
    hs: Homeserver, anna: Person, ben: Person, app: App, tmp_path: Path
) -> None:
    bot = await Account.make(hs, tmp_path / "state")
    heard: list[str] = []

    async def say(said: str) -> str:
        heard.append(said)
        await anna.say(room, said)
        return (await anna.wait_message(room, len(heard), sender=bot.user))[len(heard) - 1].body

    async with bot.here(app):
        room = await anna.room("Depot 7", [bot.user, ben.user_id])
        await ben.accept(room)
        for user in (bot.user, ben.user_id):
            await anna.wait_member(room, user)
        assert "Next digest" in await say("!digest daily 18:00")
        await ben.leave(room)
        await anna.wait_member(room, ben.user_id, joined=False)
        assert "On disk: its encrypted address" in await say("!mydata")
        assert "Paused." in await say("!digest pause")
        assert "Next digest" in await say("!status")
        assert "Nothing of this channel" in await say("!digest off")
        assert "not to single people" in await say("!digest daily 18:00")
        assert "On disk: nothing" in await say("!mydata")


async def test_to_forget_a_room_of_two_ends_its_digest(
    hs: Homeserver, anna: Person, ben: Person, app: App, tmp_path: Path
) -> None:
    bot = await Account.make(hs, tmp_path / "state")
    async with bot.here(app):
        room = await anna.room("Depot 7", [bot.user, ben.user_id])
        await ben.accept(room)
        for user in (bot.user, ben.user_id):
            await anna.wait_member(room, user)
        await anna.say(room, "!digest daily 18:00")
        await anna.wait_message(room, 1, sender=bot.user)
        await ben.leave(room)
        await anna.wait_member(room, ben.user_id, joined=False)
        await anna.say(room, "!forget")
        assert "Nothing of this channel" in (await anna.wait_message(room, 2, sender=bot.user))[1].body


async def test_whoever_joins_is_not_shown_what_was_asked_before(
    hs: Homeserver, anna: Person, ben: Person, app: App, tmp_path: Path
) -> None:
    user, password = await hs.new_user("bot")
    opened = app_on_matrix(app, hs.url, user, password, tmp_path / "state", room="matrix:!stewards")
    async with live(opened):
        room = await anna.direct(user)
        await anna.wait_member(room, user)
        place = Address("matrix", room)
        await anna.say(room, QUESTION)
        await anna.wait_message(room, 1, sender=user)
        await anna.say(room, OPEN)
        await anna.wait_message(room, 2, sender=user)
        assert quoted(OPEN) in str(opened.memory.choices(place, now()).under)
        await anna.invite(room, ben.user_id)
        await ben.accept(room)
        await anna.wait_member(room, ben.user_id)
        await ben.say(room, "!mydata")
        shown = (await anna.wait_message(room, 3, sender=user))[2].body
    assert OPEN not in shown
    assert "van-camera-records" not in shown


def test_what_was_said_alone_is_dropped_once_others_read() -> None:
    memory = Memory()
    memory.said(ROOM, "alone", NOW)
    memory.offered(ROOM, Choices(("/gap",), quoted(OPEN)), NOW)
    assert memory.pass_on(ROOM, NOW)
    memory.others_read(ROOM)
    assert memory.fact(ROOM, NOW) is None
    assert memory.choices(ROOM, NOW) == Choices()
    assert memory.passed_on(ROOM, NOW) == 0
    memory.said(ROOM, "before all", NOW, private=False)
    memory.offered(ROOM, Choices(("/news",)), NOW, private=False)
    memory.others_read(ROOM)
    assert memory.fact(ROOM, NOW + timedelta(minutes=1)) == "before all"
    assert memory.choices(ROOM, NOW) == Choices(("/news",))
