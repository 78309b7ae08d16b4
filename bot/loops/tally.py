"""How many questions came to which outcome, so coarse and so late that no number tells of anybody."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

AFTER = timedelta(minutes=10)
STEP = 10


class Tally:
    """Counts since the start, in memory: about one question in ten counts, as ten, as the dice have it.

    Exact tens would tell of one person whoever asks nine questions first; an offset would too, once the count moved. Of dice
    nobody knows what is missing to the next step. In the long run they come to the same number.
    """

    def __init__(self, now: Callable[[], datetime], dice: Callable[[int], int] = secrets.randbelow) -> None:
        self._now, self._dice = now, dice
        self._counts, self._before = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        self._shown: dict[str, dict[str, int]] = {}
        self._until = now() + AFTER

    def count(self, platform: str, outcome: str) -> None:
        """A question on a platform came to this outcome."""
        self._turn()
        if self._dice(STEP) == 0:
            self._counts[platform, outcome] += STEP

    def shown(self) -> Mapping[str, Mapping[str, int]]:
        """Platform to outcome to about how many, in tens, as it was ten to twenty minutes ago."""
        self._turn()
        return self._shown

    def _turn(self) -> None:
        """Every ten minutes show what was counted up to the turn before."""
        now = self._now()
        if now < self._until:
            return
        # Where nobody counted or looked for long, all is old by now.
        seen = self._before if now < self._until + AFTER else self._counts
        self._until, self._before, self._shown = now + AFTER, self._counts.copy(), {}
        for (platform, outcome), number in seen.items():
            self._shown.setdefault(platform, {})[outcome] = number
