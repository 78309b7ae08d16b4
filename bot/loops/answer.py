"""One message to what is said to it: the handler's reply, after the errand that it needs. Never an exception."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bot.deliveries import Sent
from bot.desk import Desk
from bot.logs import Event, fail
from bot.messages import Address, Errand, Message, Reply, reply
from bot.router import Router
from bot.transports import RoleOf, Transport

NOTE_SECONDS = 8.0
"""A room that cannot be reached for longer must not hold up who reports."""


@dataclass(frozen=True)
class Answering:
    """`transports` by platform; `room` is where the stewards are told, on whichever; `count` takes ids that answered."""

    router: Router
    desk: Callable[[], Desk]
    transports: Mapping[str, Transport]
    room: Address | None = None
    count: Callable[[Iterable[str]], None] | None = None

    async def receive(self, message: Message, role_of: RoleOf) -> Reply | None:
        """What is said to a message, if anything."""
        desk = self.desk()
        try:
            said = await self.router.route(message, desk, role_of)
            if isinstance(said, Errand):
                return await self._run(said, message)
            if said is not None and self.count is not None:
                self.count(said.answers)
            return said
        except Exception as error:  # Whatever a handler stumbles over, the asker gets an honest sentence.
            fail(Event.ANSWER_FAILED, exception=error)
            return reply(desk.speaker(message).say("failed"))

    async def _run(self, errand: Errand, message: Message) -> Reply:
        done = 0
        if errand.note is not None:
            done += await self._tell_stewards(errand.note)
        if errand.deletes:
            done += await self.transports[message.address.platform].delete(message.address, errand.deletes)
        return errand.said(done)

    async def _tell_stewards(self, note: str) -> bool:
        if self.room is None or self.room.platform not in self.transports:
            return False
        try:
            async with asyncio.timeout(NOTE_SECONDS):
                return isinstance(await self.transports[self.room.platform].send(self.room, reply(note)), Sent)
        except TimeoutError:
            return False
