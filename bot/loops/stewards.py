"""What the stewards are told, in their room."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from bot.deliveries import Moved, Outcome, Sent
from bot.logs import Event, fail
from bot.messages import Address, Reply
from bot.transports import Transport, TransportEnded

Tell = Callable[[str, Mapping[str, str]], Awaitable[None]]
"""Tells the stewards: the key of a phrase and its values."""
NOTE_SECONDS = 60.0
PAUSE_SECONDS = 5.0
MOST_WAITING = 200
MOST_TRIES = 60


@dataclass
class Stewards:
    """`room` is on whichever of the platforms, and where it is now; where there is none nobody is told."""

    transports: Mapping[str, Transport]
    room: Address | None
    _waiting: deque[Reply] = field(default_factory=lambda: deque(maxlen=MOST_WAITING))
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def show(self, note: Reply, within: float = NOTE_SECONDS) -> bool:
        """Say it now, once; whether the room took it within so many seconds."""
        if self.room is None or self.room.platform not in self.transports:
            return False
        try:
            async with asyncio.timeout(within):
                return isinstance(await self._sent(self.room, note), Sent)
        except (TimeoutError, TransportEnded):
            return False
        except Exception as error:  # What stewards are told of is in the ledger or the log too.
            fail(Event.UNHANDLED, exception=error)
            return False

    def follow(self, old: Address, new: Address) -> None:
        """A chat got a new address; where it is the room, that holds until the process ends: the setting is not ours."""
        if self.room is not None and (self.room.platform, self.room.chat) == (old.platform, old.chat):
            self.room = replace(self.room, chat=new.chat)
            fail(Event.ROOM_MOVED)

    async def _sent(self, room: Address, note: Reply) -> Outcome:
        transport = self.transports[room.platform]
        outcome = await transport.send(room, note)
        if not isinstance(outcome, Moved):
            return outcome
        self.follow(room, outcome.to)
        return await transport.send(self.room or room, note)

    def tell(self, note: Reply) -> None:
        """Say it as soon as the room can be reached, in order, without holding up whoever tells it."""
        if self.room is not None:
            self._waiting.append(note)
            self._news.set()

    async def tell_for_ever(self) -> None:
        """Until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                await self._through(self._waiting.popleft())

    async def _through(self, note: Reply) -> None:
        for _ in range(MOST_TRIES):
            if await self.show(note):
                return
            await asyncio.sleep(PAUSE_SECONDS)
