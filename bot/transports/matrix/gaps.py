"""What a room said while we were away, where it cannot be had at once: asked for again beside the sync.

Meanwhile the other rooms are served, the room's own news wait behind its past, and no token is saved that covers them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bot.logs import Event, fail, warn
from bot.transports.matrix.reach import Reach
from bot.transports.matrix.server import Unreachable
from bot.transports.matrix.timeline import Past, bare

TRIES = 150
"""Ten minutes."""
LIMITED_SECONDS = 3600.0
"""No longer, even where we are told to come back later: until the token is saved what was answered stays readable."""
PAUSE = 0.25
MOST_HELD = 1_000
"""Syncs of one room that wait for its past; a room that has more floods."""

Fetch = Callable[[], Awaitable[Past]]
Deliver = Callable[[Past], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Job:
    fetch: Fetch
    joined: Any
    deliver: Deliver


@dataclass(frozen=True, slots=True)
class _Room:
    jobs: deque[_Job]
    task: asyncio.Task[None]


@dataclass
class Gaps:
    """The rooms of one login whose past is awaited."""

    reach: Reach
    _held: dict[str, _Room] = field(default_factory=dict, repr=False)

    def waits(self) -> bool:
        """Whether any room waits for its past.

        Raises what the delivery of one raised.
        """
        for held in self._held.values():
            if held.task.done():
                held.task.result()
        return bool(self._held)

    async def take(self, room: str, fetch: Fetch, joined: Any, deliver: Deliver) -> None:
        """Deliver what a room said, now or once it can be had; where it never can, what there is."""
        job, held = _Job(fetch, joined, deliver), self._held.get(room)
        if held is not None:
            if len(held.jobs) < MOST_HELD:
                held.jobs.append(job)
            else:
                warn(Event.UPDATE_SHED)
            return
        try:
            found = await fetch()
        except Unreachable as error:
            jobs = deque([job])
            self._held[room] = _Room(jobs, asyncio.create_task(self._fill(room, jobs, error.after or PAUSE)))
            return
        await deliver(found)

    def drop(self, room: str) -> None:
        """We are out of it."""
        if room in self._held:
            self._held.pop(room).task.cancel()

    async def end(self) -> None:
        """Wait for nothing any more; what waited comes again from the saved token."""
        tasks = [held.task for held in self._held.values()]
        for room in list(self._held):
            self.drop(room)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fill(self, room: str, jobs: deque[_Job], seconds: float) -> None:
        await self.reach.pause(seconds)
        while jobs:
            job = jobs[0]
            try:
                found = await self.reach.surely(job.fetch, TRIES, LIMITED_SECONDS)
            except Unreachable:
                fail(Event.GAP_LEFT)
                found = bare(job.joined)
            await job.deliver(found)
            jobs.popleft()
        del self._held[room]
