"""Everything that runs, until it is told to stop: each platform by itself, so that one's trouble does not silence the other."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.logs import Event, fail, log
from bot.tasks import is_cancelled
from bot.transports import Receive, Transport, TransportEnded

LONGEST_PAUSE = 60.0
QUIET_SECONDS = 300.0
"""A platform that ran this long before it failed starts its pauses anew."""
ENDED_PAUSE = 300.0
"""Before a platform that will not go on by itself is tried again, where another one goes on."""


async def _nothing() -> None:
    pass


async def _nobody(transport: Transport, error: TransportEnded) -> None:
    pass


async def cancelled(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel them, and wait until they are."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def keep(chore: Callable[[], Awaitable[None]]) -> None:
    """A chore that fails begins anew: none of them may be missing unnoticed."""
    pause = 1.0
    while True:
        try:
            await chore()
            return
        except asyncio.CancelledError as error:
            if is_cancelled():
                raise
            fail(Event.UNHANDLED, exception=error)
        except Exception as error:
            fail(Event.UNHANDLED, exception=error)
        await asyncio.sleep(pause)
        pause = min(LONGEST_PAUSE, pause * 2)


@dataclass
class Service:
    """`chores` run beside the platforms; `finish` ends, within seconds, what they have begun to send.

    `on_ended` hears of each platform that ended, while others go on. `ended` says why those are down that are, `restarts`
    counts them by platform.
    """

    transports: Sequence[Transport]
    receive: Receive
    chores: Sequence[Callable[[], Awaitable[None]]] = ()
    finish: Callable[[], Awaitable[None]] = _nothing
    on_ended: Callable[[Transport, TransportEnded], Awaitable[None]] = _nobody
    lost: bool = False
    restarts: Counter[str] = field(default_factory=Counter)
    _down: dict[str, TransportEnded] = field(default_factory=dict)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ended(self) -> list[TransportEnded]:
        return list(self._down.values())

    def is_down(self, platform: str) -> bool:
        """Whether it ended and waits for another try, or for the end of the service."""
        return platform in self._down

    def stop(self) -> None:
        """Begin the orderly end."""
        self._stop.set()

    async def run(self) -> None:
        """Until `stop` is called, or until all platforms are down at once."""
        log(Event.STARTED)
        chores = [asyncio.create_task(keep(chore)) for chore in self.chores]
        listening = [asyncio.create_task(self._listen(transport)) for transport in self.transports]
        stopping = asyncio.create_task(self._stop.wait())
        everybody = asyncio.ensure_future(asyncio.wait(listening))
        await asyncio.wait([stopping, everybody], return_when=asyncio.FIRST_COMPLETED)
        log(Event.STOPPING)
        self._stop.set()
        if self.lost:
            await cancelled(chores)  # Another process may do the same by now.
        await self.finish()  # Before the platforms: one that stops closes its connection.
        await asyncio.gather(*(transport.stop() for transport in self.transports), return_exceptions=True)
        await everybody
        await cancelled([*chores, stopping])
        await asyncio.gather(*(transport.close() for transport in self.transports), return_exceptions=True)
        log(Event.STOPPED)

    async def _listen(self, transport: Transport) -> None:
        """Start again after whatever ended it, unless no platform is left."""
        name, pause = transport.platform, 1.0
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            began = loop.time()
            self._down.pop(name, None)
            ended = await self._once(transport)
            if self._stop.is_set():
                return
            if ended is not None:
                self._down[name] = ended
                if len(self._down) == len(self.transports):
                    self._stop.set()
                    return
                await self.on_ended(transport, ended)
            pause = 1.0 if loop.time() - began > QUIET_SECONDS else min(LONGEST_PAUSE, pause * 2)
            try:
                await asyncio.wait_for(self._stop.wait(), pause if ended is None else ENDED_PAUSE)
            except TimeoutError:
                self.restarts[name] += 1

    async def _once(self, transport: Transport) -> TransportEnded | None:
        """Listen until it ends; why, where it will not go on by itself."""
        try:
            await transport.listen(self.receive)
        except TransportEnded as error:
            fail(Event.TRANSPORT_FAILED)
            return error
        except asyncio.CancelledError as error:
            if is_cancelled():
                raise
            fail(Event.TRANSPORT_FAILED, exception=error)  # Something inside was cancelled by nobody of ours.
        except Exception as error:
            fail(Event.TRANSPORT_FAILED, exception=error)
        return None
