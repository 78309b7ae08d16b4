"""What is asked, counted for the curators: in memory, and from ten a week on in the store, in fives."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta, tzinfo

from bot.base import Base
from bot.logs import Event, fail
from bot.store import Store, Transaction, asked

EVERY_SECONDS = 600.0
"""Counts are written together and seldom, so that the time of writing tells nothing of when somebody asked."""
NOTE_HOUR = 9
MOST_SHOWN = 10

Tell = Callable[[str, Mapping[str, str]], Awaitable[None]]


class Counting:
    """`tell` says a phrase in the stewards' room, where there is one to tell; weeks begin where the bot is at home."""

    def __init__(
        self, store: Store, base: Callable[[], Base], zone: tzinfo, now: Callable[[], datetime], tell: Tell | None
    ) -> None:
        self._store, self._base, self._zone, self._now, self.tell = store, base, zone, now, tell
        self._counts: Counter[tuple[str, str]] = Counter()

    def count(self, ids: Iterable[str]) -> None:
        """Each was said once more."""
        week = asked.week_of(self._local().date())
        self._counts.update((id, week) for id in ids)

    async def count_for_ever(self) -> None:
        """Until cancelled; what is enough by then is written, the rest is lost."""
        try:
            while True:
                await asyncio.sleep(EVERY_SECONDS)
                await self.round()
        finally:
            await self._try(self.write)

    async def round(self) -> None:
        """Write, and on Mondays tell; what fails is tried again in the next."""
        await self._try(self.write)
        await self._try(self.report)

    async def write(self) -> None:
        """Write what reaches ten or adds to it; what is left of weeks that are over is forgotten."""
        counts = dict(self._counts)
        written = await self._store.run(lambda transaction: asked.add(self._store, transaction, counts))
        self._counts.subtract(written)
        week = asked.week_of(self._local().date())
        for key in [key for key, count in self._counts.items() if not count or key[1] < week]:
            del self._counts[key]

    async def report(self) -> None:
        """Once a week, from Monday morning on: what was asked most in the week before."""
        local = self._local()
        if self.tell is None:
            return
        if local.weekday() == 0 and local.hour < NOTE_HOUR:
            return
        week = asked.week_of(local.date() - timedelta(weeks=1))

        async def claim(transaction: Transaction) -> dict[str, int]:
            found = await asked.counts(transaction, week, week)
            return found if found and await asked.note(self._store, transaction, week) else {}

        found = await self._store.run(claim)
        if found:
            facts, unknowns = (_lines(part) for part in parted(found, self._base()))
            await self.tell("steward.asked", {"week": week, "facts": facts, "unknowns": unknowns})

    def _local(self) -> datetime:
        return self._now().astimezone(self._zone)

    async def _try(self, duty: Callable[[], Awaitable[None]]) -> None:
        try:
            await duty()
        except Exception as error:  # The next round tries again.
            fail(Event.UNHANDLED, exception=error)


def parted(counts: Mapping[str, int], base: Base) -> tuple[dict[str, int], dict[str, int]]:
    """The ten most asked facts and the ten most asked unknowns; what has left the base counts as a fact."""
    unknowns = {id: count for id, count in counts.items() if id in base.corpus.unknowns}
    facts = {id: count for id, count in counts.items() if id not in unknowns}
    return _most(facts), _most(unknowns)


def _most(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(list(counts.items())[:MOST_SHOWN])


def _lines(counts: Mapping[str, int]) -> str:
    return "\n".join(f"{count}× {id}" for id, count in counts.items()) or "–"
