"""P15, P16. Nobody waits for somebody who floods, nor for a digest; in the pacer's own time, so that no machine decides."""

from __future__ import annotations

import asyncio

import pytest

from bot.transports.pacer import Lane
from tests.promises.conftest import Evidence
from tests.test_pacer import LIMITS, Road, drive

SECONDS, WORKERS = 20, 50


def _in_line(arrivals: list[tuple[float, bool]]) -> float:
    """The longest wait of those who are marked, where all stand in one line."""
    free = worst = 0.0
    for at, marked in sorted(arrivals):
        free = max(free, at) + 1 / LIMITS.overall
        worst = max(worst, free - at) if marked else worst
    return worst


@pytest.mark.promise("P15")
def test_p15_who_floods_keeps_nobody_waiting(evidence: Evidence) -> None:
    waits: list[float] = []

    async def worker(road: Road, number: int) -> None:
        await asyncio.sleep(SECONDS * number / WORKERS)
        began = road.now()
        await road.go(f"{number}")
        waits.append(road.now() - began)

    async def play(road: Road) -> None:
        flood = [road.send("attacker", after=number / 100) for number in range(100 * SECONDS)]
        await asyncio.gather(*(worker(road, number) for number in range(WORKERS)))
        for task in flood:
            task.cancel()

    drive(play)
    worst = max(waits)
    assert worst < 2.0
    flood = [(number / 100, False) for number in range(100 * SECONDS)]
    line = _in_line(flood + [(SECONDS * number / WORKERS, True) for number in range(WORKERS)])
    evidence.finds(f"in one line with the flood somebody waits {line:.0f} s", line > 2.0)
    evidence.measured(f"100 messages a second from one, {WORKERS} workers: the longest wait is {worst * 1000:.0f} ms")


@pytest.mark.promise("P16")
@pytest.mark.parametrize("digests", [1_000, pytest.param(10_000, marks=pytest.mark.promises)])
def test_p16_a_digest_keeps_no_answer_waiting(digests: int, evidence: Evidence) -> None:
    waits: list[float] = []

    async def ask(road: Road, number: int) -> None:
        await asyncio.sleep(5 + number / 2)
        began = road.now()
        await road.go(f"{number}")
        waits.append(road.now() - began)

    async def play(road: Road) -> None:
        posts = [road.send(f"-{number}", Lane.DIGEST) for number in range(digests)]
        await asyncio.gather(*(ask(road, number) for number in range(20)))
        for post in posts:
            post.cancel()

    drive(play)
    worst = max(waits)
    assert worst < 1.0
    line = _in_line([(0.0, False)] * digests + [(5.0, True)])
    evidence.finds(f"in one line with the digest an answer waits {line:.0f} s", line > 1.0)
    evidence.measured(f"{digests:,} channels owed a digest: an answer waits {worst * 1000:.0f} ms at most")
