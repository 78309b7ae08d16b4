"""From room events to work that is done: who speaks, can it be read, was it answered before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from nio import MegolmEvent, RedactionEvent

from bot.logs import Event, warn
from bot.messages import Address
from bot.transports.inbox import Inbox
from bot.transports.matrix.answering import Answers
from bot.transports.matrix.client import Client
from bot.transports.matrix.late import Late
from bot.transports.matrix.reading import Me, Spoken, edited, read, thread_of
from bot.transports.matrix.rooms import Rooms
from bot.transports.matrix.timeline import Past
from bot.transports.wiring import Wiring

TOO_OLD = timedelta(hours=24)


class Events:
    """The events of one login."""

    def __init__(
        self, client: Client, wiring: Wiring, inbox: Inbox, answers: Answers, rooms: Rooms, me: Me, start: int
    ) -> None:
        self._client, self._wiring, self._inbox, self._answers, self._rooms, self._me = (
            client,
            wiring,
            inbox,
            answers,
            rooms,
            me,
        )
        self._late = Late(client)
        self._under_way: dict[str, str] = {}  # by event id; the place, which begins with the room
        self._next, self._ended = start, False

    async def take(self, room: str, past: Past) -> None:
        """Put a room's events into the inbox; what was answered before, or is under way, is passed over."""
        events = past.events
        under_way = set(self._under_way)  # Before it is asked what is done: what ends meanwhile is in one of both.
        known = await self._wiring.answered.known({id for event in events if (id := self._id(event)) is not None})
        stale = False
        for event in events:
            id = self._id(event)
            if id is None or id in known or id in under_way:
                continue
            if self._is_old(event.source):
                stale = stale or (self._rooms.private(room) and self._asks(room, event))
                continue
            work = self._work(room, event)
            if work is not None:
                # What cannot be read yet waits beside the room, not in front of it.
                place = f"{room} {event.session_id}" if isinstance(event, MegolmEvent) else self._behind(room, event)
                self.put(place, id, partial(self._done, id, work))
        if stale:
            self.put(room, f"{room} too-old", partial(self._answers.say, room, "matrix.too-old", "too-old"))
        if past.left and self._rooms.private(room):
            self.put(room, f"{room} gap", partial(self._answers.say, room, "matrix.gap-left", past.left))

    async def synced(self) -> None:
        """Keys may have come late: whoever waits for them tries again."""
        await self._late.synced()
        self._take_late()

    def put(self, place: str, id: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do something after what already waits at a place; under this id only once at a time."""
        if self._ended or id in self._under_way:
            return
        self._next += 1
        if self._inbox.take(self._next, place, partial(self._tracked, id, work)):
            self._under_way[id] = place

    def drop_old(self) -> None:
        """Forget what counted for a while."""
        self._late.drop_old()
        self._answers.rounds.drop_old()

    def end(self) -> None:
        """Nothing is begun any more, and nothing waits for its key: it comes again from the saved token."""
        self._ended = True
        self._late.end()

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

    def _behind(self, room: str, event: Any) -> str:
        """The place of an event that can be read: behind the question that it edits, which may still wait for its key."""
        return self._place_of(edited(event.source), room) or room

    def _place_of(self, id: str | None, room: str) -> str | None:
        """Where an event of this room is under way."""
        place = self._under_way.get(id or "", "")
        return place if place.partition(" ")[0] == room else None

    def _take_late(self) -> None:
        # Of whom is still being told that it could not be read, the answer comes after that.
        for room, id, event in self._late.readable(but=self._under_way):
            work = self._work(room, event)
            if work is not None:
                self.put(room, id, partial(self._done, id, work))

    def _work(self, room: str, event: Any) -> Callable[[], Awaitable[None]] | None:
        if isinstance(event, MegolmEvent):
            return partial(self._wait, room, event)
        if isinstance(event, RedactionEvent):
            self._late.drop(room, event.redacts)
            if self._place_of(event.redacts, room) is not None:
                self._answers.revoked.add(event.redacts)
            return partial(self._answers.revoke, room, event.redacts)
        spoken = self._read(room, event)
        if spoken is None:
            return None
        if not self._answers.rounds.asked(room, spoken.sender):
            warn(Event.UPDATE_SHED)
            return None
        return partial(self._answers.give, spoken)

    def _asks(self, room: str, event: Any) -> bool:
        """Whether an event is a question, or may be one."""
        return isinstance(event, MegolmEvent) or self._read(room, event) is not None

    def _read(self, room: str, event: Any) -> Spoken | None:
        address = Address("matrix", room)
        mine = frozenset(self._wiring.memory.own(address, self._wiring.now()))
        return read(event.source, room, self._me, private=self._rooms.private(room), mine=mine)

    async def _tracked(self, id: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        finally:
            self._under_way.pop(id, None)
            self._answers.revoked.discard(id)
        if id in self._late:
            self._take_late()

    async def _done(self, id: str, work: Callable[[], Awaitable[None]]) -> None:
        if id not in self._answers.revoked:
            await work()
        await self._wiring.answered.remember(id, self._wiring.now())

    async def _wait(self, room: str, event: MegolmEvent) -> None:
        """Wait a while for the key; then say once a session that the message could not be read."""
        read_now = await self._late.read(event)
        if event.event_id in self._answers.revoked:
            return
        if read_now is not None:
            work = self._work(room, read_now)
            if work is not None:
                await work()
            return
        warn(Event.NOT_READ)
        self._late.keep(room, event)
        if self._rooms.private(room) and self._late.is_news(event):
            # What it relates to travels in clear.
            await self._answers.say(room, "matrix.not-read", event.event_id, thread_of(event.source))

    def _is_old(self, source: dict[str, Any]) -> bool:
        at = source.get("origin_server_ts")
        try:
            return isinstance(at, int) and self._wiring.now() - datetime.fromtimestamp(at / 1000, UTC) > TOO_OLD
        except (ValueError, OverflowError, OSError):
            return False  # Another homeserver writes what time it likes.
