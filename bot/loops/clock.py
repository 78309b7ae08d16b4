"""Is our clock right? Held against the platforms' own; while it is not, nothing is published."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx

from bot.logs import Event, warn
from bot.loops.deliver import Tell

EVERY_SECONDS = 600.0
MOST_SKEW = 120.0


class Clock:
    """`may` publish as long as no platform says another time."""

    def __init__(self, urls: Sequence[str], now: Callable[[], datetime], tell: Tell) -> None:
        self._urls, self._now, self._tell = urls, now, tell
        self.wrong = False

    def may(self) -> bool:
        return not self.wrong

    async def watch_for_ever(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_SECONDS if not self.wrong else 60.0)

    async def look(self) -> None:
        """Ask each platform for its time; one that does not say is no witness."""
        skews = [skew for url in self._urls if (skew := await self._skew(url)) is not None]
        wrong = bool(skews) and min(skews) > MOST_SKEW
        if wrong and not self.wrong:
            warn(Event.HELD, seconds=min(skews))
            await self._tell("steward.clock", {"seconds": str(round(min(skews)))})
        self.wrong = wrong

    async def _skew(self, url: str) -> float | None:
        try:
            async with httpx.AsyncClient(timeout=10.0) as client:
                told = (await client.get(url)).headers.get("Date", "")
            return abs((parsedate_to_datetime(told) - self._now()).total_seconds())
        except (httpx.HTTPError, ValueError, TypeError):
            return None
