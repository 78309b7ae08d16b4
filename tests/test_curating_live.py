"""From a draft to an answer, in the stewards' room of each platform, with the bot as it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app import App, open_app
from bot.config import Settings
from bot.intake.importing import start
from bot.messages import Address
from tests.bot_api import BotApi
from tests.live import ROOM, app_on, app_on_matrix, buttons, live, text
from tests.matrix import Homeserver, Person
from tests.newsroom import ARTICLE, empty_folder
from tests.test_curating import FACT, FACT_LINES, ITEM, ITEM_LINES

ASKED = "are there cameras at the conveyor"


@pytest.fixture
def own(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    """The bot on a folder of the union's own, in which a draft lies."""
    monkeypatch.setattr("bot.loops.drafts.EVERY_SECONDS", 0.2)
    opened = open_app(Settings(data=empty_folder(tmp_path / "own")))
    opened.__dict__.update(encoder=app.encoder, executor=app.executor)
    start(opened.base.folder, opened.base, ARTICLE)
    return opened


@pytest.fixture
async def room(api: BotApi, own: App, tmp_path: Path) -> AsyncIterator[App]:
    api.group(-100555, "Stewards", members=[api.user(1001, "Anna"), api.user(1002, "Eve")])
    made = app_on(own, api.url, tmp_path / "state", room=ROOM, data=own.base.folder, stewards={"telegram:1001": "anna"})
    async with live(made):
        await api.wait_sent(1, 20)
        yield made


async def test_a_draft_is_shown_completed_by_reply_and_published_by_a_tap(api: BotApi, room: App) -> None:
    anna, worker = api.user(1001, "Anna", language_code="en"), api.user(7, "Ana", language_code="en")
    assert text(api).startswith(f"Draft of a publication: {ITEM}")
    api.say(anna, ITEM_LINES, chat=-100555, reply_to=api.sent[0])
    await api.wait_sent(2)
    api.say(anna, f"/draft {FACT}", chat=-100555)
    await api.wait_sent(3)
    api.say(anna, FACT_LINES, chat=-100555, reply_to=api.sent[2])
    await api.wait_sent(4)
    assert "It will read like this" in text(api)
    assert "Publish" in buttons(api.sent[1])
    api.click(anna, api.sent[1], f"1n/publish {ITEM}")
    await api.wait_sent(5)
    assert text(api).startswith(f"Published: {ITEM}, {FACT}")
    for number in range(6, 60):
        api.say(worker, ASKED)
        await api.wait_sent(number)
        if text(api).startswith("Cameras are said to hang"):
            return
    raise AssertionError("the published claim was never said")


async def test_nobody_else_in_the_room_may(api: BotApi, room: App) -> None:
    eve = api.user(1002, "Eve", language_code="en")
    before = sorted(path.read_bytes() for path in room.base.folder.rglob("*.yaml"))
    api.say(eve, ITEM_LINES, chat=-100555, reply_to=api.sent[0])
    await api.wait_sent(2)
    api.click(eve, api.sent[0], f"1n/withdraw {ITEM}")
    await api.wait_calls("answerCallbackQuery", 1)
    assert "Only who runs" in str(api.answered_queries[-1])
    assert sorted(path.read_bytes() for path in room.base.folder.rglob("*.yaml")) == before


async def test_in_an_encrypted_room_too(hs: Homeserver, anna: Person, own: App, tmp_path: Path) -> None:
    user, password = await hs.new_user("bot")
    alone = app_on_matrix(own, hs.url, user, password, tmp_path / "state")
    stewards = {f"matrix:{anna.user_id}": "anna"}
    alone.settings = replace(alone.settings, data=own.base.folder, stewards=stewards)
    async with live(alone):
        room = await anna.direct(user)
        await anna.wait_member(room, user)
        await anna.say(room, f"!draft {ITEM}")
        shown = (await anna.wait_message(room, 1, sender=user))[0]
        assert shown.body.startswith(f"Draft of a publication: {ITEM}")
        await anna.say(room, ITEM_LINES, reply_to=shown.event_id)
        await anna.wait_message(room, 2, sender=user)
        await anna.say(room, f"!draft {FACT}")
        claim = (await anna.wait_message(room, 3, sender=user))[2]
        # As after a restart: what was sent is not remembered any more.
        alone.memory.forget(Address("matrix", room))
        await anna.say(room, FACT_LINES, reply_to=claim.event_id)
        assert "which draft" in (await anna.wait_message(room, 4, sender=user))[3].body
        await anna.say(room, f"> <{user}> Draft of a claim: {FACT}\n> claim de: …\n\n{FACT_LINES}", reply_to=claim.event_id)
        assert "It will read like this" in (await anna.wait_message(room, 5, sender=user))[4].body
        await anna.say(room, f"!publish {ITEM}")
        assert (await anna.wait_message(room, 6, sender=user))[5].body.startswith(f"Published: {ITEM}, {FACT}")
        for number in range(7, 60):
            await anna.say(room, ASKED)
            if (await anna.wait_message(room, number, sender=user))[-1].body.startswith("Cameras are said to hang"):
                return
        raise AssertionError("the published claim was never said")
