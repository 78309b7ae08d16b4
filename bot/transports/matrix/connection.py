"""One login of the bot, from the opened session to its end: what came in a sync goes to the rooms and events it is for."""

from __future__ import annotations

import asyncio
import time
from functools import partial

from nio import RoomUpgradeEvent, SyncResponse

from bot.logs import Event, log, warn
from bot.messages import Address
from bot.transports import Receive, TransportEnded
from bot.transports.inbox import Inbox
from bot.transports.matrix.answering import Answers
from bot.transports.matrix.events import Events
from bot.transports.matrix.gaps import Gaps
from bot.transports.matrix.reach import LONGEST_PAUSE, LONGEST_WAIT, Reach
from bot.transports.matrix.reading import Me
from bot.transports.matrix.roles import Roles
from bot.transports.matrix.rooms import TOO_LARGE, Rooms
from bot.transports.matrix.sending import Sender
from bot.transports.matrix.server import Unreachable, quoted, request
from bot.transports.matrix.session import Session
from bot.transports.matrix.sync import Feed, Sync
from bot.transports.matrix.timeline import past_of
from bot.transports.pacer import Pacer
from bot.transports.wiring import Wiring


async def opened(session: Session, give_up: float) -> str:
    """The session open, however long the homeserver takes to come back; the name under which people see the bot.

    :raises TransportEnded: for wrong credentials, a foreign identity, or no answer for long.
    """
    began, pause = time.monotonic(), 0.5
    while True:
        try:
            await session.open()
            return await _name(session)
        except Unreachable as error:
            await session.close()
            if time.monotonic() - began > give_up:
                problem = "the homeserver does not answer; check the address and the network"
                raise TransportEnded(f"RUECKSPIEGEL_MATRIX_HOMESERVER: {problem}") from None
            warn(Event.SILENT, exception=error.cause)
            await asyncio.sleep(min(error.after or pause, LONGEST_WAIT))
            pause = min(LONGEST_PAUSE, pause * 2)


async def _name(session: Session) -> str:
    user = session.credentials.user
    answer = await request(session.client, "GET", f"/profile/{quoted(user)}/displayname")
    return str(answer.body.get("displayname") or user[1:].partition(":")[0])


class Connection:
    """Serves an opened session until the homeserver forgets it. `taken` is the number of the last update of the one before."""

    def __init__(
        self,
        session: Session,
        name: str,
        wiring: Wiring,
        receive: Receive,
        inbox: Inbox,
        pacer: Pacer,
        secret: bytes,
        taken: int,
    ) -> None:
        self._session, self._wiring, self._inbox = session, wiring, inbox
        client = session.client
        self._reach = Reach()
        self.sender = Sender(client, session.account, pacer, self._reach, wiring.commands, secret)
        self._rooms = Rooms(client, client.user_id, self._reach, wiring.now)
        self._roles = Roles(client, self._reach, self._rooms.private, wiring.stewards, wiring.room)
        me = Me(client.user_id, name, wiring.commands)
        answers = Answers(receive, wiring, self.sender, self._roles, me)
        self._events = Events(client, wiring, inbox, answers, self._rooms, me, taken)
        self._sync: Sync | None = None
        self._gaps = Gaps(self._reach)

    async def serve(self, give_up: float) -> None:
        """Until cancelled; raises what `Sync.for_ever` does."""
        feed = Feed(self._inbox, self._take, self._events.last, self._gaps.waits, self._drop_old)
        self._sync = Sync(self._session, feed, self._reach, give_up)
        await self._sync.for_ever()

    async def end(self, seconds: float) -> int:
        """What is under way comes to its end, and is unreadable then; what does not comes again. The last update's number."""
        await self._gaps.end()
        self._events.end()
        # Nothing that waits for a homeserver which is away will be done by then; a repeat is the same event in any case.
        left = await self._inbox.drain(0 if self._reach.away else seconds)
        if self._sync is not None:
            self._sync.save(left)
        return self._events.last()

    async def _take(self, response: SyncResponse, since: str) -> None:
        client, account, put = self._session.client, self._session.account, self._events.put
        await self._events.synced()
        for room, joined in response.rooms.join.items():
            known = client.rooms.get(room)
            if known is not None and known.encrypted:
                account.seen_encrypted(room)
            if self._rooms.is_awaited(room):
                # In front of what is said there, which already speaks of what moves.
                put(room, f"{room} replaces", partial(self._replace, room))
            past = partial(past_of, client, room, joined, since, account.made)
            await self._gaps.take(room, past, joined, partial(self._events.take, room))
            for event in (*joined.state, *joined.timeline.events):
                if isinstance(event, RoomUpgradeEvent):
                    put(f"{room} upgrade", f"{room} upgrade", partial(self._follow, room, event))
            self._rooms.saw(room, joined)
            self._tidy(room)
        for room, invite in response.rooms.invite.items():
            put(f"{room} invite", f"{room} invite", partial(self._rooms.invited, room, invite))
        for room in response.rooms.leave:
            client.rooms.pop(room, None)
            self._gaps.drop(room)
            self._rooms.left(room)
            self._roles.left(room)
            address = Address("matrix", room)
            self._wiring.memory.forget(address)
            await self._wiring.left(address)

    def _tidy(self, room: str) -> None:
        """Leave a room where we are alone, or that is too large."""
        alone = self._rooms.alone(room)
        if alone or self._rooms.too_large(room):
            self._session.client.rooms.pop(room, None)
            log(Event.ROOM_LEFT)
            self._events.put(room, f"{room} leave", partial(self._rooms.leave, room, None if alone else TOO_LARGE))

    def _drop_old(self) -> None:
        self._events.drop_old()
        self._rooms.drop_old()
        for room in self._rooms.forsaken():
            self._tidy(room)

    async def _follow(self, room: str, event: RoomUpgradeEvent) -> None:
        new = event.replacement_room
        if await self._rooms.follow(room, new, event.sender.partition(":")[2]):
            await self._wiring.moved(Address("matrix", room), Address("matrix", new))

    async def _replace(self, new: str) -> None:
        old = await self._rooms.replaces(new)
        if old is not None:
            await self._wiring.moved(Address("matrix", old), Address("matrix", new))
