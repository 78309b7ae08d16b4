"""One process at a time serves a bot account: a locked file beside SQLite, an advisory lock on PostgreSQL."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.refusal import Refusal
from bot.store.engine import Store
from bot.store.migrate import MIGRATION_LOCK
from bot.store.refused import BrokenStore

CHECK_SECONDS = 5.0


class Leased(Refusal):
    """Another process serves this account."""


@asynccontextmanager
async def lease(store: Store, account: str, folder: Path, lost: Callable[[], None]) -> AsyncIterator[None]:
    """Hold the account; `lost` is called where the lock went away by itself (its connection died).

    :raises Leased: where another process holds it.
    """
    if store.is_sqlite:
        held = _lock(folder / f"{_name(store, account).hex()[:16]}.lock")
        try:
            yield
        finally:
            held.close()
        return
    number = number_of(account)
    async with store.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        if not (await connection.execute(text("SELECT pg_try_advisory_lock(:n)"), {"n": number})).scalar_one():
            raise Leased("RUECKSPIEGEL_DATABASE: another process serves this bot account; stop that one first")
        watch = asyncio.create_task(_watch(connection, lost))
        try:
            yield
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            await connection.invalidate()


@asynccontextmanager
async def unserved(store: Store, folder: Path) -> AsyncIterator[None]:
    """No bot serves any account from this database, and where it is SQLite none begins to meanwhile.

    :raises Leased: where one does.
    """
    if store.is_sqlite:
        with _all_locks(folder):
            yield
        return
    async with store.engine.connect() as connection:
        here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        others = f"locktype = 'advisory' AND {here} AND NOT (classid = 0 AND objid = {MIGRATION_LOCK})"
        if (await connection.execute(text(f"SELECT count(*) FROM pg_locks WHERE {others}"))).scalar_one():
            raise Leased("RUECKSPIEGEL_DATABASE: a process serves a bot account from this database; stop it first")
    yield


@contextmanager
def _all_locks(folder: Path) -> Iterator[None]:
    with ExitStack() as held:
        for path in sorted(folder.glob("*.lock")):
            held.enter_context(_lock(path))
        yield


class Turn:
    """`async with`: one at a time, in this process and, on PostgreSQL, in all that share the database."""

    def __init__(self, store: Store) -> None:
        self._store, self._here = store, asyncio.Lock()
        self._there: AsyncConnection | None = None

    async def __aenter__(self) -> None:
        await self._here.acquire()
        try:
            if not self._store.is_sqlite:
                self._there = await self._store.engine.connect()
                await self._there.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": number_of("turn")})
        except BaseException:
            await self._let_go()
            raise

    async def __aexit__(self, *_: object) -> None:
        await self._let_go()

    async def _let_go(self) -> None:
        there, self._there = self._there, None
        try:
            if there is not None:
                await there.close()
        finally:
            self._here.release()


def number_of(account: str) -> int:
    """What PostgreSQL's advisory lock of an account is called, in 64 bits with a sign; whatever key file a process has."""
    return int.from_bytes(hashlib.sha256(f"rueckspiegel/{account}".encode()).digest()[:8], "big", signed=True)


def _name(store: Store, account: str) -> bytes:
    return hashlib.sha256(store.keys.mark(account, "lease").encode()).digest()


def _lock(path: Path) -> IO[bytes]:
    import fcntl

    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = path.open("ab")
    except OSError as error:
        problem = f"{path.parent} cannot be written to ({error.strerror}); name a folder that this process may write to"
        raise BrokenStore(f"RUECKSPIEGEL_STATE: {problem}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise Leased(
            f"RUECKSPIEGEL_STATE: another process serves this bot account from {path.parent}; stop that one first"
        ) from error
    return file


async def _watch(connection: AsyncConnection, lost: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        try:
            await connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            lost()
            return
