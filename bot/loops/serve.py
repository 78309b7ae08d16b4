"""Everything that runs, until it is told to stop: each platform by itself, so that one's trouble does not silence the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from bot.logs import Event, fail, log
from bot.transports import Receive, Transport, TransportEnded

LONGEST_PAUSE = 60.0
QUIET_SECONDS = 300.0
"""A platform that ran this long before it failed starts its pauses anew."""


async def _nothing() -> None:
    pass


@dataclass
class Service:
    """`chores` run beside the platforms and never return; `finish` ends, within seconds, what they have begun to send."""

    transports: Sequence[Transport]
    receive: Receive
    chores: Sequence[Callable[[], Awaitable[None]]] = ()
    finish: Callable[[], Awaitable[None]] = _nothing
    ended: list[TransportEnded] = field(default_factory=list)
    lost: bool = False
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        """Begin the orderly end."""
        self._stop.set()

    async def run(self) -> None:
        """Until `stop` is called, or until no platform is left; why each of those ended is in `ended`."""
        log(Event.STARTED)
        chores = [asyncio.ensure_future(chore()) for chore in self.chores]
        listening = [asyncio.create_task(self._listen(transport)) for transport in self.transports]
        stopping = asyncio.create_task(self._stop.wait())
        everybody = asyncio.ensure_future(asyncio.wait(listening))
        await asyncio.wait([stopping, everybody], return_when=asyncio.FIRST_COMPLETED)
        log(Event.STOPPING)
        self._stop.set()
        await self.finish()  # Before the platforms: one that stops closes its connection.
        await asyncio.gather(*(transport.stop() for transport in self.transports), return_exceptions=True)
        await everybody
        for task in (*chores, stopping):
            task.cancel()
        await asyncio.gather(*chores, stopping, return_exceptions=True)
        await asyncio.gather(*(transport.close() for transport in self.transports), return_exceptions=True)
        log(Event.STOPPED)

    async def _listen(self, transport: Transport) -> None:
        """Start again after a failure of ours; a platform that will not go on by itself is left."""
        pause = 1.0
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            began = loop.time()
            try:
                await transport.listen(self.receive)
            except TransportEnded as error:
                fail(Event.TRANSPORT_FAILED)
                self.ended.append(error)
                return
            except Exception as error:
                fail(Event.TRANSPORT_FAILED, exception=error)
            pause = 1.0 if loop.time() - began > QUIET_SECONDS else min(LONGEST_PAUSE, pause * 2)
            try:
                await asyncio.wait_for(self._stop.wait(), pause)
            except TimeoutError:
                continue
