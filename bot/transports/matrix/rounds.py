"""Programs that answer our answers: whoever does so faster than anybody reads is left alone for a while."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from bot import lifetimes

MOST_ROUNDS = 30
"""Answers and questions on them within a minute, of one sender in one room. Many questions at once are one round."""
REST_SECONDS = lifetimes.REST.total_seconds()
MOST_PAIRS = 10_000
_MINUTE = lifetimes.ROUND.total_seconds()


@dataclass(slots=True)
class _Pair:
    touched: float
    rounds: deque[float] = field(default_factory=deque)
    answered: bool = False


class Rounds:
    """Counts in memory, under an HMAC with a key made at start. A pair that said nothing for a minute begins anew."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._pairs: dict[bytes, _Pair] = {}
        self._resting: dict[bytes, float] = {}

    def asked(self, room: str, sender: str) -> bool:
        """Something was said to us; whether it is to be answered."""
        self.drop_old()
        now, name = self._clock(), self._name(room, sender)
        if name in self._resting:
            return False
        pair = self._pair(name)
        if pair.answered:
            pair.answered = False
            pair.rounds.append(now)
            while pair.rounds and now - pair.rounds[0] > _MINUTE:
                pair.rounds.popleft()
            if len(pair.rounds) > MOST_ROUNDS:
                del self._pairs[name]
                self._resting[name] = now
                return False
        return True

    def answered(self, room: str, sender: str) -> None:
        """We answered."""
        name = self._name(room, sender)
        if name not in self._resting:
            self._pair(name).answered = True

    def drop_old(self) -> None:
        """Forget who has rested, and pairs in which nothing would count any more."""
        now = self._clock()
        while self._resting and now - next(iter(self._resting.values())) >= REST_SECONDS:
            del self._resting[next(iter(self._resting))]
        while self._pairs and now - next(iter(self._pairs.values())).touched > _MINUTE:
            del self._pairs[next(iter(self._pairs))]

    def _name(self, room: str, sender: str) -> bytes:
        return hmac.digest(self._key, f"{room} {sender}".encode(), "sha256")

    def _pair(self, name: bytes) -> _Pair:
        """Moved to the end, so that the others stand in the order in which they fell silent."""
        pair = self._pairs.pop(name, None) or _Pair(0.0)
        pair.touched = self._clock()
        self._pairs[name] = pair
        while len(self._pairs) > MOST_PAIRS:
            del self._pairs[next(iter(self._pairs))]
        return pair
