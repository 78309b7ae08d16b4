"""Is our clock right? Held against the platforms' own; while it is not, nothing is planned or published."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx

from bot.logs import Event, warn
from bot.loops.stewards import Tell

EVERY_SECONDS = 600.0
UNDECIDED_SECONDS = 2.0
WRONG_SECONDS = 60.0
MOST_SKEW = 120.0


class Clock:
    """`may` publish once a platform answered, as long as none of them says another time."""

    def __init__(self, urls: Sequence[str], now: Callable[[], datetime], tell: Tell) -> None:
        self._urls, self._now, self._tell = urls, now, tell
        self.wrong: bool | None = None if urls else False

    def may(self) -> bool:
        return self.wrong is False

    async def watch_for_ever(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            pause = {None: UNDECIDED_SECONDS, True: WRONG_SECONDS, False: EVERY_SECONDS}
            await asyncio.sleep(pause[self.wrong])

    async def look(self) -> None:
        """Ask each platform for its time; one that does not say is no witness, and without any the last judgement holds."""
        answers = [answer for url in self._urls if (answer := await asked(url)) is not None]
        skews = [abs(skew) for answer in answers if (skew := skew_of(answer, self._now())) is not None]
        if skews and min(skews) > MOST_SKEW:
            if not self.wrong:
                warn(Event.HELD, seconds=min(skews))
                await self._tell("steward.clock", {"seconds": str(round(min(skews)))})
            self.wrong = True
        elif skews or (answers and self.wrong is None):
            self.wrong = False


async def asked(url: str) -> str | None:
    """What a platform says of the time, empty where it says nothing; None where it does not answer."""
    try:
        async with httpx.AsyncClient(timeout=10.0) as client:
            return str((await client.get(url)).headers.get("Date", ""))
    except httpx.HTTPError:
        return None


def skew_of(told: str, now: datetime) -> float | None:
    """Seconds by which the platform's clock is ahead of ours; None where it told no time."""
    try:
        return (parsedate_to_datetime(told) - now).total_seconds()
    except (ValueError, TypeError):
        return None
