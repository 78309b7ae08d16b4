"""From room events to work that is done: who speaks, can it be read, was it answered before, and what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from nio import AsyncClient, MegolmEvent, RedactionEvent

from bot.logs import Event, warn
from bot.messages import Address, Message, Role, Span, reply
from bot.transports import Receive
from bot.transports.inbox import Inbox
from bot.transports.matrix.client import decrypted
from bot.transports.matrix.reading import Me, Spoken, read
from bot.transports.matrix.rooms import Rooms
from bot.transports.matrix.sending import Sender
from bot.transports.numbered import chosen, with_numbers
from bot.transports.wiring import Wiring

KEY_SECONDS = 9.0
"""How long a key may come after its message; then the asker is told, and the key is used if it comes later still."""
TOO_OLD = timedelta(hours=24)
MOST_UNREAD = 1_000


class Events:
    """The events of one account."""

    def __init__(
        self, client: AsyncClient, wiring: Wiring, inbox: Inbox, sender: Sender, rooms: Rooms, me: Me, start: int
    ) -> None:
        self._client, self._wiring, self._inbox, self._sender, self._rooms, self._me = client, wiring, inbox, sender, rooms, me
        self._unread: dict[str, list[tuple[str, MegolmEvent]]] = {}
        self._told: set[str] = set()
        self._keys = asyncio.Condition()
        self._next = start

    async def take(self, receive: Receive, room: str, events: list[Any]) -> None:
        """Put a room's events into the inbox; what was answered before is passed over."""
        ids = {str(event.source.get("event_id", "")) for event in events if isinstance(getattr(event, "source", None), dict)}
        known = await self._wiring.answered.known(ids)
        stale = False
        for event in events:
            source = getattr(event, "source", None)
            id = source.get("event_id") if isinstance(source, dict) else None
            if (
                not isinstance(source, dict)
                or not isinstance(id, str)
                or id in known
                or source.get("sender") == self._client.user_id
            ):
                continue
            if self._is_old(source):
                stale = stale or self._rooms.private(room)
                continue
            work = self._work(receive, room, event)
            if work is not None:
                # What cannot be read yet waits beside the room, not in front of it.
                place = f"{room} {event.session_id}" if isinstance(event, MegolmEvent) else room
                self._put(place, partial(self._done, id, work))
        if stale:
            self._put(room, partial(self._say, room, "matrix.too-old", "too-old"))

    async def keys_arrived(self, receive: Receive, sessions: set[str]) -> None:
        """Keys came late: whoever waits for them tries again."""
        async with self._keys:
            self._keys.notify_all()
        for session in sessions & self._unread.keys():
            for room, event in self._unread.pop(session):
                read_now = decrypted(self._client, event)
                if read_now is not None:
                    work = self._work(receive, room, read_now)
                    if work is not None:
                        self._put(room, partial(self._done, event.event_id, work))

    def last(self) -> int:
        """The number of the last event that was put into the inbox."""
        return self._next

    def _put(self, room: str, work: Callable[[], Awaitable[None]]) -> None:
        self._next += 1
        self._inbox.take(self._next, room, work)

    def _work(self, receive: Receive, room: str, event: Any) -> Callable[[], Awaitable[None]] | None:
        if isinstance(event, MegolmEvent):
            return partial(self._late, receive, room, event)
        if isinstance(event, RedactionEvent):
            return partial(self._redacted, room, event)
        spoken = self._read(room, event)
        return None if spoken is None else partial(self._answer, receive, spoken)

    def _read(self, room: str, event: Any) -> Spoken | None:
        address = Address("matrix", room)
        mine = frozenset(self._wiring.memory.own(address, self._wiring.now()))
        return read(event.source, room, self._me, private=self._rooms.private(room), mine=mine)

    async def _done(self, id: str, work: Callable[[], Awaitable[None]]) -> None:
        await work()
        await self._wiring.answered.remember(id, self._wiring.now())

    async def _answer(self, receive: Receive, spoken: Spoken) -> None:
        message, memory, now = spoken.message, self._wiring.memory, self._wiring.now()
        question = spoken.edits or message.id
        before = memory.answers_to(message.address, question, now, spoken.sender) if spoken.edits else ()
        if spoken.edits and not before:
            return  # An edit of a question that nobody remembers.

        async def role_of(_: Message) -> Role:
            return await self._rooms.role(message.address.chat, spoken.sender)

        choice = chosen(message.text, memory.choices(message.address, now))
        if choice:
            message = replace(message, text=choice, under=memory.under(message.address, now))
        said = await receive(message, role_of)
        if said is None:
            return
        listed, says = with_numbers(
            said, () if message.is_private else invitation_to(self._me.user, self._wiring.say("button.private", None))
        )
        under = listed.text if any(button.reads for button in said.buttons) else None
        memory.offered(message.address, says, self._wiring.now(), under)
        ids = await self._sender.answer(
            message.address,
            listed,
            to=message.id,
            on=message.id,
            thread=spoken.thread,
            instead_of=before[0] if before else None,
        )
        for id in ids:
            memory.sent(message.address, id, question, self._wiring.now(), spoken.sender)

    async def _late(self, receive: Receive, room: str, event: MegolmEvent) -> None:
        """Wait a while for the key; then say once a session that the message could not be read."""
        known_missing = event.session_id in self._unread
        until = asyncio.get_running_loop().time() + (0.0 if known_missing else KEY_SECONDS)
        while (read_now := decrypted(self._client, event)) is None:
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                break
            try:
                async with asyncio.timeout(left), self._keys:
                    await self._keys.wait()
            except TimeoutError:
                break
        if read_now is not None:
            work = self._work(receive, room, read_now)
            if work is not None:
                await work()
            return
        warn(Event.NOT_READ)
        self._keep_unread(room, event)
        if event.session_id not in self._told and self._rooms.private(room):
            self._told.add(event.session_id)
            await self._say(room, "matrix.not-read", event.event_id)

    def _keep_unread(self, room: str, event: MegolmEvent) -> None:
        self._unread.setdefault(event.session_id, []).append((room, event))
        while sum(map(len, self._unread.values())) > MOST_UNREAD:
            del self._unread[next(iter(self._unread))]

    async def _say(self, room: str, key: str, to: str) -> None:
        await self._sender.answer(Address("matrix", room), reply(self._wiring.say(key, None)), to=f"{key}/{to}")

    async def _redacted(self, room: str, event: RedactionEvent) -> None:
        """Who takes back a question takes back its answer."""
        address = Address("matrix", room)
        for id in self._wiring.memory.answers_to(address, event.redacts, self._wiring.now()):
            await self._sender.redact(room, id, self._sender.transaction(f"redact/{event.event_id}/{id}", 0))

    def _is_old(self, source: dict[str, Any]) -> bool:
        at = source.get("origin_server_ts")
        try:
            return isinstance(at, int) and self._wiring.now() - datetime.fromtimestamp(at / 1000, UTC) > TOO_OLD
        except (ValueError, OverflowError, OSError):
            return False  # Another homeserver writes what time it likes.


def invitation_to(user: str, label: str) -> tuple[Span, ...]:
    """The way into the private chat with the bot, for where others read."""
    url = f"https://matrix.to/#/{user}"
    return (Span(f"{label}: "), Span(url, url=url))
