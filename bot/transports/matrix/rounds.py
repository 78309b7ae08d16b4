"""Programs that answer our answers: whoever does so faster than anybody reads is left alone for a while."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

MOST_ROUNDS = 30
"""Answers and questions on them within a minute, of one sender in one room. Many questions at once are one round."""
REST_SECONDS = 600.0
MOST_PAIRS = 10_000
_MINUTE = 60.0


@dataclass(slots=True)
class _Pair:
    rounds: deque[float] = field(default_factory=deque)
    answered: bool = False
    rests: float = 0.0


class Rounds:
    """Counts in memory, under an HMAC with a key made at start."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._pairs: dict[bytes, _Pair] = {}

    def asked(self, room: str, sender: str) -> bool:
        """Something was said to us; whether it is to be answered."""
        pair, now = self._pair(room, sender), self._clock()
        if now < pair.rests:
            return False
        if pair.answered:
            pair.answered = False
            pair.rounds.append(now)
            while pair.rounds and now - pair.rounds[0] > _MINUTE:
                pair.rounds.popleft()
            if len(pair.rounds) > MOST_ROUNDS:
                pair.rounds.clear()
                pair.rests = now + REST_SECONDS
                return False
        return True

    def answered(self, room: str, sender: str) -> None:
        """We answered."""
        self._pair(room, sender).answered = True

    def _pair(self, room: str, sender: str) -> _Pair:
        name = hmac.digest(self._key, f"{room} {sender}".encode(), "sha256")
        self._pairs[name] = pair = self._pairs.pop(name, None) or _Pair()
        while len(self._pairs) > MOST_PAIRS:
            del self._pairs[next(iter(self._pairs))]
        return pair
