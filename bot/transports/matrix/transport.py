"""Matrix as a transport: open the session, sync, answer; log in anew where the homeserver forgot us."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from nio import RoomUpgradeEvent, SyncResponse

from bot.deliveries import Later, Outcome, Refused, Sent
from bot.keys import Keys
from bot.logs import Event, fail, log, warn
from bot.messages import Address, Reply
from bot.transports import Receive, TransportEnded
from bot.transports.inbox import Inbox
from bot.transports.markup import parts
from bot.transports.matrix.events import Events, invitation_to
from bot.transports.matrix.reading import Me
from bot.transports.matrix.rendering import content_of, edit_of
from bot.transports.matrix.rooms import Rooms
from bot.transports.matrix.sending import Sender
from bot.transports.matrix.server import TokenGone, Unreachable, quoted, request
from bot.transports.matrix.session import Credentials, Session
from bot.transports.matrix.sync import Sync, tokens_of
from bot.transports.matrix.timeline import events_of
from bot.transports.numbered import with_numbers
from bot.transports.pacer import UNLIMITED, Lane, Pacer
from bot.transports.wiring import Wiring

STOP_SECONDS = 12.0
GAP_TRIES = 3
MOST_WAITING = 2_000
"""Messages of one room that wait: after a downtime there may be many."""


class Matrix:
    """One bot account."""

    platform = "matrix"

    def __init__(self, credentials: Credentials, folder: Path, keys: Keys, wiring: Wiring, give_up: float = 600.0) -> None:
        self._wiring, self._give_up = wiring, give_up
        self._session = Session(credentials, folder, keys)
        self._secret = keys.secret("matrix/transaction")
        self.pacer = Pacer(UNLIMITED)
        self.inbox = Inbox(self.pacer.held_up, self.pacer.all_held_up, waits=self.pacer.waits, most_waiting=MOST_WAITING)
        self._sender: Sender | None = None
        self._stopping = False
        self._task: asyncio.Future[Any] | None = None
        self._number = self._taken = 0
        self._gaps: dict[str, int] = {}

    @property
    def fingerprint(self) -> str:
        """What workers compare to know the bot."""
        return self._session.identity.fingerprint

    async def listen(self, receive: Receive) -> None:
        """See `Transport`."""
        self._task = asyncio.ensure_future(self._for_ever(receive))
        try:
            await self._task
        except asyncio.CancelledError:
            if not self._stopping:
                raise
        finally:
            await self.inbox.drain(STOP_SECONDS)
            await self._session.close()

    async def stop(self) -> None:
        """See `Transport`."""
        self._stopping = True
        if self._task is not None:
            self._task.cancel()

    async def close(self) -> None:
        """See `Transport`."""
        await self._session.close()

    async def send(self, address: Address, reply: Reply) -> Outcome:
        """See `Transport`."""
        outcome: Outcome = Sent("")
        for part in parts(reply.spans):
            if self._sender is None:
                raise TransportEnded("Matrix is not connected yet")
            self._number += 1
            transaction = self._sender.transaction(f"note/{time.time_ns()}", self._number)
            content = content_of(part, self._wiring.commands)
            outcome = await self._sender.once(address.chat, content, transaction, lane=Lane.ANSWER)
            if not isinstance(outcome, Sent):
                break
        return outcome

    async def post(self, address: Address, reply: Reply, key: str, *, silent: bool = False) -> Outcome:
        """See `Transport`. The key is the transaction id, so that a repeat within a day is the same event."""
        return await self._post(address, reply, key, None)

    async def edit(self, address: Address, id: str, reply: Reply, key: str) -> Outcome:
        """See `Transport`."""
        return await self._post(address, reply, key, id)

    async def _post(self, address: Address, reply: Reply, key: str, edits: str | None) -> Outcome:
        if self._sender is None:
            return Later(5.0)
        invitation = invitation_to(self._session.credentials.user, self._wiring.say("button.private", None))
        listed, _ = with_numbers(reply, invitation)
        part, *more = parts(listed.spans)
        if more:
            return Refused()
        content = content_of(part, self._wiring.commands)
        content = content if edits is None else edit_of(content, edits)
        return await self._sender.once(address.chat, content, self._sender.transaction(key, 0), lane=Lane.DIGEST)

    async def delete(self, address: Address, ids: tuple[str, ...]) -> int:
        """See `Transport`."""
        if self._sender is None:
            return 0
        done = 0
        for id in ids:
            try:
                done += await self._sender.redact(address.chat, id, self._sender.transaction(f"clean/{id}", 0))
            except (Unreachable, TokenGone):
                break
        return done

    async def _for_ever(self, receive: Receive) -> None:
        while True:
            await self._open()
            session, client = self._session, self._session.client
            sender = self._sender = Sender(client, session.account, self.pacer, self._wiring.commands, self._secret)
            rooms = Rooms(client, client.user_id, self._wiring.stewards, self._wiring.room)
            me = Me(client.user_id, await self._name(), self._wiring.commands)
            events = Events(client, self._wiring, self.inbox, sender, rooms, me, self._taken)

            async def take(response: SyncResponse, since: str, events: Events = events, rooms: Rooms = rooms) -> None:
                await self._take(receive, response, since, events, rooms)

            log(Event.LISTENING)
            try:
                await Sync(session, self.inbox, take, events.last, self._give_up).for_ever()
            except TokenGone:
                warn(Event.TOKEN_REFUSED)
                # What was under way comes again from the saved token, through the new connection.
                await self.inbox.drain(0)
                self._taken = events.last()
                session.account.token = ""
                session.account.save()
                await session.close()

    async def _open(self) -> None:
        """The session, however long the homeserver takes to come back.

        :raises TransportEnded: for wrong credentials, a foreign identity, or no answer for long.
        """
        began, pause = time.monotonic(), 0.5
        while True:
            try:
                await self._session.open()
                return
            except Unreachable as error:
                await self._session.close()
                if time.monotonic() - began > self._give_up:
                    problem = "the homeserver does not answer; check the address and the network"
                    raise TransportEnded(f"RUECKSPIEGEL_MATRIX_HOMESERVER: {problem}") from None
                warn(Event.SILENT, exception=error.cause)
                await asyncio.sleep(error.after or pause)
                pause = min(4.0, pause * 2)

    async def _name(self) -> str:
        client = self._session.client
        local = str(client.user_id)[1:].partition(":")[0]
        try:
            answer = await request(client, "GET", f"/profile/{quoted(client.user_id)}/displayname")
        except Unreachable:
            return local
        return str(answer.body.get("displayname") or local)

    async def _take(self, receive: Receive, response: SyncResponse, since: str, events: Events, rooms: Rooms) -> None:
        client, account = self._session.client, self._session.account
        await events.keys_arrived(receive, tokens_of(response))
        await rooms.retry()
        for room, joined in response.rooms.join.items():
            known = client.rooms.get(room)
            if known is not None and known.encrypted:
                account.seen_encrypted(room)
            if since:
                # Without a saved token this is the first start: what was said before is not for us.
                await events.take(receive, room, await self._events(room, joined, since))
            for event in (*joined.state, *joined.timeline.events):
                if isinstance(event, RoomUpgradeEvent):
                    await self._follow(room, event, rooms)
            await rooms.tidy(room)
        for room, invite in response.rooms.invite.items():
            await rooms.invited(room, invite)
        for room in response.rooms.leave:
            client.rooms.pop(room, None)
            address = Address("matrix", room)
            self._wiring.memory.forget(address)
            await self._wiring.left(address)

    async def _events(self, room: str, joined: Any, since: str) -> list[Any]:
        """What stands in a room; where its past cannot be had, what there is, so that one room does not stop the others."""
        client = self._session.client
        try:
            return await events_of(client, room, joined, since)
        except Unreachable:
            self._gaps[room] = self._gaps.get(room, 0) + 1
            if self._gaps[room] < GAP_TRIES:
                raise
            fail(Event.GAP_LEFT)
            return await events_of(client, room, joined, "")

    async def _follow(self, room: str, event: RoomUpgradeEvent, rooms: Rooms) -> None:
        if await rooms.follow(room, event.replacement_room, event.sender.partition(":")[2]):
            await self._wiring.moved(Address("matrix", room), Address("matrix", event.replacement_room))
