"""A dump back into a database, in one transaction: all of it, or nothing was changed."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, insert, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.backups import BrokenBackup
from bot.facts import Item
from bot.keys import Keys
from bot.store.doubting import doubt
from bot.store.dumping import FORMAT, LEFT_OUT, mark_of, own_tables, whose
from bot.store.engine import Store
from bot.store.migrate import NewerDatabase, is_known, revision_of, upgrade
from bot.store.refused import BrokenStore, explained
from bot.store.schema import answered, chats, panic

_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Restored:
    """How many rows there were, and of how many parts and channels nobody can tell what has arrived.

    `stopped`: stewards had stopped all publishing, before or in the backup, and it stays so.
    """

    rows: int
    parts: int
    channels: int
    stopped: bool = False


@dataclass
class _Source:
    """The lines of a dump, one after the other, and what was counted of them."""

    file: str
    lines: Iterator[bytes]
    hashes: list[str] = field(default_factory=list)
    rows: int = 0

    def next(self) -> tuple[bytes, Any]:
        raw = next(self.lines, b"")
        return raw, json.loads(raw)


async def is_empty(store: Store) -> bool:
    """Whether a database holds nothing that a restored one would replace.

    :raises BrokenStore: where it cannot be read, or belongs to a newer version.
    """
    with explained(store.engine.url.render_as_string(hide_password=False)):
        return await store.run(lambda connection: connection.run_sync(_is_empty))


async def restore(
    store: Store,
    content: bytes,
    file: str,
    items: Sequence[Item],
    now: datetime,
    today: date,
    *,
    addresses: bool,
    replace: bool,
) -> Restored:
    """Put the rows of a dump in place of what is there, but for the marks of what was answered since.

    `items`: the dossier. Without `addresses` everything that belongs to a chat is left out.

    :raises BrokenBackup: where the dump is damaged, newer, or of another key file.
    :raises BrokenStore: where the database holds something and is not to be replaced.
    """

    async def work(connection: AsyncConnection) -> Restored:
        if not replace and not await connection.run_sync(_is_empty):
            raise BrokenStore("RUECKSPIEGEL_DATABASE: this database is not empty; --replace puts the backup in its place")
        rows = await connection.run_sync(partial(_put, store.keys, content, file, addresses))
        doubts = await doubt(store, connection, items, now, today)
        return Restored(rows, *doubts, stopped=(await connection.execute(select(panic))).first() is not None)

    with explained(store.engine.url.render_as_string(hide_password=False)):
        return await store.run(work)


def _is_empty(connection: Connection) -> bool:
    revision = revision_of(connection)
    if revision is not None and not is_known(revision):
        raise NewerDatabase("the database was written by a newer version; install that, or name another database")
    tables = [table for table in own_tables(connection) if table.name not in LEFT_OUT]
    return all(connection.execute(select(table).limit(1)).first() is None for table in tables)


def _put(keys: Keys, content: bytes, file: str, addresses: bool, connection: Connection) -> int:
    with _readable(file), gzip.open(io.BytesIO(content)) as lines:
        source = _Source(file, iter(lines))
        revision, is_ours = _begin(source, keys, addresses)
        marks, stops = _clear(connection)
        upgrade(connection, keys, revision)
        tables = {table.name: table for table in own_tables(connection)}
        while "table" in (first := source.next())[1]:
            name, columns = first[1]["table"], first[1]["columns"]
            of_chat = name == chats.name or "chat" in columns
            into = None if of_chat and not addresses else insert(tables[name])
            _fill(connection, source, first[0], columns, into)
        if first[1]["tables"] != len(source.hashes) or next(lines, None) is not None:
            raise ValueError
        if is_ours and first[1]["mark"] != mark_of(keys, revision, source.hashes):
            raise ValueError
    upgrade(connection, keys)
    if marks:
        connection.execute(insert(answered), marks)
    if stops and connection.execute(select(panic)).first() is None:
        connection.execute(insert(panic), stops)
    return source.rows


def _begin(source: _Source, keys: Keys, addresses: bool) -> tuple[str, bool]:
    """The schema of the dump, and whether it was made with this key file."""
    _, header = source.next()
    if header["rueckspiegel"] > FORMAT or not is_known(header["revision"]):
        problem = f"it was made by a newer version ({header['product']}) than this one"
        raise BrokenBackup(f"{source.file}: {problem}; install that version, then restore")
    is_ours = header["key"] == whose(keys)
    if addresses and not is_ours:
        remedy = (
            "put back the key file it was made with (RUECKSPIEGEL_KEY_FILE), or give the subscriptions up (--without-addresses)"
        )
        raise BrokenBackup(f"{source.file}: the addresses in it cannot be read with this key file; {remedy}")
    return header["revision"], is_ours


def _clear(connection: Connection) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Drop our tables; the marks that were in them stay of use, and that all is stopped only the operator lifts."""
    kept = []
    for table in (answered, panic):
        there = inspect(connection).has_table(table.name)
        kept.append([dict(row) for row in connection.execute(select(table)).mappings()] if there else [])
    for table in own_tables(connection):
        table.drop(connection)
    connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
    return kept[0], kept[1]


def _fill(connection: Connection, source: _Source, first: bytes, columns: list[str], into: Any) -> None:
    """The rows of one table, up to the line that counts them."""
    digest, count, rows = hashlib.sha256(first), 0, []
    while isinstance((row := source.next())[1], list):
        digest.update(row[0])
        count += 1
        rows.append(dict(zip(columns, row[1], strict=True)))
        if len(rows) == _ROWS_AT_ONCE:
            _insert(connection, into, rows)
            rows = []
    _insert(connection, into, rows)
    if (row[1]["rows"], row[1]["sha256"]) != (count, digest.hexdigest()):
        raise ValueError
    source.hashes.append(digest.hexdigest())
    source.rows += count if into is not None else 0


def _insert(connection: Connection, into: Any, rows: list[dict[str, Any]]) -> None:
    if rows and into is not None:
        connection.execute(into, rows)


@contextmanager
def _readable(file: str) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, ValueError, LookupError, TypeError) as error:
        raise BrokenBackup(
            f"{file}: the file is damaged or no backup of this product; take another copy or an older one"
        ) from error
