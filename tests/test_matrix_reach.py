"""Whoever repeats a request waits for the homeserver, not for a clock; nothing is set free on a mere suspicion. No network."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from bot.deliveries import Later, Outcome, Unsure
from bot.transports.matrix.reach import FRESH_SECONDS, LIMITED_SECONDS, LONGEST_PAUSE, Reach
from bot.transports.matrix.sending import GIVE_UP_SECONDS, Sender
from bot.transports.matrix.server import LONGEST_LIMIT, TokenGone, Unreachable, outcome_of, wait_of
from bot.transports.pace import UNLIMITED, Lane
from bot.transports.pacer import Pacer
from tests.jumping import jumping_loop


def run(play: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=jumping_loop) as runner:
        runner.run(play)


def made() -> Reach:
    return Reach(asyncio.get_running_loop().time)


def failing(*errors: Exception) -> Any:
    """A request that fails so often, and then is answered; `asked` are the moments."""
    left, asked = list(errors), []

    async def call() -> str:
        asked.append(asyncio.get_running_loop().time())
        if left:
            raise left.pop(0)
        return "answered"

    return SimpleNamespace(call=call, asked=asked)


def test_who_waits_for_a_homeserver_that_is_away_goes_on_when_it_is_back() -> None:
    async def play() -> None:
        reach, loop = made(), asyncio.get_running_loop()
        reach.missed()
        began, waiting = loop.time(), asyncio.create_task(reach.pause(0.25))
        await asyncio.sleep(100)
        assert not waiting.done()
        reach.synced()
        await waiting
        assert loop.time() - began == 100

    run(play())


def test_a_request_is_repeated_within_seconds_and_asks_nothing_while_the_homeserver_is_away() -> None:
    async def play() -> None:
        reach, request = made(), failing(*[Unreachable(TimeoutError) for _ in range(11)])
        assert await reach.surely(request.call) == "answered"
        gaps = [later - sooner for sooner, later in zip(request.asked, request.asked[1:])]
        assert max(gaps) == LONGEST_PAUSE
        with pytest.raises(Unreachable):
            await reach.surely(failing(*[Unreachable(TimeoutError) for _ in range(99)]).call)

    run(play())


def test_to_be_told_when_to_come_back_is_no_failure() -> None:
    async def play() -> None:
        request = failing(*[Unreachable(TimeoutError, 7.0) for _ in range(99)])
        assert await made().surely(request.call) == "answered"
        assert request.asked[1] - request.asked[0] == 7.0

    run(play())


def test_who_is_told_to_come_back_later_for_ever_gives_up_after_half_a_day() -> None:
    async def play() -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(Unreachable):
            await made().surely(failing(*[Unreachable(TimeoutError, 600.0) for _ in range(999)]).call)
        assert LIMITED_SECONDS < loop.time() - began <= LIMITED_SECONDS + 600

    run(play())


@pytest.mark.parametrize(
    ("outcome", "seconds", "patience"),
    [(Later(60.0), 0.0, LIMITED_SECONDS), (Unsure(), 0.0, GIVE_UP_SECONDS), (Unsure(), 40.0, GIVE_UP_SECONDS)],
)
def test_an_answer_is_repeated_until_it_is_too_old_and_no_longer(outcome: Outcome, seconds: float, patience: float) -> None:
    async def play() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(UNLIMITED, loop.time)
        sender = Sender(None, None, pacer, made(), frozenset(), b"")  # type: ignore[arg-type]
        asked: list[float] = []

        async def attempt() -> Outcome:
            asked.append(loop.time())
            await asyncio.sleep(seconds)
            return outcome

        began = loop.time()
        assert await sender._repeated("!room", attempt) == outcome
        assert patience < loop.time() - began <= patience + 60
        assert max(later - sooner for sooner, later in itertools.pairwise(asked)) <= 60
        assert len(asked) >= 80

    run(play())


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (1500, 1.5),
        (10**12, LONGEST_LIMIT),
        (float("inf"), LONGEST_LIMIT),
        (float("nan"), 5.0),
        (-1, 5.0),
        ("9", 5.0),
        (None, 5.0),
    ],
)
def test_a_homeserver_makes_nobody_wait_longer_than_an_hour(said: object, seconds: float) -> None:
    assert wait_of(said) == seconds
    assert outcome_of("M_LIMIT_EXCEEDED", said) == Later(seconds)


def test_a_request_with_a_token_that_is_gone_waits_for_the_next_login() -> None:
    async def play() -> None:
        reach = made()
        asking = asyncio.create_task(reach.surely(failing(TokenGone()).call))
        await reach.refused.wait()
        assert not asking.done()
        assert not reach.sure()
        asking.cancel()

    run(play())


def test_nothing_is_set_free_unless_the_homeserver_surely_is_there() -> None:
    async def play() -> None:
        reach = made()
        reach.synced()
        assert reach.sure()
        await asyncio.sleep(FRESH_SECONDS + 1)
        assert not reach.sure()  # It may be that nothing comes, or that nothing can come.
        reach.heard()
        assert reach.sure()
        reach.missed()
        assert not reach.sure()

    run(play())


def test_before_the_first_sync_no_room_is_gone() -> None:
    async def play() -> None:
        reach, client = made(), SimpleNamespace(rooms={})
        sender = Sender(client, None, Pacer(UNLIMITED), reach, frozenset(), b"")  # type: ignore[arg-type]
        assert isinstance(await sender.once("!room", {}, "1", lane=Lane.DIGEST), Later)

    run(play())
