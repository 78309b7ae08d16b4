"""A chat that threw the bot out: it rests, it may come back, and it is not kept for ever."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, text

from bot.app import App
from bot.keys import Keys
from bot.lifetimes import GONE
from bot.loops.purge import purge
from bot.store import Store, open_store, subscriptions
from bot.store.engine import connected
from bot.store.migrate import upgrade
from tests.bot_api import BotApi
from tests.conftest import NOW, Clock
from tests.ledger_world import World
from tests.live import ROOM, app_on, live
from tests.live import text as said
from tests.test_ledger_defects import subscribed

KEYS = Keys(b"k" * 32)
CHANNEL = -100900


async def _kept(store: Store) -> list[str]:
    return [one.paused for one in await store.run(lambda t: subscriptions.all_subscriptions(store, t))]


async def test_it_is_erased_by_itself_also_where_it_was_paused_before(
    api: BotApi, app: App, tmp_path: Path, clock: Clock
) -> None:
    api.channel(CHANNEL, "Union news", admins=[api.user(5, "Ben")])
    api.group(-100555, "Stewards")
    opened = app_on(app, api.url, tmp_path / "state", room=ROOM)
    async with live(opened):
        assert opened.store is not None
        api.post(CHANNEL, "/digest daily 18:00")
        await api.wait_sent(1)
        api.post(CHANNEL, "/digest pause")
        await api.wait_sent(2)
        api.set_status(CHANNEL, "kicked")
        await api.wait_sent(3)
        assert "Can no longer be reached" in said(api)
        assert await _kept(opened.store) == ["gone"]
        clock.now += GONE - timedelta(days=1)
        api.set_status(CHANNEL, "administrator")
        api.post(CHANNEL, "/digest resume")
        await api.wait_sent(4)
        assert await _kept(opened.store) == [""]


async def test_the_purge_erases_it(tmp_path: Path) -> None:
    world = World(f"sqlite+aiosqlite:///{tmp_path}/a.db")
    await world.start()
    one = await subscribed(world, "telegram:-1")
    await world.store.run(lambda t: subscriptions.change(t, replace(one, paused="gone"), NOW))
    for after, left in ((GONE - timedelta(minutes=1), ["gone"]), (GONE, [])):
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await purge(world.store, lambda after=after: NOW + after)  # type: ignore[misc]
        assert await _kept(world.store) == left
    await world.stop()


async def test_what_rests_at_the_upgrade_is_counted_from_then(database_url: str) -> None:
    def old(connection: Connection) -> None:
        upgrade(connection, KEYS, "0009")
        row = "INSERT INTO subscriptions (chat, settings, paused, planned, next) VALUES (:chat, '{}', :paused, 0, 0)"
        connection.execute(text(row), [{"chat": "a", "paused": "gone"}, {"chat": "b", "paused": ""}])
        held = "INSERT INTO releases (entry, steward, at, until) VALUES ('x', 'anna', :at, :until)"
        connection.execute(text(held), {"at": 7, "until": 9})

    async with connected(database_url, KEYS) as store:
        await store.run(lambda t: t.run_sync(old))
        await store.run(lambda t: t.run_sync(partial(upgrade, keys=KEYS)))
        rests = {
            row.chat: row.rests for row in await store.run(lambda t: t.execute(text("SELECT chat, rests FROM subscriptions")))
        }
        now = datetime.now(UTC).timestamp()
        assert rests["b"] == 0
        assert now - 600 < rests["a"] <= now + 1
        acts = await store.run(lambda t: t.execute(text("SELECT steward, at FROM acts")))
        assert [(row.steward, row.at) for row in acts] == [("anna", 7)]
        assert await store.run(lambda t: t.scalar(text("SELECT until FROM releases"))) == 9
    async with open_store(database_url, KEYS):
        pass
