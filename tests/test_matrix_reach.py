"""Whoever repeats a request waits for the homeserver, not for a clock; nothing is set free on a mere suspicion. No network."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from bot.deliveries import Later
from bot.transports.matrix.reach import FRESH_SECONDS, LONGEST_PAUSE, Reach
from bot.transports.matrix.sending import Sender
from bot.transports.matrix.server import TokenGone, Unreachable
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
