"""When each loop last came round. Who hangs is not restarted by itself; whoever watches from outside must hear nothing then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

WITHIN_SECONDS = 120.0
"""More than a poll that hangs is waited for, and its pause."""


class Rounds:
    """The last round of each named loop, on a monotonic clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[str, float] = {}

    def came(self, name: str) -> None:
        """A loop completed a round, well or not."""
        self._last[name] = self._clock()

    def all_came(self, names: Iterable[str], within: float = WITHIN_SECONDS) -> bool:
        """Whether each of these loops completed a round within so many seconds."""
        now = self._clock()
        return all(name in self._last and now - self._last[name] <= within for name in names)
