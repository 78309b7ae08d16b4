"""How many questions came to which outcome, so coarse and so late that no number tells of anybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

AFTER = timedelta(minutes=10)
STEP = 10


class Tally:
    """Counts since the start, in memory."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now, self._counts = now, Counter[tuple[str, str]]()
        self._shown: dict[str, dict[str, int]] = {}
        self._until = now() + AFTER

    def count(self, platform: str, outcome: str) -> None:
        """A question on a platform came to this outcome."""
        self._counts[platform, outcome] += 1

    def shown(self) -> Mapping[str, Mapping[str, int]]:
        """Platform to outcome to how many, in tens, as it was at the last turn of ten minutes."""
        if self._now() >= self._until:
            self._until = self._now() + AFTER
            self._shown = {}
            for (platform, outcome), number in self._counts.items():
                self._shown.setdefault(platform, {})[outcome] = number - number % STEP
        return self._shown
