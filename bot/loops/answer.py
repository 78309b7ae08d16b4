"""One message to what is said to it: the handler's reply, after the errand that it needs. Never an exception."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from bot.desk import Desk
from bot.logs import Event, fail
from bot.loops.stewards import Stewards
from bot.messages import Address, Errand, Message, Reply, reply
from bot.router import Router
from bot.store import reviews
from bot.transports import RoleOf, Transport

NOTE_SECONDS = 8.0
"""A room that cannot be reached for longer must not hold up who reports."""


@dataclass(frozen=True)
class Answering:
    """`transports` by platform; `count` takes the ids of what answered, `tally` a platform and an outcome."""

    router: Router
    desk: Callable[[], Desk]
    transports: Mapping[str, Transport]
    stewards: Stewards
    count: Callable[[Iterable[str]], None] | None = None
    tally: Callable[[str, str], None] | None = None

    async def receive(self, message: Message, role_of: RoleOf) -> Reply | None:
        """What is said to a message, if anything."""
        desk = self.desk()
        said = await self._said(message, desk, role_of)
        # Now, since the message may have chosen another language.
        return said if said is None or said.language else replace(said, language=desk.speaker(message).language)

    async def _said(self, message: Message, desk: Desk, role_of: RoleOf) -> Reply | None:
        try:
            said = self._seen(await self.router.route(message, desk, role_of), message, desk)
            self._note(said, message)
            if isinstance(said, Errand):
                return await self._run(said, message)
            if said is not None and self.count is not None:
                self.count(said.answers)
            if said is not None and said.outcome is not None and self.tally is not None:
                self.tally(message.address.platform, said.outcome)
            return said
        except Exception as error:  # Whatever a handler stumbles over, the asker gets an honest sentence.
            fail(Event.ANSWER_FAILED, exception=error)
            return replace(reply(desk.speaker(message).say("failed")), refuses=True)

    def _note(self, said: Reply | Errand | None, message: Message) -> None:
        """What a steward did elsewhere the others hear of in their room, as soon as that can be reached."""
        if isinstance(said, Reply) and said.note is not None and not self._is_room(message.address):
            self.stewards.tell(reply(said.note))

    def _seen(self, said: Reply | Errand | None, message: Message, desk: Desk) -> Reply | Errand | None:
        """A draft that the stewards' room got as an answer is not shown there as a new one too."""
        store = desk.store
        if not isinstance(said, Reply) or said.draft is None or store is None or not self._is_room(message.address):
            return said
        draft = said.draft

        async def arrived() -> None:
            await store.run(lambda transaction: reviews.show(store, transaction, [draft]))

        return replace(said, arrived=arrived)

    def _is_room(self, address: Address) -> bool:
        room = self.stewards.room
        return room is not None and (address.platform, address.chat) == (room.platform, room.chat)

    async def _run(self, errand: Errand, message: Message) -> Reply:
        done = 0
        if errand.note is not None:
            done += await self.stewards.show(reply(errand.note), NOTE_SECONDS)
        if errand.deletes:
            done += await self.transports[message.address.platform].delete(message.address, errand.deletes)
        return errand.said(done)
