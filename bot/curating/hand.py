"""The hand that writes in a union's folder: what changes is tried as a whole, written, and put into the history."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar

from bot.base import BrokenBase
from bot.curating.bundles import Refused
from bot.findings import errors_of
from bot.intake.history import record
from bot.intake.ledger import FILE
from bot.intake.shelf import Shelf
from bot.logs import Event, warn

Value = TypeVar("Value")
MOST_SHOWN = 5


@dataclass(frozen=True)
class Hand:
    """`changed` makes the bot read the folder again at once."""

    folder: Path
    changed: Callable[[], None]

    async def do(self, work: Callable[[], Value]) -> Value:
        """Something that writes.

        :raises Refused: where the folder cannot be written to.
        """
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise Refused("draft.read-only", folder=str(self.folder), why=str(error.strerror)) from error

    async def check(self, shelf: Shelf, today: date) -> None:
        """Whether the folder would still be whole.

        :raises Refused: where it would not.
        """
        try:
            await asyncio.to_thread(shelf.tried, today)
        except BrokenBase as error:
            found = errors_of(error.findings)
            raise Refused("publish.broken", findings="\n".join(map(str, found[:MOST_SHOWN]))) from error

    async def put(self, shelf: Shelf, what: str, steward: str, now: datetime) -> None:
        """Write it, under the steward's pseudonym.

        :raises Refused: where the folder cannot be written to.
        """
        await self.do(shelf.put)
        try:
            await asyncio.to_thread(record, self.folder, [*shelf.changes, Path(FILE)], what, steward, now)
        except Exception as error:  # The files are the truth; their history is a convenience.
            warn(Event.NOT_COMMITTED, exception=error)
        self.changed()
