"""Few notes of a kind an hour: one outage must not fill the stewards' room with a line for each channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.loops.stewards import Tell

HOUR = timedelta(hours=1)
MOST_AN_HOUR = 5


@dataclass
class _Kind:
    since: datetime
    told: int = 0
    more: int = 0


class Sparing:
    """`tell` says what is let through; once the hour is over one note says how many more there were (`steward.more`)."""

    def __init__(self, tell: Tell, now: Callable[[], datetime]) -> None:
        self._tell, self._now = tell, now
        self._kinds: dict[str, _Kind] = {}

    async def tell(self, key: str, values: Mapping[str, str]) -> None:
        """The first few of a kind at once."""
        await self.look()
        kind = self._kinds.setdefault(key, _Kind(self._now()))
        if kind.told < MOST_AN_HOUR:
            kind.told += 1
            await self._tell(key, values)
        else:
            kind.more += 1

    async def look(self) -> None:
        """Say how many more there were, of each kind whose hour is over."""
        over = [key for key, kind in self._kinds.items() if self._now() - kind.since >= HOUR]
        for key in over:
            more = self._kinds.pop(key).more
            if more:
                await self._tell("steward.more", {"count": str(more), "kind": key.partition(".")[2]})
