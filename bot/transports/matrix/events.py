"""From room events to work that is done: who speaks, can it be read, was it answered before, and what becomes of it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from nio import MegolmEvent, RedactionEvent

from bot.intake.fields import names_field
from bot.logs import Event, warn
from bot.messages import WHICH, Address, Message, Role, Span, reply
from bot.router import command_of
from bot.transports import Receive
from bot.transports.inbox import Inbox
from bot.transports.matrix.client import Client
from bot.transports.matrix.late import Late
from bot.transports.matrix.reading import Me, Spoken, read
from bot.transports.matrix.rooms import Rooms
from bot.transports.matrix.rounds import Rounds
from bot.transports.matrix.sending import Sender
from bot.transports.numbered import chosen, with_numbers
from bot.transports.wiring import Wiring

_NAMED = re.compile(r": ([a-z0-9-]{3,40})$")
"""At the end of a draft's first line stands its id."""
TOO_OLD = timedelta(hours=24)


class Events:
    """The events of one login."""

    def __init__(self, client: Client, wiring: Wiring, inbox: Inbox, sender: Sender, rooms: Rooms, me: Me, start: int) -> None:
        self._client, self._wiring, self._inbox, self._sender, self._rooms, self._me = client, wiring, inbox, sender, rooms, me
        self._late = Late(client)
        self._rounds = Rounds()
        self._under_way: set[str] = set()
        self._next = start

    async def take(self, receive: Receive, room: str, events: list[Any]) -> None:
        """Put a room's events into the inbox; what was answered before, or is under way, is passed over."""
        under_way = set(self._under_way)  # Before it is asked what is done: what ends meanwhile is in one of both.
        known = await self._wiring.answered.known({id for event in events if (id := self._id(event)) is not None})
        stale = False
        for event in events:
            id = self._id(event)
            if id is None or id in known or id in under_way:
                continue
            if self._is_old(event.source):
                stale = stale or self._rooms.private(room)
                continue
            work = self._work(receive, room, event)
            if work is not None:
                # What cannot be read yet waits beside the room, not in front of it.
                place = f"{room} {event.session_id}" if isinstance(event, MegolmEvent) else room
                self.put(place, id, partial(self._done, id, work))
        if stale:
            self.put(room, f"{room} too-old", partial(self._say, room, "matrix.too-old", "too-old"))

    async def synced(self, receive: Receive) -> None:
        """Keys may have come late: whoever waits for them tries again."""
        await self._late.synced()
        for room, id, event in self._late.readable():
            work = self._work(receive, room, event)
            if work is not None:
                self.put(room, id, partial(self._done, id, work))

    def put(self, place: str, id: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do something after what already waits at a place; under this id only once at a time."""
        if id in self._under_way:
            return
        self._next += 1
        if self._inbox.take(self._next, place, partial(self._tracked, id, work)):
            self._under_way.add(id)

    def drop_old(self) -> None:
        """Forget what counted for a while."""
        self._late.drop_old()
        self._rounds.drop_old()

    def last(self) -> int:
        """The number of the last event that was put into the inbox."""
        return self._next

    def _id(self, event: Any) -> str | None:
        """The id of an event that is not our own, None for whatever has none."""
        source = getattr(event, "source", None)
        if not isinstance(source, dict) or source.get("sender") == self._client.user_id:
            return None
        id = source.get("event_id")
        return id if isinstance(id, str) else None

    def _work(self, receive: Receive, room: str, event: Any) -> Callable[[], Awaitable[None]] | None:
        if isinstance(event, MegolmEvent):
            return partial(self._wait, receive, room, event)
        if isinstance(event, RedactionEvent):
            return partial(self._redacted, room, event)
        spoken = self._read(room, event)
        if spoken is None:
            return None
        if not self._rounds.asked(room, spoken.sender):
            warn(Event.UPDATE_SHED)
            return None
        return partial(self._answer, receive, spoken)

    def _read(self, room: str, event: Any) -> Spoken | None:
        address = Address("matrix", room)
        mine = frozenset(self._wiring.memory.own(address, self._wiring.now()))
        return read(event.source, room, self._me, private=self._rooms.private(room), mine=mine)

    async def _tracked(self, id: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        finally:
            self._under_way.discard(id)

    async def _done(self, id: str, work: Callable[[], Awaitable[None]]) -> None:
        await work()
        await self._wiring.answered.remember(id, self._wiring.now())

    async def _answer(self, receive: Receive, spoken: Spoken) -> None:
        message, memory, now = spoken.message, self._wiring.memory, self._wiring.now()
        question = spoken.edits or message.id
        before = memory.answers_to(message.address, question, now, spoken.sender) if spoken.edits else ()
        if spoken.edits and not before:
            return  # An edit of a question that nobody remembers.
        if not message.is_private:
            memory.others_read(message.address)

        async def role_of(_: Message) -> Role:
            return await self._rooms.role(message.address.chat, spoken.sender)

        said = await receive(self._meant(spoken), role_of)
        if said is None:
            return
        listed, says = with_numbers(
            said, () if message.is_private else invitation_to(self._me.user, self._wiring.say("button.private", None))
        )
        ids = await self._sender.answer(
            message.address,
            listed,
            to=message.id,
            on=message.id,
            thread=spoken.thread,
            instead_of=before[0] if before else None,
        )
        # Only now: a question that comes again must find the numbers that it meant.
        under = listed.text if any(button.reads for button in said.buttons) else None
        memory.offered(message.address, says, self._wiring.now(), under, private=message.is_private)
        self._rounds.answered(message.address.chat, spoken.sender)
        for id in ids if said.remembered else ():
            memory.sent(message.address, id, question, self._wiring.now(), spoken.sender, said.draft)
        if ids and said.arrived is not None:
            await said.arrived()

    def _meant(self, spoken: Spoken) -> Message:
        """The message with what its number says, or as lines of the draft that it replies to."""
        memory, now = self._wiring.memory, self._wiring.now()
        message = replace(spoken.message, steward=self._wiring.stewards.get(f"matrix:{spoken.sender}"))
        choice = chosen(message.text, memory.choices(message.address, now))
        if choice:
            return replace(message, text=choice, under=memory.under(message.address, now))
        draft = memory.draft_of(message.address, spoken.replies_to, now)
        if draft is None and spoken.replies_to and message.steward and names_field(message.text):
            # After a restart nobody remembers; what the client repeats may name it, else the steward is asked.
            named = _NAMED.search(spoken.quotes)
            draft = named[1] if named else WHICH
        if draft is not None and command_of(message.text) is None:
            return replace(message, text=f"/draft {draft}\n{message.text}")
        return message

    async def _wait(self, receive: Receive, room: str, event: MegolmEvent) -> None:
        """Wait a while for the key; then say once a session that the message could not be read."""
        read_now = await self._late.read(event)
        if read_now is not None:
            work = self._work(receive, room, read_now)
            if work is not None:
                await work()
            return
        warn(Event.NOT_READ)
        self._late.keep(room, event)
        if self._rooms.private(room) and self._late.is_news(event):
            await self._say(room, "matrix.not-read", event.event_id)

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
