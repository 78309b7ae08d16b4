"""Where the bot may not be or not speak, and what whoever operates it sees of a homeserver that is away."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from bot.app import App
from bot.heartbeat import Pulse, last_heartbeat
from bot.transports.matrix import rooms
from tests.conftest import Clock
from tests.live import QUESTION, app_on_matrix, live, with_item
from tests.matrix import Fault, Homeserver, Person, Proxy
from tests.matrix_runs import Account, ask, meet, until


async def _left(person: Person, room: str, bot: str) -> str:
    """The reason for which the bot is out of a room, or did not enter it."""
    path, states = f"/rooms/{quote(room)}/state/m.room.member/{quote(bot)}", []

    async def is_out() -> bool:
        states.append(await person.call("GET", path))
        return bool(states[-1]["membership"] == "leave")

    await until(is_out, "the bot out of the room")
    return str(states[-1].get("reason", ""))


async def test_in_as_many_rooms_as_it_may_the_bot_refuses_another_and_says_why(
    anna: Person, matrix_bot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await meet(anna, matrix_bot)
    await ask(anna, kept)
    monkeypatch.setattr(rooms, "MOST_ROOMS", 1)
    refused = await anna.room(None, [matrix_bot], encrypted=False)
    assert "no more invitations" in await _left(anna, refused, matrix_bot)
    await ask(anna, kept, 2)


async def test_a_room_that_grows_too_large_is_left_with_the_reason(
    anna: Person, ben: Person, matrix_bot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await meet(ben, matrix_bot)
    monkeypatch.setattr(rooms, "MOST_MEMBERS", 2)
    room = await anna.room(None, [matrix_bot, ben.user_id], encrypted=False)
    await ben.accept(room)
    assert "rooms of this size" in await _left(anna, room, matrix_bot)
    await ask(ben, kept)


async def test_a_room_with_only_an_open_invitation_is_left_after_a_day(
    anna: Person, ben: Person, bot: Account, app: App, clock: Clock
) -> None:
    clock.now = datetime.now(UTC)
    async with bot.here(app):
        room, kept = await anna.room(None, [bot.user, ben.user_id], encrypted=False), await meet(ben, bot.user)
        await anna.wait_member(room, bot.user)
        await anna.leave(room)
        await ask(ben, kept)
        clock.now += timedelta(hours=23)
        token = await bot.hs.login(bot.user, bot.password)

        async def joined() -> list[str]:
            return list((await bot.hs.request("GET", "/_matrix/client/v3/joined_rooms", token))[1]["joined_rooms"])

        await ask(ben, kept, 2)
        assert room in await joined()
    async with bot.here(app):  # A restart begins no new day.
        clock.now += timedelta(hours=2)

        async def is_out() -> bool:
            return await joined() == [kept]

        await until(is_out, "the bot out of the room")


async def _mute(person: Person, room: str, level: int) -> None:
    path = f"/rooms/{quote(room)}/state/m.room.power_levels/"
    levels = await person.call("GET", path)
    await person.call("PUT", path, {**levels, "events_default": level})


async def test_a_room_in_which_the_bot_may_not_speak_rests_and_is_answered_again_when_it_may(
    hs: Homeserver,
    anna: Person,
    ben: Person,
    app: App,
    tmp_path: Path,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    user, password = await hs.new_user("bot")
    stewards = await anna.direct(user, encrypted=False)
    opened = app_on_matrix(app, hs.url, user, password, tmp_path / "state", f"matrix:{stewards}")
    clock.now = datetime.now(UTC).replace(hour=12)
    today = clock.now.date()
    async with live(opened):
        await anna.wait_member(stewards, user)
        room = await anna.room("Depot", [user, ben.user_id], encrypted=False)
        await ben.accept(room)
        await anna.wait_member(room, user)
        await anna.say(room, "!digest daily 18:00")
        await anna.wait_message(room, sender=user)
        await _mute(anna, room, 50)
        await anna.say(room, QUESTION, mentions=[user])
        await ask(anna, stewards)
        await until(lambda: "answer-given-up" in caplog.text, "what became of the answer")
        opened.base = with_item(opened, "brand-new")
        clock.now = datetime(today.year, today.month, today.day, 17, 0, 1, tzinfo=UTC)
        told = (await anna.wait_message(stewards, 2))[-1].body
        assert "Can no longer be reached: channel " in told
        assert [seen.sender for seen in anna.seen(room, user)] == [user]
        await _mute(anna, room, 0)
        await anna.say(room, "!digest resume")
        assert "Next digest" in (await anna.wait_message(room, 2, sender=user))[-1].body


@pytest.fixture
async def proxy(hs: Homeserver) -> AsyncIterator[Proxy]:
    async with Proxy(hs.url) as proxy:
        yield proxy


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.operating.BEAT_SECONDS", 0.1)


def _pulse(state: Path) -> Pulse:
    beat = last_heartbeat(state)
    return beat.platforms["matrix"] if beat else Pulse("none", None, 0, 0, 0, 0, 0)


@pytest.mark.usefixtures("quick")
async def test_status_tells_since_when_a_homeserver_is_down(
    bot: Account, app: App, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    async with bot.here(app, proxy.url) as service:
        await until(lambda: _pulse(bot.state).contact is not None, "a contact")
        proxy.down = True
        await until(lambda: "silent" in caplog.text, "a sync that does not come back")
        # Ten minutes later, as far as the inbox can tell.
        service.transports[0].inbox.clock = lambda: time.monotonic() + 600
        await until(lambda: (_pulse(bot.state).contact or 0) < time.time() - 500, "a contact of long ago")
        proxy.down = False
        await until(lambda: (_pulse(bot.state).contact or 0) > time.time() - 100, "a contact of now")
        assert _pulse(bot.state).state == "listening"


@pytest.mark.usefixtures("quick")
async def test_status_tells_that_a_forgotten_bot_is_not_back_yet(
    bot: Account, anna: Person, app: App, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    async with bot.here(app, proxy.url):
        room = await meet(anna, bot.user)
        await until(lambda: _pulse(bot.state).state == "listening", "the first login")
        login = Fault("POST", "/login$", before="429", retry_after_ms=300, times=None)
        proxy.faults += [Fault("GET", "/sync$", before="401"), Fault("GET", "/whoami$", before="401"), login]
        await anna.say(room, QUESTION)
        await until(lambda: _pulse(bot.state).state == "starting", "a bot that is not there")
        assert "token-refused" in caplog.text
        login.times = 0
        await anna.wait_message(room)
        await until(lambda: _pulse(bot.state).state == "listening", "the second login")
