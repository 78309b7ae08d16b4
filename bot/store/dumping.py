"""All rows of one moment as lines of JSON, packed with gzip: what SQLite and PostgreSQL restore from each other.

The first line says which schema and key file it was made with. Then each table: a line that names its columns, a line a
row, and a line with their number and hash. The last line holds an HMAC of all hashes, so that nobody else can write one.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from sqlalchemy import Connection, MetaData, Table, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import StaticPool

from bot.keys import Keys
from bot.store.chats import PURPOSE as SEALED
from bot.store.engine import Store
from bot.store.migrate import head, revision_of
from bot.store.refused import BrokenStore, damaged, explained
from bot.store.schema import answered, chats, metadata

LEFT_OUT = frozenset({answered.name})
"""Marks of what was answered live for 25 hours, and a platform delivers nothing again that is as old as a backup."""
PURPOSE = "backup"
FORMAT = 1
_LEVEL = 6
_ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Dump:
    """A dump of a database of `revision`; `head` is this version's."""

    revision: str
    head: str
    rows: int
    content: bytes

    @property
    def is_old(self) -> bool:
        return self.revision != self.head


async def dump(store: Store) -> Dump:
    """Every row but `LEFT_OUT`, as of one moment; on SQLite writers wait for the copying of pages alone.

    :raises BrokenStore: where the database is empty or damaged.
    :raises BrokenKey: where the key file is not the one that its addresses were sealed with.
    """
    url = store.engine.url.render_as_string(hide_password=False)
    with explained(url):
        async with _one_moment(store) as connection:
            if store.is_sqlite and (await connection.execute(text("PRAGMA quick_check(1)"))).scalar_one() != "ok":
                raise damaged(url)
            return await connection.run_sync(_dump, store.keys)


@asynccontextmanager
async def _one_moment(store: Store) -> AsyncIterator[AsyncConnection]:
    if not store.is_sqlite:
        async with store.engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection
        return
    # In memory: on disk it would be one more place that keeps what is erased.
    copies = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool, hide_parameters=True)
    try:
        async with copies.connect() as copy:
            await store.copy_to(copy)
            yield copy
    finally:
        await copies.dispose()


def own_tables(connection: Connection) -> list[Table]:
    """The product's tables as this database has them, whatever else lies beside them."""
    found = MetaData()
    found.reflect(connection, only=lambda name, _: name in metadata.tables)
    return found.sorted_tables


def _dump(connection: Connection, keys: Keys) -> Dump:
    revision = revision_of(connection)
    if revision is None:
        raise BrokenStore("RUECKSPIEGEL_DATABASE: there is nothing in this database yet; check RUECKSPIEGEL_STATE")
    out, rows, hashes = io.BytesIO(), 0, []
    tables = [table for table in own_tables(connection) if table.name not in LEFT_OUT]
    if chats.name in {table.name for table in tables}:
        for sealed in connection.execute(select(chats.c.sealed)).scalars():
            keys.open(sealed, SEALED)  # Else the backup could not be used, and nobody would know.
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=_LEVEL, mtime=0) as packed:
        packed.write(
            line({"rueckspiegel": FORMAT, "product": version("rueckspiegel"), "revision": revision, "key": whose(keys)})
        )
        for table in tables:
            count, digest = _write(connection, table, packed)
            rows += count
            hashes.append(digest)
        packed.write(line({"tables": len(hashes), "mark": mark_of(keys, revision, hashes)}))
    return Dump(revision, head(), rows, out.getvalue())


def _write(connection: Connection, table: Table, packed: gzip.GzipFile) -> tuple[int, str]:
    first = line({"table": table.name, "columns": [column.name for column in table.columns]})
    packed.write(first)
    digest, count = hashlib.sha256(first), 0
    rows = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(select(table).order_by(*table.primary_key))
    for row in rows:
        written = line(list(row))
        digest.update(written)
        packed.write(written)
        count += 1
    packed.write(line({"rows": count, "sha256": digest.hexdigest()}))
    return count, digest.hexdigest()


def line(value: Any) -> bytes:
    """One line of a dump."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def whose(keys: Keys) -> str:
    """Tells two key files apart, and nothing about either."""
    return keys.mark("whose", PURPOSE)


def mark_of(keys: Keys, revision: str, hashes: list[str]) -> str:
    """What only a holder of the key file can write under these tables."""
    return keys.mark(" ".join([revision, *hashes]), PURPOSE)
