"""What is answered can be read by nobody who takes the bot's keys and its homeserver's database; nothing goes out in clear."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.app import App
from bot.keys import Keys
from bot.transports.matrix import upkeep
from tests.live import QUESTION
from tests.matrix import Homeserver, Person, Proxy
from tests.matrix_runs import Account, ask, meet, said_by, until
from tests.seizure import readable

KEYS = Keys(b"k" * 32)


@pytest.fixture
async def bot(hs: Homeserver, tmp_path: Path) -> Account:
    return await Account.make(hs, tmp_path / "state")


@pytest.mark.parametrize("ratcheting", [True, False])
async def test_who_seizes_everything_reads_no_answered_question(
    bot: Account, anna: Person, app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ratcheting: bool
) -> None:
    if not ratcheting:
        monkeypatch.setattr(upkeep, "ratchet", lambda client, last: None)
    async with bot.here(app):
        room = await meet(anna, bot.user)
        for number in range(1, 4):
            await ask(anna, room, number)
        await ask(anna, await meet(anna, bot.user))  # by then the bot has heard of all its answers
        events = await said_by(anna, room, anna.user_id)
        assert len(events) == 3
        copies = (tmp_path / f"seized-{number}" for number in range(100))
        wanted = [] if ratcheting else [QUESTION] * 3
        await until(lambda: readable(bot.state, KEYS, bot.user, events, next(copies)) == wanted, "what can be read", 10)


async def test_a_kill_between_saving_and_moving_on_is_made_good_at_the_next_start(
    bot: Account, anna: Person, app: App, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as killed:
        killed.setattr(upkeep, "ratchet", lambda client, last: None)
        async with bot.here(app):
            room = await meet(anna, bot.user)
            await ask(anna, room)
    events = await said_by(anna, room, anna.user_id)
    assert readable(bot.state, KEYS, bot.user, events, tmp_path / "before") == [QUESTION]
    async with bot.here(app):
        await ask(anna, await meet(anna, bot.user))
    assert readable(bot.state, KEYS, bot.user, events, tmp_path / "after") == []


class Hiding(Proxy):
    """A homeserver that denies that rooms are encrypted."""

    hiding = False

    async def _pass(self, request: Any, body: bytes) -> Any:
        response = await super()._pass(request, body)
        if self.hiding and request.path.endswith(("/sync", "/state")):
            response.body = response.body.replace(b'"m.room.encryption"', b'"m.room.nothing"')
        return response


async def test_never_in_clear_where_it_was_encrypted_once(bot: Account, hs: Homeserver, anna: Person, app: App) -> None:
    async with Hiding(hs.url) as proxy:
        async with bot.here(app, proxy.url):
            room = await meet(anna, bot.user)
            await ask(anna, room)
            other = await meet(anna, bot.user, encrypted=False)
        proxy.hiding = True
        await anna.say(room, QUESTION)
        async with bot.here(app, proxy.url):
            await ask(anna, other)
            await anna.say(room, QUESTION)
            await ask(anna, other, 2)
    assert [event["type"] for event in await said_by(anna, room, bot.user)] == ["m.room.encrypted"]
    assert not [one for one in proxy.requests if one.method == "PUT" and f"{room}/send/m.room.message/" in one.path]
