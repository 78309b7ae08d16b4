"""Replies to events: each under a transaction id of its own, so that a repeat is the same event; never newly in clear."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass
from typing import Any

import aiohttp
from nio import AsyncClient, ErrorResponse, LocalProtocolError, RoomSendResponse

from bot.deliveries import Gone, Later, Outcome, Refused, Sent, Unsure
from bot.logs import Event, Fate, fail, warn
from bot.messages import Address, Reply
from bot.transports.markup import parts
from bot.transports.matrix.account import Account
from bot.transports.matrix.rendering import content_of, edit_of
from bot.transports.matrix.server import outcome_of, quoted, request
from bot.transports.pacer import Lane, Pacer

JSON = dict[str, Any]
SEND_SECONDS = 40.0
GIVE_UP_SECONDS = 3600.0
LONGEST_PAUSE = 30.0


@dataclass
class Sender:
    """Sends for one account. The homeserver's limit is on the account, so a 429 parks all."""

    client: AsyncClient
    account: Account
    pacer: Pacer
    commands: frozenset[str]
    secret: bytes
    refused_since: float | None = None

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
            outcome = await self._repeated(address.chat, content, self.transaction(to, number))
            if not isinstance(outcome, Sent):
                break
            sent.append(outcome.id)
        return sent

    async def once(self, room: str, content: JSON, transaction: str, *, lane: Lane) -> Outcome:
        """One try, which may be repeated under the same transaction id for 23 hours."""
        async with self.pacer.turn(room, lane):
            outcome = await self._try(room, content, transaction)
        if isinstance(outcome, Later) and outcome.after is not None:
            self.pacer.park(None, outcome.after)
        return outcome

    async def redact(self, room: str, event: str, transaction: str) -> bool:
        """Take back a message of ours."""
        path = f"/rooms/{quoted(room)}/redact/{quoted(event)}/{transaction}"
        return (await request(self.client, "PUT", path, {})).ok

    async def _repeated(self, room: str, content: JSON, transaction: str) -> Outcome:
        pause = waited = 0.0
        while True:
            outcome = await self.once(room, content, transaction, lane=Lane.ANSWER)
            if isinstance(outcome, Sent):
                return outcome
            if isinstance(outcome, Later) and outcome.after is not None:
                continue
            if isinstance(outcome, Refused) and content.get("m.relates_to", {}).get("rel_type") == "m.thread":
                # A thread that cannot be: rather an answer beside it than none.
                content = {name: value for name, value in content.items() if name != "m.relates_to"}
                continue
            if not isinstance(outcome, (Unsure, Later)) or waited > GIVE_UP_SECONDS:
                fail(Event.ANSWER_GIVEN_UP, fate=Fate[type(outcome).__name__.upper()])
                return outcome
            pause = min(LONGEST_PAUSE, pause * 2 or 0.25)
            waited += pause
            warn(Event.CALL_REPEATED, seconds=pause)
            await asyncio.sleep(pause)

    async def _try(self, room: str, content: JSON, transaction: str) -> Outcome:
        known = self.client.rooms.get(room)
        if known is None:
            return Gone()
        if self.account.was_encrypted(room) and not known.encrypted:
            fail(Event.CLEAR_REFUSED)
            return Refused()
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(SEND_SECONDS):
                if not await self._everybody_has_keys(room, known):
                    return Unsure()
                response = await self.client.room_send(
                    room, "m.room.message", content, tx_id=transaction, ignore_unverified_devices=True
                )
        except aiohttp.ClientConnectorError:
            self._unblock(room)
            return self._not_connected(began)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            self._unblock(room)
            return Unsure()
        except LocalProtocolError:
            # Another task shares the session at this moment, or a failed one left its mark.
            self._unblock(room)
            return Unsure() if room in self.client.rooms else Gone()
        self.refused_since = None
        if isinstance(response, RoomSendResponse):
            return Sent(response.event_id)
        self._unblock(room)
        status = getattr(response.transport_response, "status", 0)
        return outcome_of(response.status_code, getattr(response, "retry_after_ms", None), status)

    def _not_connected(self, began: float) -> Outcome:
        """Surely not sent, unless it began while there was a connection: aiohttp itself repeats a call where one breaks."""
        if self.refused_since is None:
            self.refused_since = asyncio.get_running_loop().time()
        return Later() if began > self.refused_since else Unsure()

    async def _everybody_has_keys(self, room: str, known: Any) -> bool:
        """Ask for the keys of whoever is in the room; where that failed, nio would encrypt for nobody and call it sent."""
        client = self.client
        if not known.encrypted or not client.olm.should_share_group_session(room):
            return True
        if not known.members_synced:
            await client.joined_members(room)
        if client.should_query_keys and isinstance(await client.keys_query(), ErrorResponse):
            return False
        missing = client.get_missing_sessions(room)
        return not missing or not isinstance(await client.keys_claim(missing), ErrorResponse)

    def _unblock(self, room: str) -> None:
        """nio leaves a mark after a failed key exchange, behind which every later send would wait for ever."""
        event = self.client.sharing_session.pop(room, None)
        if event is not None:
            event.set()
