"""The pacer keeps to every limit, lets answers go first and stalls nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.transports.pace import Lane, Limits
from bot.transports.pacer import GLOBAL_SECONDS, Pacer
from tests.jumping import jumping_loop

LIMITS, SLACK = Limits(), 1e-6


@dataclass
class Road:
    """A pacer and when it let whom go, in seconds since the beginning."""

    pacer: Pacer
    began: float
    gone: list[tuple[float, str, Lane]] = field(default_factory=list)

    def now(self) -> float:
        return asyncio.get_running_loop().time() - self.began

    async def go(self, chat: str, lane: Lane = Lane.ANSWER, after: float = 0.0) -> None:
        await asyncio.sleep(after)
        async with self.pacer.turn(chat, lane, shared=chat.startswith("-")):
            pass
        self.gone.append((self.now(), chat, lane))

    def send(self, chat: str, lane: Lane = Lane.ANSWER, after: float = 0.0) -> asyncio.Task[None]:
        return asyncio.create_task(self.go(chat, lane, after))

    def times(self, chat: str | None = None, lane: Lane | None = None) -> list[float]:
        return [at for at, who, how in self.gone if chat in (None, who) and lane in (None, how)]


def drive(play: Callable[[Road], Awaitable[Any]], limits: Limits = LIMITS, late: float = 0.0) -> Road:
    """Play until all who wait are let go; timers ring so late."""

    async def whole() -> Road:
        loop = asyncio.get_running_loop()
        road = Road(Pacer(limits, loop.time), loop.time())
        await play(road)
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)
        return road

    with asyncio.Runner(loop_factory=lambda: jumping_loop(late)) as runner:
        return runner.run(whole())


def keeps_to(times: list[float], most: int, seconds: float) -> bool:
    """Never more than `most` in any stretch of so many seconds."""
    return all(later - first >= seconds - SLACK for first, later in zip(times, times[most:]))


def bucket(times: list[float], burst: int, seconds: float = 1.0) -> bool:
    """Never more than a burst and one each so many seconds."""
    dues = accumulate(times, lambda due, at: max(due, at) + seconds, initial=0.0)
    return all(due - burst * seconds <= at + SLACK for due, at in zip(list(dues)[1:], times))


def test_never_more_than_25_in_any_second_from_an_empty_start() -> None:
    times = drive(lambda road: asyncio.gather(*(road.go(f"{n}", after=n % 3 * 0.3) for n in range(200)))).times()
    assert keeps_to(times, LIMITS.overall, 1.0)
    assert times[199] < 200 / LIMITS.overall + 1


def test_a_chat_gets_a_burst_and_then_one_a_second() -> None:
    road = drive(lambda road: asyncio.gather(*(road.go("1") for _ in range(40))))
    assert road.times()[LIMITS.burst - 1] < 0.2
    assert bucket(road.times(), LIMITS.burst)
    assert road.times()[-1] == pytest.approx(40 - LIMITS.burst, abs=0.1)


def test_after_a_minute_at_its_limit_a_chat_gets_no_second_burst() -> None:
    road = drive(lambda road: asyncio.gather(*(road.go("1") for _ in range(100))))
    assert bucket(road.times(), LIMITS.burst)


def test_a_group_gets_20_in_any_minute_and_others_meanwhile_their_own() -> None:
    calls = [("-100", 0)] * 50 + [("7", second) for second in range(30)]
    road = drive(lambda road: asyncio.gather(*(road.go(chat, after=second) for chat, second in calls)))
    assert keeps_to(road.times("-100"), LIMITS.shared_minute, 60.0)
    assert road.times("-100")[-1] < 130
    assert all(at == pytest.approx(n, abs=0.2) for n, at in enumerate(road.times("7")))


def test_calls_that_hang_do_not_keep_all_others_waiting() -> None:
    async def play(road: Road) -> None:
        async def hang(chat: str) -> None:
            async with road.pacer.turn(chat):
                await asyncio.sleep(40)

        for number in range(3):
            asyncio.create_task(hang(f"hangs {number}"))  # noqa: RUF006
        road.send("another", after=1)

    limits = Limits(10**6, 10**6, 10**6, 0.0, 10**6, at_once=3, hangs_after=5.0)
    assert 5 <= drive(play, limits).times("another")[0] < 6


def test_timers_that_ring_late_and_some_answers_cost_the_pace_of_digests_less_than_a_twentieth() -> None:
    calls = [(f"-{n}", Lane.DIGEST, 0.0) for n in range(1_000)] + [(f"{n}", Lane.ANSWER, n / 2) for n in range(60)]
    road = drive(lambda road: asyncio.gather(*(road.go(*call) for call in calls)), late=0.004)
    times = road.times(lane=Lane.DIGEST)
    assert keeps_to(times, LIMITS.digests, 1.0)
    assert len(times) / (times[-1] - times[0]) > 0.95 * LIMITS.digests


def test_an_answer_goes_before_a_thousand_digests_that_wait() -> None:
    async def play(road: Road) -> None:
        _ = [road.send(f"-{number}", Lane.DIGEST) for number in range(1_000)]
        await asyncio.sleep(5)
        began = road.now()
        await asyncio.gather(*(road.go(f"{number}") for number in range(30)))
        assert [at for at in road.times(lane=Lane.DIGEST) if at > began + SLACK] == []
        assert road.now() - began < 30 / LIMITS.overall + 0.5

    road = drive(play)
    assert keeps_to(road.times(lane=Lane.DIGEST), LIMITS.digests, 1.0)
    assert keeps_to(road.times(), LIMITS.overall, 1.0)


def test_no_digest_goes_while_an_answer_waits_that_its_chat_allows() -> None:
    calls = [(f"-{n}", Lane.DIGEST) for n in range(99)] + [(f"{n}", Lane.ANSWER) for n in range(99)]
    road = drive(lambda road: asyncio.gather(*(road.go(chat, lane) for chat, lane in calls)))
    assert road.times(lane=Lane.DIGEST)[1] >= road.times(lane=Lane.ANSWER)[-1]


def test_a_parked_chat_waits_and_stops_nobody_else() -> None:
    async def play(road: Road) -> None:
        road.pacer.park("1", 3_600)
        assert road.pacer.held_up("1") == pytest.approx(3_600)
        assert road.pacer.held_up("2") == road.pacer.all_held_up() == 0
        await asyncio.gather(*(road.go(chat, lane) for chat in "123" for lane in Lane))

    road = drive(play)
    assert max(road.times("2") + road.times("3")) < 1
    assert min(road.times("1")) >= 3_600


@pytest.mark.parametrize("between", [False, True])
def test_three_chats_told_to_wait_park_all_unless_a_call_succeeds_between(between: bool) -> None:
    async def play(road: Road) -> None:
        for chat in ("1", "1", "1", "2"):
            road.pacer.park(chat, 500)
        _ = between and road.pacer.succeeded()
        road.pacer.park("3", 500)
        assert road.pacer.all_held_up() == (0 if between else pytest.approx(GLOBAL_SECONDS))
        await asyncio.gather(road.go("5", Lane.DIGEST), road.go("4"))

    road = drive(play)
    assert road.times("4") == [pytest.approx(0 if between else GLOBAL_SECONDS, abs=0.1)]
    assert between or road.gone[0][1] == "4"


@pytest.mark.parametrize("lane", list(Lane))
def test_calls_that_were_cancelled_hold_up_nobody(lane: Lane) -> None:
    async def play(road: Road) -> None:
        road.pacer.park("1", 100)
        *given_up, last = [road.send("1", lane) for _ in range(20)]
        await asyncio.sleep(1)
        for task in given_up:
            task.cancel()
        await asyncio.gather(*(road.go(f"2{number}", lane) for number in range(10)))
        assert road.now() < 3
        await last
        assert road.now() == pytest.approx(100, abs=0.1)

    assert len(drive(play).gone) == 11


def test_chats_that_fell_silent_are_forgotten_while_others_speak() -> None:
    async def play(road: Road) -> None:
        for number in range(300):
            await road.go(f"{number}")
        await asyncio.sleep(61)
        for number in range(60):
            await road.go("awake", after=1.0 if number else 0.0)
        assert len(road.pacer._chats) <= 1

    drive(play)


def test_nobody_need_write_for_them_to_be_forgotten() -> None:
    async def play(road: Road) -> None:
        for number in range(300):
            await road.go(f"{number}")
        road.pacer.park("299", 300.0)
        await asyncio.sleep(120)
        assert len(road.pacer._chats) == 1
        await asyncio.sleep(300)
        assert len(road.pacer._chats) == 0

    drive(play)


_CHATS = st.sampled_from(["1", "2", "3", "-1", "-2"])
_ARRIVALS = st.lists(st.tuples(_CHATS, st.sampled_from(Lane), st.floats(0, 20), st.booleans()), max_size=60)
_PARKED = st.lists(st.tuples(st.sampled_from(["1", "-1"]), st.floats(0, 20), st.floats(0, 30)), max_size=4)
_LIMITS = st.builds(Limits, st.integers(5, 25), st.integers(1, 5), st.integers(1, 4), st.just(1.0), st.integers(2, 20))


@settings(max_examples=200, deadline=None)
@given(_ARRIVALS, _PARKED, _LIMITS)
def test_all_limits_hold_for_any_arrivals(arrivals: Any, parked: Any, limits: Limits) -> None:
    async def play(road: Road) -> None:
        loop = asyncio.get_running_loop()
        for chat, at, seconds in parked:
            loop.call_at(road.began + at, road.pacer.park, chat, seconds)
        for chat, lane, at, stays in arrivals:
            task = road.send(chat, lane, at)
            if not stays:
                loop.call_at(road.began + at + 1, task.cancel)

    road = drive(play, limits)
    assert len(road.gone) >= sum(stays for *_, stays in arrivals)
    assert keeps_to(road.times(), limits.overall, 1.0)
    assert keeps_to(road.times(lane=Lane.DIGEST), limits.digests, 1.0)
    for chat in {chat for _, chat, _ in road.gone}:
        times = road.times(chat)
        assert bucket([at for at in times if at < 60], limits.burst, limits.chat_seconds)
        assert not chat.startswith("-") or keeps_to(times, limits.shared_minute, 60.0)
        for _, at, seconds in (one for one in parked if one[0] == chat):
            assert not [time for time in times if at + SLACK < time < at + seconds - SLACK]
