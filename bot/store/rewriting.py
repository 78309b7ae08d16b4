"""Deletion on PostgreSQL: a row that was deleted stays in the table's file, also after a plain VACUUM, until it is rewritten.

SQLite overwrites at once (`secure_delete`), and nothing is done here.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.logs import Event, warn
from bot.store.engine import Store

EVERY = timedelta(hours=1)
_GONE = text("SELECT relname, n_tup_upd + n_tup_del AS gone FROM pg_stat_user_tables WHERE schemaname = current_schema()")


class Rewriting:
    """Rewrites the tables in which something was deleted or changed since the last time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._done: dict[str, int] = {}
        self._next: datetime | None = None

    async def look(self, now: datetime) -> int:
        """Once an hour; how many tables were rewritten."""
        if self._store.is_sqlite or (self._next is not None and now < self._next):
            return 0
        self._next = now + EVERY
        return await self.rewrite()

    async def rewrite(self) -> int:
        """Now. A table that is in use for long waits for the next time rather than keep everybody waiting."""
        async with self._store.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            counted = {row.relname: int(row.gone) for row in await connection.execute(_GONE)}
            changed = [name for name, gone in counted.items() if gone != self._done.get(name)]
            await connection.execute(text("SET lock_timeout = '2s'"))
            await connection.execute(text("SET statement_timeout = '60s'"))
            try:
                return sum([await self._rewritten(connection, name, counted[name]) for name in changed])
            finally:
                await connection.invalidate()  # Its timeouts are nobody else's.

    async def _rewritten(self, connection: AsyncConnection, name: str, gone: int) -> bool:
        try:
            await connection.execute(text(f'VACUUM (FULL) "{name}"'))
        except DBAPIError as error:  # One that is locked must not keep what was deleted in the others.
            if error.connection_invalidated:
                raise
            warn(Event.NOT_REWRITTEN, exception=error)
            return False
        self._done[name] = gone
        return True
