"""The whole bot: what a channel sees when it subscribes, when the bot stops, and when its clock is wrong."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import App
from bot.keys import Keys
from bot.store import held, ledger, open_store
from tests.bot_api import BotApi
from tests.conftest import Clock
from tests.ledger_world import item
from tests.live import app_on, live, text, with_changed

CHANNEL = -100900
CHANNELS = 6


async def test_what_stewards_dropped_is_not_shown_as_a_proof(api: BotApi, app: App, tmp_path: Path, clock: Clock) -> None:
    api.channel(CHANNEL, "Union news", admins=[api.user(5, "Ben")])
    opened = app_on(app, api.url, tmp_path / "state")
    opened.base = with_changed(opened, item("brand-new"))
    async with live(opened):
        store = opened.store
        assert store is not None
        await store.run(lambda t: held.decide(store, t, ["brand-new"], held.DROPPED))
        api.post(CHANNEL, "/digest daily 18:00")
        await api.wait_sent(1)
        assert "#brand-new#" not in text(api)


async def test_an_orderly_stop_leaves_nothing_unknown(api: BotApi, app: App, tmp_path: Path, clock: Clock) -> None:
    for number in range(CHANNELS):
        api.channel(CHANNEL - number, "Union news", admins=[api.user(5, "Ben")])
    opened = app_on(app, api.url, tmp_path / "state")
    async with live(opened):
        for number in range(CHANNELS):
            api.post(CHANNEL - number, "/digest daily 18:00")
        await api.wait_sent(CHANNELS)
        opened.base = with_changed(opened, item("brand-new"))
        api.latency = 0.7
        clock.now += timedelta(hours=5, seconds=1)
        await api.wait_calls("sendMessage", CHANNELS + 2, 10)
    url = opened.settings.database_url
    async with open_store(url, Keys(b"k" * 32)) as store:
        counted = await store.run(ledger.counts)
    assert set(counted) <= {"sent", "pending"}


async def test_a_clock_that_was_a_year_ahead_for_a_moment_costs_no_digest(
    api: BotApi, app: App, tmp_path: Path, clock: Clock
) -> None:
    api.channel(CHANNEL, "Union news", admins=[api.user(5, "Ben")])
    opened = app_on(app, api.url, tmp_path / "state")
    right = clock.now
    async with live(opened):
        api.post(CHANNEL, "/digest daily 18:00")
        await api.wait_sent(1)
        await api.wait_drained()
    clock.now = right + timedelta(days=365)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bot.publishing._urls", lambda app: [api.url])
        async with live(opened):
            await asyncio.sleep(1)
    clock.now = right + timedelta(hours=5, seconds=1)
    opened.base = with_changed(opened, item("brand-new"))
    async with live(opened):
        await api.wait_sent(2)
    assert "#brand-new#" in text(api)
