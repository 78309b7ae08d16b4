"""The bot accounts that one of several processes serves, leased on a single connection: all go free when it dies.

Which processes there are and which of them could serve more is said by shared advisory locks too. So nothing is written, no
clock is read, and what a dead process said is gone with it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.engine import Store
from bot.store.lease import number_of

LOST_SECONDS = 10.0
"""A database that does not answer for so long may have given our leases to others."""
IDLE_SECONDS = 30
"""A process that is stopped or hangs looks no more, and loses its leases after this time; longer than an orderly end takes."""
_CLASS, _KEYS = 7283766, 7283767
_HERE, _WISHING = 1, 2
_LOCKS = text(
    "SELECT classid, objid, objsubid, count(*) AS number FROM pg_locks WHERE locktype = 'advisory' AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) GROUP BY 1, 2, 3"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How many processes there are, how many of them could serve more, and the numbers of all leases.

    `strangers` says whether one of them has another key file, so that neither could read what the other one kept.
    """

    processes: int
    wishing: int
    leased: frozenset[int]
    strangers: bool


@dataclass
class Leases:
    """Of one process. Where the connection is gone, and all leases with it, calls raise SQLAlchemyError or TimeoutError."""

    _store: Store
    _connection: AsyncConnection
    _wishes: bool = field(default=False, init=False)

    async def standing(self) -> Standing:
        """How things stand now."""
        pairs, numbers, keys = {}, set(), set()
        async with asyncio.timeout(LOST_SECONDS):
            rows = (await self._connection.execute(_LOCKS)).all()
        for row in rows:
            if row.objsubid == 2 and row.classid == _CLASS:
                pairs[row.objid] = row.number
            elif row.objsubid == 2 and row.classid == _KEYS:
                keys.add(row.objid)
            elif row.objsubid == 1:
                numbers.add(_signed((row.classid << 32) | row.objid))
        return Standing(pairs.get(_HERE, 0), pairs.get(_WISHING, 0), frozenset(numbers), len(keys) > 1)

    def is_free(self, identities: Collection[str], standing: Standing) -> bool:
        """Whether nobody held any of these accounts."""
        return not standing.leased & {number_of(identity) for identity in identities}

    async def take(self, identities: Collection[str]) -> bool:
        """Lease all of these accounts, or none."""
        taken: list[str] = []
        for identity in identities:
            if not await self._call("pg_try_advisory_lock(:a)", a=number_of(identity)):
                await self.give(taken)
                return False
            taken.append(identity)
        return True

    async def give(self, identities: Collection[str]) -> None:
        """Others may have these accounts."""
        for identity in identities:
            await self._call("pg_advisory_unlock(:a)", a=number_of(identity))

    async def wish(self, more: bool) -> None:
        """Whether this process could serve more than there is free."""
        if more != self._wishes:
            verb = "try_advisory_lock_shared" if more else "advisory_unlock_shared"
            await self._call(f"pg_{verb}(:a, :b)", a=_CLASS, b=_WISHING)
            self._wishes = more

    async def _call(self, call: str, **values: int) -> bool:
        async with asyncio.timeout(LOST_SECONDS):
            return bool((await self._connection.execute(text(f"SELECT {call}"), values)).scalar_one())


@asynccontextmanager
async def leases(store: Store) -> AsyncIterator[Leases]:
    """This process counts from now on; at the end whatever it holds is free.

    :raises SQLAlchemyError: where the database cannot be reached.
    """
    async with store.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        held = Leases(store, connection)
        try:
            if connection.dialect.server_version_info >= (14,):  # type: ignore[operator]
                await connection.execute(text(f"SET idle_session_timeout = '{IDLE_SECONDS}s'"))
            await held._call("pg_try_advisory_lock_shared(:a, :b)", a=_CLASS, b=_HERE)
            await held._call("pg_try_advisory_lock_shared(:a, :b)", a=_KEYS, b=_number_of_keys(store))
            yield held
        finally:
            await connection.invalidate()


def _number_of_keys(store: Store) -> int:
    return int.from_bytes(hashlib.sha256(store.keys.mark("whose", "lease").encode()).digest()[:4], "big") >> 1


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number
