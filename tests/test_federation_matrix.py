"""A Matrix account that moves to another process with its folder goes on as the same device."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot import federation
from bot.app import App
from bot.config import Settings
from bot.federation import Federation
from bot.store import open_store
from tests.live import KEYS
from tests.matrix import Homeserver, Person
from tests.matrix_runs import Account, ask, meet, until
from tests.postgres import Postgres

pytestmark = pytest.mark.promises


@asynccontextmanager
async def _process(app: App, account: Settings, state: Path, shared: Path) -> AsyncIterator[Federation]:
    """One of several, with a state folder of its own but for the account's."""
    own = replace(account, state=state)
    state.mkdir()
    own.matrix_folder.symlink_to(shared)
    made = replace(app, settings=own)
    made.__dict__.update(matcher=app.matcher, encoder=app.encoder, executor=app.executor)
    async with open_store(str(account.database), KEYS) as store:
        running = Federation(made, [own], store, KEYS)
        task = asyncio.create_task(running.run())
        try:
            yield running
        finally:
            running.stop()
            await asyncio.wait_for(task, 30)


async def test_it_moves_with_its_device(
    app: App, hs: Homeserver, anna: Person, postgres_server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(federation, "LOOK_SECONDS", 0.2)
    bot = await Account.make(hs, tmp_path / "unused")
    matrix = {"matrix_homeserver": hs.url, "matrix_user": bot.user, "matrix_password": bot.password}
    shared = replace(app.settings, database=postgres_server.database(), language="en", contact="office", name="union")
    account = replace(shared, **matrix)
    folder = tmp_path / "shared"
    folder.mkdir()
    async with _process(app, account, tmp_path / "one", folder) as one:
        await until(lambda: "union" in one.served, "the first serves it")
        await bot.ready()
        room = await meet(anna, bot.user)
        assert "Netradyne" in await ask(anna, room, 1)
        async with _process(app, account, tmp_path / "other", folder) as other:
            one.stop()
            await anna.say(room, "does it record sound?")
            await until(lambda: "union" in other.served, "the other serves it")
            said = (await anna.wait_message(room, 2, timeout=120))[1].body
            assert "Unable" not in said
            assert "Netradyne" in await ask(anna, room, 3)
            assert len(bot.devices()) == 1
