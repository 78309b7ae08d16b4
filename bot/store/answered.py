"""What was answered, for 25 hours, as a set of HMACs: a platform that delivers an update again gets no second answer."""

from __future__ import annotations

import asyncio
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.lifetimes import ANSWERED
from bot.store.engine import Store
from bot.store.schema import answered

PATIENCE, PAUSE = 8.0, 0.5
"""Seconds for which an answer is tried to be written down, and between two tries; less than a platform takes to stop."""
_HOUR = 3600


class Answered:
    """The answered updates of one bot account; marks of two accounts never meet."""

    def __init__(self, store: Store, account: str) -> None:
        self._store, self._purpose = store, f"answered/{account}"

    async def known(self, ids: set[str]) -> set[str]:
        """Which of these were answered."""
        marks = {self._mark(id): id for id in ids}
        if not marks:
            return set()

        async def read(connection: AsyncConnection) -> set[str]:
            found = await connection.execute(select(answered.c.mark).where(answered.c.mark.in_(list(marks))))
            return {marks[mark] for mark in found.scalars()}

        return await self._store.run(read)

    async def remember(self, id: str, now: datetime) -> None:
        """It was answered. Once this returns, a crash cannot undo it."""
        row = {"mark": self._mark(id), "hour": _hour(now)}

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(self._store.insert_new(answered), row)

        # What was said is said: while the database comes back the platform must not be made to deliver it again.
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        while True:
            try:
                return await self._store.run(write)
            except SQLAlchemyError:
                if loop.time() > until:
                    raise
            await asyncio.sleep(PAUSE)

    async def forget_old(self, now: datetime) -> int:
        """Erase what is older than its lifetime; how many that were."""

        async def erase(connection: AsyncConnection) -> int:
            done = await connection.execute(delete(answered).where(answered.c.hour <= _hour(now - ANSWERED)))
            return done.rowcount

        return await self._store.run(erase)

    def _mark(self, id: str) -> str:
        return self._store.keys.mark(id, self._purpose)


def _hour(moment: datetime) -> int:
    return int(moment.timestamp()) // _HOUR
