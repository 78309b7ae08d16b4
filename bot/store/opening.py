"""Opening the database: looked over, kept a copy of where migrations wait, and brought to this version's schema."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from sqlalchemy import Connection, text

from bot.backups import Backups
from bot.environment import MAIN
from bot.keys import Keys
from bot.store.chats import opens
from bot.store.dumping import dump
from bot.store.engine import Store, connected
from bot.store.migrate import is_behind, upgrade
from bot.store.refused import damaged, explained


@asynccontextmanager
async def open_store(url: str, keys: Keys, backups: Backups | None = None) -> AsyncIterator[Store]:
    """The database of a URL, brought to this version's schema, closed at the end.

    Where migrations are needed it is backed up first; without `backups` it is not.

    :raises BrokenStore: where it cannot be opened, is damaged, or belongs to a newer version.
    :raises BrokenBackup: where the backup cannot be written; then nothing was changed.
    """
    async with connected(url, keys) as store:
        with explained(url):
            if not await store.run(lambda connection: connection.run_sync(_is_sound)):
                raise damaged(url)
            if backups is not None and await store.run(lambda connection: connection.run_sync(is_behind)):
                await _keep(store, backups)
            await store.run(lambda connection: connection.run_sync(partial(upgrade, keys=keys)))
        await store.run(partial(opens, store))
        yield store.of(MAIN)


async def _keep(store: Store, backups: Backups) -> None:
    """As it was before, unless another process has migrated it meanwhile."""
    made = await dump(store)
    if made.is_old:
        backups.keep(made.content, f"before-{made.head}", store.keys)


def _is_sound(connection: Connection) -> bool:
    """A look at every page, 0.1 s for 100 MB; PostgreSQL looks after itself."""
    return connection.dialect.name != "sqlite" or connection.execute(text("PRAGMA quick_check(1)")).scalar_one() == "ok"
