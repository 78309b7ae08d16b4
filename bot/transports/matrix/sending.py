"""Replies to events: each under a transaction id of its own, so that a repeat is the same event; never newly in clear."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

import aiohttp
from nio import RoomSendResponse

from bot.deliveries import Gone, Later, Outcome, Refused, Sent, Unsure, Withheld
from bot.logs import Event, Fate, fail, warn
from bot.messages import Address, Reply
from bot.transports import May, always
from bot.transports.markup import parts
from bot.transports.matrix import sharing
from bot.transports.matrix.account import Account
from bot.transports.matrix.client import Client
from bot.transports.matrix.reach import LIMITED_SECONDS, LONGEST_PAUSE, Reach
from bot.transports.matrix.rendering import content_of, edit_of
from bot.transports.matrix.server import TOKEN_GONE, TokenGone, Unreachable, outcome_of, quoted, request
from bot.transports.pace import Lane
from bot.transports.pacer import Pacer

JSON = dict[str, Any]
Attempt = Callable[[], Awaitable[Outcome]]
SEND_SECONDS = 40.0
GIVE_UP_SECONDS = 3600.0
_NETWORK = (aiohttp.ClientError, OSError, ValueError)


@dataclass
class Sender:
    """Sends for one login. The homeserver's limit is on the account, so a 429 parks all."""

    client: Client
    account: Account
    pacer: Pacer
    reach: Reach
    commands: frozenset[str]
    secret: bytes
    refused_since: float | None = None
    _rooms: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def transaction(self, key: str, number: int) -> str:
        """The transaction id of a part: the same for the same question, whatever happens between."""
        return hmac.digest(self.secret, f"{key}/{number}".encode(), "sha256").hex()[:32]

    async def answer(
        self,
        address: Address,
        reply: Reply,
        *,
        to: str,
        on: str | None = None,
        thread: str | None = None,
        instead_of: str | None = None,
    ) -> list[str]:
        """Say a reply to event `to`, in its thread, in place of our message `instead_of` where one is given; the new ids."""
        sent = []
        for number, part in enumerate(parts(reply.spans)):
            content = content_of(part, self.commands, thread=thread, on=on)
            if instead_of is not None and number == 0:
                content = edit_of(content, instead_of)
            outcome = await self._said(address.chat, content, self.transaction(to, number))
            if not isinstance(outcome, Sent):
                fail(Event.ANSWER_GIVEN_UP, fate=Fate[type(outcome).__name__.upper()])
                break
            sent.append(outcome.id)
        return sent

    async def once(self, room: str, content: JSON, transaction: str, *, lane: Lane, may: May = always) -> Outcome:
        """One try, which may be repeated under the same transaction id for 23 hours."""
        return await self._paced(room, partial(self._try, room, content, transaction, may), lane)

    async def redact(self, room: str, event: str, transaction: str) -> bool:
        """Take back a message of ours, however often that must be tried; whether it is taken back."""
        return isinstance(await self._repeated(room, partial(self._redact, room, event, transaction)), Sent)

    async def _said(self, room: str, content: JSON, transaction: str) -> Outcome:
        outcome = await self._repeated(room, partial(self._try, room, content, transaction))
        if isinstance(outcome, Refused) and content.get("m.relates_to", {}).get("rel_type") == "m.thread":
            # A thread that cannot be: rather an answer beside it than none.
            content = {name: value for name, value in content.items() if name != "m.relates_to"}
            outcome = await self._repeated(room, partial(self._try, room, content, transaction))
        return outcome

    async def _repeated(self, room: str, attempt: Attempt) -> Outcome:
        """Until it is certain what became of it, or it is too old. Nothing is asked while the homeserver is away."""
        clock, pause = asyncio.get_running_loop().time, 0.0
        began = clock()
        while True:
            outcome = await self._paced(room, attempt, Lane.ANSWER)
            limited = isinstance(outcome, Later) and outcome.after is not None
            patience = LIMITED_SECONDS if limited else GIVE_UP_SECONDS
            if not isinstance(outcome, (Unsure, Later)) or clock() - began > patience:
                return outcome
            if limited:
                continue  # All are parked.
            pause = min(LONGEST_PAUSE, pause * 2 or 0.25)
            warn(Event.CALL_REPEATED, seconds=pause)
            await self.reach.pause(pause)

    async def _paced(self, room: str, attempt: Attempt, lane: Lane) -> Outcome:
        # One after the other in a room: two that share its keys at once would undo each other's.
        lock = self._rooms.setdefault(room, asyncio.Lock())
        async with lock, self.pacer.turn(room, lane):
            outcome = await attempt()
        if isinstance(outcome, Later) and outcome.after is not None:
            self.pacer.park(None, outcome.after)
        elif not isinstance(outcome, (Unsure, Later, Withheld)):
            self.reach.heard()
        return outcome

    async def _try(self, room: str, content: JSON, transaction: str, may: May = always) -> Outcome:
        known = self.client.rooms.get(room)
        if known is None:
            # Before the first sync nobody knows which rooms there are.
            return Gone() if self.reach.begun else Later(1.0)
        if self.account.was_encrypted(room) and not known.encrypted:
            fail(Event.CLEAR_REFUSED)
            return Refused()
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(SEND_SECONDS):
                if not await sharing.everybody_has_keys(self.client, room):
                    return Unsure()
                if not await may():
                    return Withheld()
                response = await self.client.room_send(
                    room, "m.room.message", content, tx_id=transaction, ignore_unverified_devices=True
                )
        except aiohttp.ClientConnectorError:
            return self._not_connected(began)
        except Exception as error:  # Also of nio, which stumbles over errors that it did not expect.
            if not isinstance(error, _NETWORK):
                warn(Event.CALL_REPEATED, exception=error)
            return Unsure() if room in self.client.rooms else Gone()
        finally:
            sharing.unblock(self.client, room)
        self.refused_since = None
        if isinstance(response, RoomSendResponse):
            return Sent(response.event_id)
        status = getattr(response.transport_response, "status", 0)
        return self._outcome(response.status_code, getattr(response, "retry_after_ms", None), status)

    async def _redact(self, room: str, event: str, transaction: str) -> Outcome:
        path = f"/rooms/{quoted(room)}/redact/{quoted(event)}/{transaction}"
        try:
            answer = await request(self.client, "PUT", path, {})
        except TokenGone:
            return self._outcome(TOKEN_GONE[0], None, 401)
        except Unreachable as error:
            return Unsure() if error.after is None else Later(error.after)
        if answer.ok:
            return Sent(str(answer.body.get("event_id", "")))
        return self._outcome(answer.body.get("errcode"), None, answer.status)

    def _not_connected(self, began: float) -> Outcome:
        """Surely not sent, unless it began while there was a connection: aiohttp itself repeats a call where one breaks."""
        if self.refused_since is None:
            self.refused_since = asyncio.get_running_loop().time()
        return Later() if began > self.refused_since else Unsure()

    def _outcome(self, code: object, retry_after_ms: object, status: int) -> Outcome:
        if code in TOKEN_GONE:
            # Whoever listens logs in anew, and what is not done by then comes again.
            self.reach.refused.set()
        return outcome_of(code, retry_after_ms, status)
