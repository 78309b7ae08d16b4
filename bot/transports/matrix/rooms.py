"""Rooms: which we enter, which we leave."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from bot.lifetimes import EXPECTED, INVITED
from bot.logs import Event, warn
from bot.transports.matrix.client import Client
from bot.transports.matrix.reach import Reach
from bot.transports.matrix.roles import content_in, creation
from bot.transports.matrix.server import Answered, Unreachable, quoted, request

JSON = dict[str, Any]
MOST_ROOMS = 1_000
MOST_MEMBERS = 2_000
INVITES_MINUTE = 40
INVITED_SECONDS = INVITED.total_seconds()
INVITES_HOUR_EACH = 20
"""Who looks after a depot adds the bot to all its rooms in one go; more than that is a flood."""
JOINS_AT_ONCE = 10
TOO_MANY = "This bot takes no more invitations just now. Please try again later."
TOO_LARGE = "This bot does not enter rooms of this size."


@dataclass
class Rooms:
    """The rooms of one login. Who invited us is in memory, under HMACs."""

    client: Client
    me: str
    reach: Reach
    now: Callable[[], datetime]
    clock: Callable[[], float] = time.monotonic
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _invites: deque[tuple[float, bytes]] = field(default_factory=deque, repr=False)
    _successors: dict[str, str] = field(default_factory=dict, repr=False)
    _lonely: dict[str, float] = field(default_factory=dict, repr=False)
    _joining: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(JOINS_AT_ONCE), repr=False)

    def private(self, room: str) -> bool:
        """Fewer than three joined members, us included: now, and no longer once a third one joins."""
        known = self.client.rooms.get(room)
        return known is not None and known.joined_count < 3

    async def invited(self, room: str, invite: Any) -> None:
        """Join within limits, as soon as the homeserver lets us; refuse with a reason beyond them."""
        inviter = next((event.sender for event in invite.invite_state if getattr(event, "state_key", "") == self.me), "")
        if len(self.client.rooms) >= MOST_ROOMS or self._too_many(inviter):
            warn(Event.INVITE_REFUSED)
            await self.leave(room, TOO_MANY)
        elif not await self._joined(f"/rooms/{quoted(room)}/join"):
            warn(Event.INVITE_REFUSED)

    def too_large(self, room: str) -> bool:
        """Whether a room has more members than we enter."""
        known = self.client.rooms.get(room)
        return known is not None and known.joined_count > MOST_MEMBERS

    def alone(self, room: str) -> bool:
        """Whether nobody is left there, and nobody came who was invited a day ago."""
        known = self.client.rooms.get(room)
        if known is None or known.joined_count != 1:
            return False
        since = self._lonely.get(room)
        return known.invited_count == 0 or (since is not None and self.now().timestamp() - since >= EXPECTED.total_seconds())

    def saw(self, room: str, joined: Any) -> None:
        """Note since when nobody is in a room with us: the homeserver's time of who went or was invited last, if it told."""
        known = self.client.rooms.get(room)
        if known is None or known.joined_count != 1:
            self._lonely.pop(room, None)
            return
        now = self.now().timestamp()
        told = [at / 1000 for one in (*joined.state, *joined.timeline.events) if (at := _changed_at(one)) is not None]
        self._lonely[room] = min(now, max([*told, self._lonely.get(room, 0.0)]) or now)

    def forsaken(self) -> list[str]:
        """The rooms in which we have been alone for so long that nobody will come any more."""
        return [room for room in self._lonely if self.alone(room)]

    async def leave(self, room: str, reason: str | None = None) -> None:
        """Out of a room, or of its invitation."""
        body = {"reason": reason} if reason else {}
        try:
            await self.reach.surely(partial(request, self.client, "POST", f"/rooms/{quoted(room)}/leave", body))
        except Unreachable as error:
            warn(Event.INVITE_REFUSED, exception=error.cause)

    async def follow(self, old: str, new: str, via: str) -> bool:
        """Join the room that replaces another; where we are not let in, it is remembered until we are invited.

        Whether we are in it and it says so too: who made a room of their own can name any other as its successor.

        :raises Unreachable: where nobody can tell.
        """
        if old in self._successors or len(self._successors) < MOST_ROOMS:
            self._successors[old] = new
        was_in = await self._is_in(new)
        if not await self._joined(f"/join/{quoted(new)}?server_name={quoted(via)}"):
            return False
        says_so = await self._predecessor(new) == old
        self._successors.pop(old, None)
        if not says_so:
            warn(Event.UPGRADE_REFUSED)
            if not was_in:
                await self.leave(new)
        return says_so

    def is_awaited(self, room: str) -> bool:
        """Whether a room was named as the successor of one that we are in, and did not let us in then."""
        return room in self._successors.values()

    async def replaces(self, room: str) -> str | None:
        """The room that this one, which we are in by now, replaces, where both say so; told once.

        :raises Unreachable: where nobody can tell.
        """
        old = await self._predecessor(room)
        named_by = {old for old, new in self._successors.items() if new == room}
        for one in named_by:
            self._successors.pop(one, None)
        if old in named_by:
            return old
        warn(Event.UPGRADE_REFUSED)
        return None

    def left(self, room: str) -> None:
        """We are out of it; what replaces it may let us in still."""
        self._lonely.pop(room, None)

    def drop_old(self) -> None:
        """Forget invitations that do not count any more."""
        while self._invites and self.clock() - self._invites[0][0] >= INVITED_SECONDS:
            self._invites.popleft()

    async def _predecessor(self, room: str) -> str | None:
        """The room that this one says it replaces. Only who makes a room can write that, and only then."""
        named = content_in(await creation(self.client, self.reach, room)).get("predecessor")
        return str(named.get("room_id")) if isinstance(named, dict) else None

    async def _is_in(self, room: str) -> bool:
        """Asked of the homeserver, since a sync may not have told us yet."""
        answer = await self.reach.surely(partial(request, self.client, "GET", "/joined_rooms"))
        rooms = answer.body.get("joined_rooms")
        return not isinstance(rooms, list) or room in rooms

    async def _joined(self, path: str) -> bool:
        """Whether we were let in; a few at a time, since homeservers count joins."""

        async def join() -> Answered:
            async with self._joining:
                return await request(self.client, "POST", path, {})

        try:
            return (await self.reach.surely(join)).ok
        except Unreachable:
            return False

    def _too_many(self, inviter: str) -> bool:
        self.drop_old()
        now, mark = self.clock(), self._mark(inviter)
        if sum(who == mark for _, who in self._invites) >= INVITES_HOUR_EACH:
            return True  # Refused ones count for nobody, else one account would shut out all.
        if sum(now - at < 60 for at, _ in self._invites) >= INVITES_MINUTE:
            return True
        self._invites.append((now, mark))
        return False

    def _mark(self, user: str) -> bytes:
        return hmac.digest(self._key, user.encode(), "sha256")


def _changed_at(event: Any) -> int | None:
    """When a membership changed, in milliseconds since 1970."""
    source = getattr(event, "source", {})
    at = source.get("origin_server_ts")
    return at if source.get("type") == "m.room.member" and isinstance(at, int) else None
