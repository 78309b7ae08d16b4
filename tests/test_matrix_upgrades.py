"""A digest moves along only where both rooms say that one replaces the other: anybody can name any room in one of their own."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from bot.app import App
from tests.live import QUESTION, app_on_matrix, live
from tests.matrix import Homeserver, Person
from tests.matrix_runs import until

pytestmark = pytest.mark.promises

KEPT = ("chats", "subscriptions", "seen")


@pytest.fixture
async def bot(hs: Homeserver, app: App, tmp_path: Path) -> AsyncIterator[str]:
    user, password = await hs.new_user("bot")
    async with live(app_on_matrix(app, hs.url, user, password, tmp_path / "state")):
        yield user


async def _subscribed(owner: Person, other: Person, bot: str, hour: str) -> str:
    """A room of two people and the bot that gets a digest."""
    room = await owner.room("Depot", [bot, other.user_id], encrypted=False)
    await other.accept(room)
    await owner.wait_member(room, bot)
    await owner.wait_member(room, other.user_id)
    await owner.say(room, f"!digest daily {hour}")
    assert hour in (await owner.wait_message(room, sender=bot))[-1].body
    return room


async def _hour(person: Person, room: str, bot: str, number: int) -> str:
    """What the bot says of the digest in a room, as its answer of that number there."""
    await person.say(room, "!digest")
    return (await person.wait_message(room, number, sender=bot))[number - 1].body


async def _bury(person: Person, room: str, successor: str) -> None:
    """Say of a room that another one replaces it, as everybody may of a room of their own."""
    content = {"body": "moved", "replacement_room": successor}
    await person.call("PUT", f"/rooms/{quote(room)}/state/m.room.tombstone/", content)


def _kept(folder: Path) -> dict[str, list[Any]]:
    [file] = (folder / "state").glob("*.db")
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        return {table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall()) for table in KEPT}
    finally:
        connection.close()


async def _settled(folder: Path, app: App) -> dict[str, list[Any]]:
    """What is kept once all that was said in answer is written down: every item is known in every chat."""
    await until(lambda: len((kept := _kept(folder))["seen"]) == len(kept["chats"]) * len(app.base.items), "what was said")
    return _kept(folder)


async def test_who_names_the_unions_room_as_successor_of_their_own_moves_nothing_there(
    bot: str, app: App, anna: Person, ben: Person, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    union = await _subscribed(anna, ben, bot, "18:00")
    bait = await _subscribed(ben, anna, bot, "07:00")
    before = await _settled(tmp_path, app)
    await _bury(ben, bait, union)
    await until(lambda: "upgrade-refused" in caplog.text, "a refusal")
    assert "07:00" in await _hour(ben, bait, bot, 2)
    assert "18:00" in await _hour(anna, union, bot, 2)
    assert _kept(tmp_path) == before
    assert len(before["chats"]) == 2
    assert bot in await anna.members(union)


async def test_the_bot_does_not_stay_where_a_forged_upgrade_leads(
    bot: str, app: App, anna: Person, ben: Person, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bait = await _subscribed(ben, anna, bot, "07:00")
    before = await _settled(tmp_path, app)
    public = (await anna.call("POST", "/createRoom", {"preset": "public_chat"}))["room_id"]
    await _bury(ben, bait, public)
    await until(lambda: "upgrade-refused" in caplog.text, "a refusal")

    async def gone() -> bool:
        return bot not in await anna.members(public)

    await until(gone, "the bot out of the room")
    assert _kept(tmp_path) == before


@pytest.mark.parametrize("public", [True, False])
async def test_a_forged_upgrade_beside_the_real_one_changes_nothing(
    bot: str, anna: Person, ben: Person, tmp_path: Path, public: bool
) -> None:
    union = await _subscribed(anna, ben, bot, "18:00")
    bait = await _subscribed(ben, anna, bot, "07:00")
    if public:
        await anna.call("PUT", f"/rooms/{quote(union)}/state/m.room.join_rules/", {"join_rule": "public"})
    new = await anna.upgrade(union)
    await _bury(ben, bait, new)
    assert "07:00" in await _hour(ben, bait, bot, 2)
    if not public:
        await anna.invite(new, bot)
    await anna.invite(new, ben.user_id)
    await ben.accept(new)
    await anna.wait_member(new, bot)
    assert "18:00" in await _hour(anna, new, bot, 1)
    assert "07:00" in await _hour(ben, bait, bot, 3)
    assert len(_kept(tmp_path)["chats"]) == 2


async def test_who_names_a_room_that_the_bot_is_invited_to_later_moves_nothing_there(
    bot: str, app: App, anna: Person, ben: Person, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bait = await _subscribed(ben, anna, bot, "07:00")
    before = await _settled(tmp_path, app)
    union = await anna.room("Union", [ben.user_id], encrypted=False)
    await _bury(ben, bait, union)
    assert "07:00" in await _hour(ben, bait, bot, 2)
    await anna.invite(union, bot)
    await anna.wait_member(union, bot)
    await until(lambda: "upgrade-refused" in caplog.text, "a refusal")
    await anna.say(union, QUESTION, mentions=[bot])
    await anna.wait_message(union, sender=bot)
    assert "07:00" in await _hour(ben, bait, bot, 3)
    assert _kept(tmp_path) == before
