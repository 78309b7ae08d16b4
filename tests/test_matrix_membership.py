"""Matrix rooms: whom we follow, whom we leave, whose invitation we take, and who manages a room."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote

import pytest

from bot.app import App
from bot.desk import Desk
from bot.messages import Message, Reply, Role, reply
from bot.router import Router
from bot.transports.matrix.rooms import INVITES_HOUR_EACH
from tests.live import QUESTION, app_on_matrix, live
from tests.matrix import Fault, Homeserver, Person, Proxy
from tests.test_matrix_rooms import depot, is_quiet, meet

__all__ = ["depot"]


async def test_alone_kicked_or_banned_the_bot_goes_and_answers_the_others(
    hs: Homeserver, app: App, anna: Person, ben: Person, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    user, password = await hs.new_user("bot")
    async with live(app_on_matrix(app, hs.url, user, password, tmp_path / "state")):
        rooms = [await anna.room(None, [user], encrypted=False) for _ in range(3)]
        kept = await ben.direct(user)
        for room in rooms:
            await anna.wait_member(room, user)
        await anna.kick(rooms[0], user)
        await anna.say(rooms[1], QUESTION)
        await anna.ban(rooms[1], user)
        await anna.leave(rooms[2])
        await ben.wait_member(kept, user)
        await ben.say(kept, "hello")
        await ben.wait_message(kept)
        token = await hs.login(user, password)
        while (await hs.request("GET", "/_matrix/client/v3/joined_rooms", token))[1]["joined_rooms"] != [kept]:
            await asyncio.sleep(0.05)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] in ([], ["answer-given-up"])


@pytest.mark.parametrize("public", [True, False])
async def test_an_upgraded_room_is_followed(anna: Person, ben: Person, depot: str, matrix_bot: str, public: bool) -> None:
    if public:
        await anna.call("PUT", f"/rooms/{quote(depot)}/state/m.room.join_rules/", {"join_rule": "public"})
    await is_quiet(anna, depot, matrix_bot, 0)
    new = await anna.upgrade(depot)
    if not public:
        await is_quiet(ben, await meet(ben, matrix_bot), matrix_bot, 0)
        assert matrix_bot not in await anna.members(new)
        await anna.invite(new, matrix_bot)
    await anna.wait_member(new, matrix_bot)
    await anna.say(new, QUESTION, mentions=[matrix_bot])
    assert "Netradyne" in (await anna.wait_message(new))[0].body


@pytest.fixture
def managed(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more command, for who manages the chat."""
    extra = Router()

    @extra.command("manage", needs=Role.MANAGER)
    async def manage(message: Message, desk: Desk) -> Reply:
        return reply("done")

    from handlers import router

    monkeypatch.setattr("bot.running.router", Router(router, extra))


@pytest.mark.parametrize("version", ["11", "12"])
async def test_managers_are_the_creator_and_who_has_power_fifty(
    managed: None, anna: Person, ben: Person, matrix_bot: str, version: str
) -> None:
    room = await anna.room("Depot", [matrix_bot, ben.user_id], encrypted=False, power={ben.user_id: 0}, version=version)
    await ben.accept(room)
    await anna.wait_member(room, matrix_bot)
    for number, (person, level, allowed) in enumerate([(anna, 0, True), (ben, 0, False), (ben, 49, False), (ben, 50, True)], 1):
        if person is ben:
            await anna.set_power(room, ben.user_id, level)
        await person.say(room, "!manage")
        assert ((await anna.wait_message(room, number, sender=matrix_bot))[-1].body == "done") is allowed


async def _invite_to_new_rooms(person: Person, bot: str, count: int) -> list[str]:
    body = {"invite": [bot], "preset": "private_chat", "is_direct": True}
    return [(await person.call("POST", "/createRoom", body))["room_id"] for _ in range(count)]


async def _membership(person: Person, room: str, user: str) -> dict[str, str]:
    """What the bot made of an invitation, as soon as it is no longer open."""
    while True:
        state = await person.call("GET", f"/rooms/{quote(room)}/state/m.room.member/{quote(user)}")
        if state["membership"] != "invite":
            return dict(state)
        await asyncio.sleep(0.05)


