"""Matrix as a transport: listen and answer, send and correct; log in anew where the homeserver forgot us."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.deliveries import Later, Outcome, Refused, Sent
from bot.keys import Keys
from bot.logs import Event, log, warn
from bot.messages import Address, Reply
from bot.transports import May, Receive, always
from bot.transports.inbox import Inbox
from bot.transports.markup import parts
from bot.transports.matrix.answering import invitation
from bot.transports.matrix.connection import Connection, opened
from bot.transports.matrix.rendering import content_of, edit_of
from bot.transports.matrix.server import TokenGone
from bot.transports.matrix.session import Credentials, Session
from bot.transports.matrix.upkeep import KeysRolledBack
from bot.transports.numbered import with_numbers
from bot.transports.pace import Lane, Limits
from bot.transports.pacer import Pacer
from bot.transports.wiring import Wiring

STOP_SECONDS = 12.0
CLEAN_SECONDS = 60.0
"""Who cleans a phone waits no longer for a homeserver that throttles."""
NOT_YET = Later(5.0)
MOST_WAITING = 2_000
"""Messages of one room that wait: after a downtime there may be many."""
LIMITS = Limits(10**6, 10**6, 10**6, 0.0, 10**6, hangs_after=5.0)
"""The homeserver says itself what is too much. What hangs must not keep the others waiting."""


class Matrix:
    """One bot account."""

    platform = "matrix"

    def __init__(self, credentials: Credentials, folder: Path, keys: Keys, wiring: Wiring, give_up: float = 600.0) -> None:
        self._wiring, self._give_up = wiring, give_up
        self._session = Session(credentials, folder, keys, wiring.now)
        self._secret = keys.secret("matrix/transaction")
        self.pacer = Pacer(LIMITS)
        self.inbox = Inbox(self.pacer.held_up, self.pacer.all_held_up, waits=self.pacer.waits, most_waiting=MOST_WAITING)
        self._connection: Connection | None = None
        self._stopping = False
        self._task: asyncio.Future[Any] | None = None
        self._number = self._taken = 0

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
            await self._end(STOP_SECONDS)

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
        memory, now = self._wiring.memory, self._wiring.now()
        listed, choices = with_numbers(reply)
        if choices.says:
            memory.offered(address, choices, now)
        for part in parts(listed.spans):
            if self._connection is None:
                return NOT_YET
            sender = self._connection.sender
            self._number += 1
            transaction = sender.transaction(f"note/{time.time_ns()}", self._number)
            content = content_of(part, self._wiring.commands)
            outcome = await sender.once(address.chat, content, transaction, lane=Lane.ANSWER)
            if not isinstance(outcome, Sent):
                break
            if reply.draft is not None:
                memory.sent(address, outcome.id, "", now, draft=reply.draft)
        return outcome

    def since(self) -> datetime | None:
        """See `Transport`. Transaction ids are a device's own."""
        return datetime.fromtimestamp(self._session.account.made, UTC)

    async def post(self, address: Address, reply: Reply, key: str, *, silent: bool = False, may: May = always) -> Outcome:
        """See `Transport`. The key is the transaction id, so that a repeat within a day is the same event."""
        return await self._post(address, reply, key, None, may)

    async def edit(self, address: Address, id: str, reply: Reply, key: str, *, may: May = always) -> Outcome:
        """See `Transport`."""
        return await self._post(address, reply, key, id, may)

    async def _post(self, address: Address, reply: Reply, key: str, edits: str | None, may: May) -> Outcome:
        if self._connection is None:
            return NOT_YET
        sender = self._connection.sender
        listed, _ = with_numbers(reply, invitation(self._session.credentials.user, reply, self._wiring.say))
        part, *more = parts(listed.spans)
        if more:
            return Refused()
        content = content_of(part, self._wiring.commands)
        content = content if edits is None else edit_of(content, edits)
        return await sender.once(address.chat, content, sender.transaction(key, 0), lane=Lane.DIGEST, may=may)

    async def delete(self, address: Address, ids: tuple[str, ...]) -> int:
        """See `Transport`."""
        done = 0
        try:
            async with asyncio.timeout(CLEAN_SECONDS):
                for id in ids:
                    if self._connection is None:
                        break
                    sender = self._connection.sender
                    done += await sender.redact(address.chat, id, sender.transaction(f"clean/{id}", 0))
        except TimeoutError:
            pass  # As far as it came is said.
        return done

    async def _for_ever(self, receive: Receive) -> None:
        session = self._session
        while True:
            try:
                name = await opened(session, self._give_up)
                self.inbox.hear()
                self._connection = Connection(
                    session, name, self._wiring, receive, self.inbox, self.pacer, self._secret, self._taken
                )
                log(Event.LISTENING)
                await self._connection.serve(self._give_up)
            except TokenGone:
                warn(Event.TOKEN_REFUSED)
                await self._end(0)
                session.forget_token()
            except KeysRolledBack:
                await self._end(0)
                session.account.renew(self._wiring.now())

    async def _end(self, seconds: float) -> None:
        """What was under way and is not done comes again from the saved token, through the next connection."""
        connection, self._connection = self._connection, None
        try:
            if connection is not None:
                self._taken = await connection.end(seconds)
        finally:
            await self._session.close()
