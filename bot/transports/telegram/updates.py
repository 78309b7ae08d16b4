"""From raw updates to work that is done: who speaks, was it answered before, and what becomes of it."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

from telegram import Chat

from bot import lifetimes
from bot.logs import Event, fail, warn
from bot.messages import Message, Opens, Reply, Role, reply
from bot.transports import Receive, RoleOf
from bot.transports.inbox import Inbox
from bot.transports.telegram.api import Api
from bot.transports.telegram.outcomes import OtherPoller, TokenRefused, Unreachable
from bot.transports.telegram.reading import Me, Migrated, OldButton, Read, Spoken, Standing, read, shared
from bot.transports.telegram.roles import Roles
from bot.transports.telegram.sending import Sender
from bot.transports.wiring import Wiring

TAP_SECONDS = lifetimes.TAP.total_seconds()
"""A button that is tapped again within this time is the same tap, delivered twice."""

TAPS_AT_ONCE = 8
MOST_TAPS = 100


class Updates:
    """The updates of one bot account."""

    def __init__(self, api: Api, wiring: Wiring, inbox: Inbox, sender: Sender, me: Me) -> None:
        self._api, self._wiring, self._inbox, self._sender, self._me = api, wiring, inbox, sender, me
        self._roles = Roles(api, wiring.stewards, wiring.room)
        self._taps: set[bytes] = set()
        self._key = secrets.token_bytes(32)
        self._asides: set[asyncio.Task[Any]] = set()
        self._taps_at_once = asyncio.Semaphore(TAPS_AT_ONCE)
        self.set_aside = 0

    async def close(self) -> None:
        """Drop what runs beside the work."""
        for task in list(self._asides):
            task.cancel()
        await asyncio.gather(*self._asides, return_exceptions=True)

    async def take(self, receive: Receive, raws: list[dict[str, Any]]) -> None:
        """Put new updates into the inbox; what was answered before is passed over."""
        known = await self._wiring.answered.known({str(raw.get("update_id", 0)) for raw in raws})
        for raw in raws:
            key = raw.get("update_id")
            if not isinstance(key, int):
                continue
            found = None if str(key) in known else self._read(raw)
            work = self._work(receive, found)
            if found is None or work is None:
                self._inbox.skip(key)
            else:
                self._inbox.take(key, _chat(found), partial(self._done, str(key), work), self._who(found))

    def _who(self, found: Read) -> bytes:
        return self._mark(f"{found.sender.user}/{found.sender.as_chat}") if isinstance(found, Spoken) else b""

    def _read(self, raw: dict[str, Any]) -> Read:
        try:
            return read(self._api.parse(raw), self._me)
        except Exception as error:  # One update that cannot be parsed must not hold up the others.
            self.set_aside += 1
            warn(Event.UPDATE_SET_ASIDE, exception=error, count=self.set_aside)
            return None

    def _work(self, receive: Receive, found: Read) -> Callable[[], Awaitable[object]] | None:
        match found:
            case Spoken(tap=str(query)):
                again = self._again(found)
                if again or not shared(found.kind):
                    self._aside(self._tell(query, None))
                return None if again else partial(self._tapped, receive, found)
            case Spoken():
                return partial(self._answer, receive, found)
            case OldButton(query=query, language=language):
                self._aside(self._tell(query, self._wiring.say("tap.old", language)))
                return None
            case Migrated(old=old, new=new):
                return partial(self._wiring.moved, old, new)
            case Standing():
                return partial(self._stand, found)
        return None

    async def _done(self, key: str, work: Callable[[], Awaitable[object]]) -> None:
        await work()
        await self._wiring.answered.remember(key, self._wiring.now())

    async def _tapped(self, receive: Receive, spoken: Spoken) -> None:
        """Whoever is refused something, or did not get it, may try again."""
        answered = False
        try:
            answered = await self._answer(receive, spoken)
        finally:
            if not answered:
                self._taps.discard(self._sign(spoken))

    async def _answer(self, receive: Receive, spoken: Spoken) -> bool:
        """Whether it was answered and not refused."""
        said = await self._said(receive, spoken)
        refused = said is not None and said.refuses
        if spoken.tap is not None and shared(spoken.kind):
            self._aside(self._tell(spoken.tap, said.text if said is not None and refused else None))
            if refused:
                return False
        if said is None:
            return True
        address, memory, now = spoken.message.address, self._wiring.memory, self._wiring.now()
        before = memory.answers_to(address, spoken.edits, now) if spoken.edits else ()
        on = spoken.on if spoken.opens is Opens.REPLACE and not refused else (before[0] if before else None)
        if len(before) > 1:
            await self._sender.delete(address, before[1:])
        ids = await self._sender.answer(address, said, instead_of=on)
        for id in ids if said.remembered else ():
            memory.sent(address, id, spoken.message.id, self._wiring.now())
        if ids and said.arrived is not None:
            await said.arrived()
        return bool(ids) and not refused

    async def _said(self, receive: Receive, spoken: Spoken) -> Reply | None:
        async def role_of(_: Message) -> Role:
            return await self._roles.role(spoken.message.address, spoken.kind, spoken.sender)

        if spoken.tap is not None and spoken.kind == Chat.CHANNEL and (why := await self._forbids(role_of, spoken.message)):
            # All subscribers would see what one of them makes of a post.
            return replace(reply(self._wiring.say(why, spoken.message.language)), refuses=True)
        steward = self._wiring.stewards.get(f"telegram:{spoken.sender.user}")
        return await receive(replace(spoken.message, steward=steward), role_of)

    async def _forbids(self, role_of: RoleOf, message: Message) -> str | None:
        """The key of what is said to whoever runs nothing here; None to who does."""
        try:
            return "command.forbidden" if await role_of(message) is Role.ANYONE else None
        except (TokenRefused, OtherPoller, Unreachable) as error:
            fail(Event.ANSWER_FAILED, exception=error)
            return "failed"

    async def _stand(self, standing: Standing) -> None:
        if not standing.inside:
            self._wiring.memory.forget(standing.address)
            await self._wiring.left(standing.address)
        elif standing.made_admin:
            warn(Event.MADE_ADMIN)
            await self._sender.answer(standing.address, reply(self._wiring.say("group.admin", None)))

    def _again(self, spoken: Spoken) -> bool:
        """Whether this tap came already."""
        mark = self._sign(spoken)
        if mark in self._taps:
            return True
        self._taps.add(mark)
        asyncio.get_running_loop().call_later(TAP_SECONDS, self._taps.discard, mark)
        return False

    def _sign(self, spoken: Spoken) -> bytes:
        # Once the message was changed, the same button on it is another one.
        on = f"{spoken.message.address}/{spoken.on}/{spoken.edited}"
        return self._mark(f"{spoken.sender.user}/{on}/{spoken.message.text}")

    def _mark(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode(), "sha256")

    async def _tell(self, query: str, text: str | None) -> None:
        """Answer a tap at once, so that its button stops turning; Telegram does not limit these, but a flood of them we do."""
        if len(self._asides) <= MOST_TAPS:
            async with self._taps_at_once:
                await self._api.do(lambda bot: bot.answer_callback_query(query, text[:200] if text else None))

    def _aside(self, work: Awaitable[object]) -> None:
        task = asyncio.ensure_future(work)
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)


def _chat(found: Read) -> str:
    """The chat in which order is kept."""
    match found:
        case Spoken(message=message):
            return message.address.chat
        case Migrated(old=old):
            return old.chat
        case Standing(address=address):
            return address.chat
    return ""
