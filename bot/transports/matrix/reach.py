"""Whether the homeserver is there: whoever hears from it, or does not, says so here; whoever has to repeat waits here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.transports.matrix.server import TokenGone, Unreachable

Found = TypeVar("Found")

LONGEST_PAUSE = 4.0
"""Short at the top: who writes while the homeserver comes back is answered within seconds."""
LONGEST_WAIT = 60.0
FRESH_SECONDS = 2.0
MOST_TRIES = 12
LIMITED_SECONDS = 12 * 3600.0
"""A homeserver that tells us to come back later is believed for half a day."""


class Reach:
    """Shared by all that ask one homeserver for one login.

    `begun` once the first sync came; `refused` once the homeserver no longer knows our token.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard = clock()
        self._there = asyncio.Event()
        self._there.set()
        self.begun = False
        self.refused = asyncio.Event()

    def heard(self) -> None:
        """Something came back that is Matrix."""
        self._heard = self._clock()

    def synced(self) -> None:
        """A sync came back: whoever waits goes on."""
        self.begun = True
        self.heard()
        self._there.set()

    def missed(self) -> None:
        """A sync did not come back: from now on only the sync asks, and all others wait for it."""
        self._there.clear()

    @property
    def away(self) -> bool:
        """Whether the last sync did not come back."""
        return not self._there.is_set()

    def silent(self) -> float:
        """Seconds since anything came back."""
        return self._clock() - self._heard

    def sure(self) -> bool:
        """Whether the homeserver surely is there, so that what does not get through is held up by its own room alone."""
        return not self.away and not self.refused.is_set() and self.silent() < FRESH_SECONDS

    async def pause(self, seconds: float) -> None:
        """So long, or until the homeserver is back."""
        if not self.away:
            await asyncio.sleep(seconds)
        await self._there.wait()

    async def surely(
        self, call: Callable[[], Awaitable[Found]], tries: int = MOST_TRIES, limited: float = LIMITED_SECONDS
    ) -> Found:
        """Repeat a request until it is answered; with a token that is no longer known, wait to be started anew.

        :raises Unreachable: after so many tries, or so many seconds in which there were too many requests.
        """
        began, pause = self._clock(), 0.25
        while True:
            try:
                return await call()
            except TokenGone:
                self.refused.set()
                await asyncio.get_running_loop().create_future()
            except Unreachable as error:
                tries -= error.after is None  # To be told when to come back is no failure.
                if tries <= 0 or self._clock() - began > limited:
                    raise
                await self.pause(error.after or pause)
                pause = min(LONGEST_PAUSE, pause * 2)
