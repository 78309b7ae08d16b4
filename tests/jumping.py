"""Real asyncio whose clock jumps from timer to timer: hours pass at once, nothing is slept, and a stall is an error."""

from __future__ import annotations

import asyncio
import selectors


class _Jumping(selectors.SelectSelector):
    """Waits for nothing: the time for which the loop would sleep has passed."""

    now, late = 1_000.0, 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("everybody waits and no timer is set: a stall")
        self.now += timeout + (self.late if timeout > 0 else 0.0)
        return super().select(0)


def jumping_loop(late: float = 0.0) -> asyncio.SelectorEventLoop:
    """A loop factory for `asyncio.Runner`; for code that waits for timers and other tasks alone, not for sockets or threads.

    Every timer rings so many seconds late.
    """
    selector = _Jumping()
    selector.late = late
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    return loop