@pytest.mark.promises
async def test_a_flood_of_invitations_is_refused_with_a_reason(anna: Person, ben: Person, matrix_bot: str) -> None:
    rooms = await _invite_to_new_rooms(ben, matrix_bot, INVITES_HOUR_EACH + 3)
    states = [await _membership(ben, room, matrix_bot) for room in rooms]
    assert sorted(state["membership"] for state in states) == ["join"] * INVITES_HOUR_EACH + ["leave"] * 3
    assert all("invitations" in state["reason"] for state in states if state["membership"] == "leave")
    await is_quiet(anna, await meet(anna, matrix_bot), matrix_bot, 0)


@pytest.mark.promises
async def test_a_flood_of_one_person_does_not_shut_out_another(anna: Person, ben: Person, matrix_bot: str) -> None:
    await _membership(ben, (await _invite_to_new_rooms(ben, matrix_bot, INVITES_HOUR_EACH + 1))[-1], matrix_bot)
    room = await anna.direct(matrix_bot)
    assert (await _membership(anna, room, matrix_bot))["membership"] == "join"


async def test_an_invitation_that_had_to_wait_is_taken_later(hs: Homeserver, app: App, anna: Person, tmp_path: Path) -> None:
    user, password = await hs.new_user("bot")
    async with Proxy(hs.url) as proxy, live(app_on_matrix(app, proxy.url, user, password, tmp_path / "state")):
        proxy.faults.append(Fault("POST", "/join/", before="429", retry_after_ms=500))
        room = await anna.direct(user, encrypted=False)
        await anna.wait_member(room, user)


async def test_an_invitation_that_hangs_holds_up_nobody(
    hs: Homeserver, app: App, anna: Person, ben: Person, tmp_path: Path
) -> None:
    user, password = await hs.new_user("bot")
    async with Proxy(hs.url) as proxy, live(app_on_matrix(app, proxy.url, user, password, tmp_path / "state")):
        other = await meet(ben, user)
        proxy.faults.append(Fault("POST", "/join$", before="hang"))
        await _invite_to_new_rooms(anna, user, 1)
        while not proxy.faults[0].struck:
            await asyncio.sleep(0.05)
        await is_quiet(ben, other, user, 0)
        assert not proxy.requests or not any(one.path.endswith("/join") and one.status == 0 for one in proxy.requests)


async def test_a_digest_moves_along_to_the_room_that_replaces_its_own(
    hs: Homeserver, app: App, anna: Person, ben: Person, tmp_path: Path
) -> None:
    user, password = await hs.new_user("bot")
    async with live(app_on_matrix(app, hs.url, user, password, tmp_path / "state")):
        room = await anna.room("Depot", [user, ben.user_id], encrypted=False)
        await ben.accept(room)
        await anna.wait_member(room, user)
        await anna.say(room, "!digest daily 18:00")
        assert "18:00" in (await anna.wait_message(room, sender=user))[0].body
        new = await anna.upgrade(room)
        await is_quiet(ben, await meet(ben, user), user, 0)
        assert user not in await anna.members(new)
        await anna.invite(new, user)
        await anna.invite(new, ben.user_id)
        await ben.accept(new)
        await anna.wait_member(new, user)
        await anna.say(new, "!digest")
        assert "18:00" in (await anna.wait_message(new, sender=user))[0].body


async def test_a_room_that_throws_the_bot_out_is_told_to_the_stewards_once(
    hs: Homeserver, app: App, anna: Person, ben: Person, tmp_path: Path
) -> None:
    user, password = await hs.new_user("bot")
    stewards = await anna.direct(user)
    async with live(app_on_matrix(app, hs.url, user, password, tmp_path / "state", f"matrix:{stewards}")):
        await anna.wait_member(stewards, user)
        room = await anna.room("Depot", [user, ben.user_id], encrypted=False)
        await ben.accept(room)
        await anna.wait_member(room, user)
        await anna.say(room, "!digest daily 18:00")
        await anna.wait_message(room, sender=user)
        await anna.kick(room, user)
        told = (await anna.wait_message(stewards))[0].body
        assert "Can no longer be reached: channel " in told
        assert room not in told
        await is_quiet(anna, stewards, user, 1)
