"""P5. What was deleted is in no backup that is still kept."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest

from bot.backups import Backups, dated, read_backup
from bot.digests import Schedule, Subscription
from bot.keys import Keys
from bot.messages import Address
from bot.store import Store, open_store, subscriptions
from bot.store.dumping import dump
from bot.store.restoring import restore
from tests.conftest import NOW, TODAY
from tests.promises.conftest import Evidence

KEYS = Keys(b"k" * 32)
GONE, STAYS = Address("telegram", "-1007099887766"), Address("telegram", "-1007099887755")
DAY = timedelta(days=1)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(database_url, KEYS) as opened:
        yield opened


async def _save(store: Store, backups: Backups, moment: datetime) -> None:
    """The backup of a day, and what the bot removes that day."""
    path = backups.keep((await dump(store)).content, dated(moment), KEYS)
    os.utime(path, (moment.timestamp(), moment.timestamp()))
    backups.sweep(moment)


async def _chats_in(file: Path, folder: Path) -> set[Address]:
    """The chats of a backup once it is put back."""
    async with open_store(f"sqlite+aiosqlite:///{folder}/{file.stem}.db", KEYS) as store:
        content = read_backup(file, KEYS, None)
        await restore(store, content, file.name, [], NOW, TODAY, addresses=True, replace=True)
        return {one.address for one in await store.run(lambda c: subscriptions.all_subscriptions(store, c))}


@pytest.mark.promise("P5")
async def test_p05_a_chat_that_is_deleted_leaves_the_backups_after_their_time(
    store: Store, tmp_path: Path, evidence: Evidence
) -> None:
    backups = Backups(tmp_path / "backups")
    made = {}
    for address in (GONE, STAYS):
        wanted = Subscription("", address, Schedule("daily", time(18), "Europe/Berlin"), "de")
        made[address] = await store.run(lambda c, one=wanted: subscriptions.subscribe(store, c, one, NOW, ()))
    await _save(store, backups, NOW)
    await store.run(lambda c: subscriptions.end(c, made[GONE]))
    for day in range(1, backups.days + 1):
        await _save(store, backups, NOW + day * DAY)
    first = backups.folder / f"{dated(NOW)}.backup"
    evidence.finds("the chat, in the backup of before, up to the last day", GONE in await _chats_in(first, tmp_path))
    backups.sweep(NOW + (backups.days + 1) * DAY)
    kept = sorted(backups.folder.iterdir())
    assert first not in kept
    assert len(kept) == backups.days
    for file in kept:
        assert await _chats_in(file, tmp_path) == {STAYS}
    engine = store.engine.dialect.name
    evidence.measured(f"{len(kept)} daily backups put back {backups.days + 1} days later, deleted chats in them: 0 ({engine})")
