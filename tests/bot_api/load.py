"""Many people writing at a steady rate, and how long each waits."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass

from .chats import User
from .faults import Json
from .talk import Talk


@dataclass
class Load:
    """What to do: `count` texts in turn from `users` people, `rate` a second, then wait up to `patience` seconds.

    With `tap`, the data of a button, each has the first text answered beforehand, and then taps that button.
    """

    users: int
    texts: list[str]
    rate: float
    count: int
    patience: float = 30.0
    first_id: int = 5_000_000
    language_code: str | None = None
    tap: str | None = None

    async def run(self, api: Talk) -> Json:
        """Runs it and returns the report: counts, seconds, percentiles in ms, and every latency in seconds."""
        people = [api.user(self.first_id + i, f"User {i}", self.language_code) for i in range(self.users)]
        shown = await self._shown(api, people) if self.tap is not None else {}
        seen = len(api.sent), len(api.edits)
        started, queued = time.monotonic(), []
        for i in range(self.count):
            # By the schedule and not by the answers: a slow bot must not slow its users down.
            await asyncio.sleep(max(0.0, started + i / self.rate - time.monotonic()))
            person = people[i % self.users]
            queued.append((person.id, time.monotonic()))
            if self.tap is None:
                api.say(person, self.texts[i % len(self.texts)])
            else:
                api.click(person, shown[person.id], self.tap)
        written = time.monotonic() - started
        waits = await self._answers(api, queued, *seen)
        found = sorted(wait for wait in waits if wait is not None)
        report: Json = {"queued": self.count, "answered": len(found), "missing": self.count - len(found)}
        report |= {"written_per_second": self.count / max(written, 1e-9), "seconds": time.monotonic() - started}
        return report | {"ms": percentiles(found), "latencies": waits}

    async def _shown(self, api: Talk, people: list[User]) -> dict[int, Json]:
        """Returns each one's answer to the first text, by chat."""
        begin = len(api.sent)
        for person in people:
            api.say(person, self.texts[0])
        await api.wait_for(lambda: len(api.sent) >= begin + len(people), self.patience, "messages to tap on")
        return {message["chat"]["id"]: message for message in api.sent[begin:]}

    async def _answers(self, api: Talk, queued: list[tuple[int, float]], sent: int, edits: int) -> list[float | None]:
        until = time.monotonic() + self.patience
        while True:
            answers = defaultdict(list)
            for message in (*api.sent[sent:], *api.edits[edits:]):
                answers[message["chat"]["id"]].append(message["_at"])
            waits = _waits(queued, answers)
            if None not in waits or time.monotonic() > until:
                return waits
            await asyncio.sleep(0.05)


def _waits(queued: list[tuple[int, float]], answers: Mapping[int, list[float]]) -> list[float | None]:
    """How long each waited: to the first message of its chat that was said after it and answers no earlier one."""
    waits: list[float | None] = []
    left = {chat_id: deque(sorted(times)) for chat_id, times in answers.items()}
    for chat_id, at in queued:
        times = left.get(chat_id, deque())
        while times and times[0] < at:
            times.popleft()
        waits.append(times.popleft() - at if times else None)
    return waits


def percentiles(seconds: list[float]) -> Json:
    """Returns p50, p90, p95, p99, max and mean, in milliseconds, of sorted times."""
    if not seconds:
        return {}
    last = len(seconds) - 1
    told: Json = {f"p{p}": 1000 * seconds[min(last, round(last * p / 100))] for p in (50, 90, 95, 99)}
    return told | {"max": 1000 * seconds[-1], "mean": 1000 * sum(seconds) / len(seconds)}
