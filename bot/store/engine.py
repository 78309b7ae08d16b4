"""The database: SQLite with its manners, or PostgreSQL, through one set of queries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Insert, Table, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from bot.environment import MAIN
from bot.keys import Keys
from bot.store.refused import BrokenStore

Value = TypeVar("Value")
Transaction = AsyncConnection
"""What everything in this package does its work on."""
BUSY_SECONDS = 10
# A rollback journal and not WAL: SQLite before 3.51.3 can corrupt a WAL database that two processes have open.
_MANNERS = (
    "journal_mode=TRUNCATE",
    "synchronous=FULL",
    "secure_delete=ON",
    f"busy_timeout={BUSY_SECONDS * 1000}",
    "foreign_keys=ON",
)

# A PostgreSQL host that falls silent must not keep us waiting for ever, nor we the leases where it is we who fall silent.
_OPTIONS = (
    "statement_timeout=15000",
    "tcp_keepalives_idle=10",
    "tcp_keepalives_interval=5",
    "tcp_keepalives_count=3",
    "tcp_user_timeout=25000",
)
_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "options": " ".join(f"-c {option}" for option in _OPTIONS),
}


@dataclass
class Store:
    """One database, with the keys that its addresses are sealed with, as one bot account sees it.

    Of the chats it finds those of `account` alone, and keeps new ones as its own; None finds all, and keeps none.
    """

    engine: AsyncEngine
    keys: Keys
    account: str | None = MAIN
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    _open: set[asyncio.Task[Any]] = field(default_factory=set, repr=False)

    @property
    def folder(self) -> Path | None:
        """Where SQLite's file lies."""
        path = self.engine.url.database if self.is_sqlite else None
        return Path(path).absolute().parent if path else None

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def of(self, account: str | None) -> Store:
        """The same database as another account sees it."""
        return replace(self, account=account)

    async def run(self, work: Callable[[AsyncConnection], Awaitable[Value]]) -> Value:
        """Do all of `work` in one transaction, to its end even where the caller is cancelled meanwhile.

        :raises SQLAlchemyError: where the database refuses; then nothing of it was done.
        """
        return await self._to_its_end(self._transaction(work))

    def insert(self, table: Table, rows: Iterable[dict[str, Any]]) -> Insert:
        """INSERT that leaves rows alone which are there already."""
        statement: Insert = self.insert_new(table).values(list(rows))
        return statement

    def insert_new(self, table: Table) -> Any:
        """The same for any number of rows, which are given when it is executed."""
        return (sqlite if self.is_sqlite else postgresql).insert(table).on_conflict_do_nothing()

    async def copy_to(self, target: AsyncConnection) -> None:
        """Every page of SQLite as of one moment; a transaction under way here would make the library wait for ever."""
        async with self._turn, self.engine.connect() as connection:
            source, copy = await connection.get_raw_connection(), await target.get_raw_connection()
            assert source.driver_connection is not None
            await source.driver_connection.backup(copy.driver_connection)

    async def version(self) -> object:
        """Equal to an earlier one where nobody committed anything meanwhile, in whichever process. Cheaper than any look."""
        return await self._to_its_end(self._version())

    async def settled(self) -> None:
        """Wait until no transaction is under way."""
        while self._open:
            await asyncio.wait(self._open)

    async def close(self) -> None:
        """Wait for what is under way, then let go of the database: an open aiosqlite connection would keep the process."""
        await self.settled()
        await self.engine.dispose()

    async def _to_its_end(self, work: Coroutine[Any, Any, Value]) -> Value:
        task = asyncio.ensure_future(work)
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        return await asyncio.shield(task)

    async def _version(self) -> object:
        async with self._turn if self.is_sqlite else nullcontext(), self.engine.connect() as connection:
            if not self.is_sqlite:
                return (await connection.execute(text("SELECT txid_current_snapshot()::text"))).scalar_one()
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            others = await driver.execute_fetchall("PRAGMA data_version")
            return driver, others, driver.total_changes  # Of a connection made anew both counts begin anew.

    async def _transaction(self, work: Callable[[AsyncConnection], Awaitable[Value]]) -> Value:
        # On SQLite all share one connection, where the statements of two transactions would mix.
        async with self._turn if self.is_sqlite else nullcontext(), self.engine.begin() as connection:
            return await work(connection)


@asynccontextmanager
async def connected(url: str, keys: Keys) -> AsyncIterator[Store]:
    """The database of a URL as it is, whatever its schema and of all accounts; closed at the end."""
    store = Store(_engine(url), keys, None)
    try:
        yield store
    finally:
        await store.close()


def _engine(url: str) -> AsyncEngine:
    # hide_parameters: an error's text would else hold what was to be written.
    if not url.startswith("sqlite"):
        try:
            return create_async_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=_PATIENCE)
        except ModuleNotFoundError as error:
            remedy = "install the extra `postgres`, as docs/scale.md says"
            raise BrokenStore(f"RUECKSPIEGEL_DATABASE: there is no driver for PostgreSQL; {remedy}") from error
    path = make_url(url).database
    if path:
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            problem = f"{Path(path).parent} cannot be made ({error.strerror}); name a folder that this process may write to"
            raise BrokenStore(f"RUECKSPIEGEL_STATE: {problem}") from error
    engine = create_async_engine(url, hide_parameters=True, poolclass=StaticPool)
    event.listen(engine.sync_engine, "connect", _teach_manners)
    event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _teach_manners(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # The driver begins no transaction of its own; ours are begun above.
    cursor = connection.cursor()
    for manner in _MANNERS:
        cursor.execute(f"PRAGMA {manner}")
    cursor.close()
