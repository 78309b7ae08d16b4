"""A steward changes a file while the bot runs: taken whole within a minute, or not at all and said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app import App, open_app
from bot.config import Settings
from tests.bot_api import BotApi
from tests.live import QUESTION, ROOM, app_on, live, text


@pytest.fixture
async def changing(api: BotApi, app: App, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    monkeypatch.setattr("bot.loops.reload.EVERY_SECONDS", 0.2)
    monkeypatch.setattr("bot.loops.reload.Reloader.__init__.__defaults__", (0.2,))
    api.group(-100555, "Stewards")
    opened = open_app(Settings(data=folder))
    opened.__dict__.update(encoder=app.encoder, executor=app.executor)
    async with live(app_on(opened, api.url, tmp_path / "state", room=ROOM)):
        yield folder


async def test_a_changed_claim_is_said_soon_and_a_broken_file_changes_nothing(api: BotApi, changing: Path) -> None:
    ana = api.user(1, "Ana", language_code="en")
    file = changing / "facts" / "van-cameras.yaml"
    good = file.read_text(encoding="utf-8")
    file.write_text(good.replace("status: reported", "status: rumoured", 1), encoding="utf-8")
    await api.wait_sent(1, 15)
    assert "status" in text(api)
    assert "van-cameras.yaml" in text(api)
    api.say(ana, QUESTION)
    await api.wait_sent(2, 10)
    assert "Netradyne" in text(api)
    file.write_text(good.replace("The AI-capable Netradyne cameras", "The clever Netradyne cameras", 1), encoding="utf-8")
    for number in range(3, 30):
        api.say(ana, QUESTION)
        await api.wait_sent(number, 10)
        if "The clever Netradyne cameras" in text(api):
            return
    raise AssertionError("the changed claim was never said")
