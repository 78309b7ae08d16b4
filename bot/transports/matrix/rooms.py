"""Rooms: which we enter, which we leave, who may what in them."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nio import AsyncClient

from bot.logs import Event, log, warn
from bot.messages import Address, Role
from bot.transports.matrix.server import Unreachable, quoted, request

JSON = dict[str, Any]
MOST_ROOMS = 1_000
MOST_MEMBERS = 2_000
INVITES_MINUTE = 20
INVITES_HOUR_EACH = 5
MANAGES_FROM = 50
TOO_MANY = "This bot takes no more invitations just now. Please try again later."
TOO_LARGE = "This bot does not enter rooms of this size."


@dataclass
class Rooms:
    """The rooms of one account. What is counted of invitations is in memory, under an HMAC."""

    client: AsyncClient
    me: str
    stewards: Mapping[str, str] = field(default_factory=dict)
    room: Address | None = None
    clock: Callable[[], float] = time.monotonic
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _invites: list[tuple[float, bytes]] = field(default_factory=list, repr=False)
    _again: set[str] = field(default_factory=set, repr=False)
    _again_from: float = 0.0

    def private(self, room: str) -> bool:
        """Fewer than three joined members, us included: now, and no longer once a third one joins."""
        known = self.client.rooms.get(room)
        return known is not None and known.joined_count < 3

    async def invited(self, room: str, invite: Any) -> None:
        """Join within limits; refuse with a reason beyond them."""
        inviter = next((event.sender for event in invite.invite_state if getattr(event, "state_key", "") == self.me), "")
        if len(self.client.rooms) >= MOST_ROOMS or self._too_many(inviter):
            await self._leave(room, TOO_MANY)
            warn(Event.INVITE_REFUSED)
            return
        await self._join(room)

    async def retry(self) -> None:
        """Invitations that had to wait."""
        if self._again and self.clock() >= self._again_from:
            for room in list(self._again)[:5]:
                await self._join(room)

    async def _join(self, room: str) -> None:
        self._again.discard(room)
        try:
            answer = await request(self.client, "POST", f"/rooms/{quoted(room)}/join", {})
        except Unreachable as error:
            if len(self._again) < MOST_ROOMS:
                self._again.add(room)
            self._again_from = self.clock() + (error.after or 5.0)
            return
        if not answer.ok:
            warn(Event.INVITE_REFUSED)

    async def tidy(self, room: str) -> bool:
        """Leave a room where we are alone, or that is too large; whether we left."""
        known = self.client.rooms.get(room)
        if known is None:
            return False
        alone = known.joined_count == 1 and known.invited_count == 0
        if not alone and known.joined_count <= MOST_MEMBERS:
            return False
        await self._leave(room, None if alone else TOO_LARGE)
        self.client.rooms.pop(room, None)
        log(Event.ROOM_LEFT)
        return True

    async def follow(self, old: str, new: str, via: str) -> bool:
        """Join the room that replaces another; whether it let us in."""
        try:
            answer = await request(self.client, "POST", f"/join/{quoted(new)}?server_name={quoted(via)}", {})
        except Unreachable:
            return False
        return answer.ok

    async def role(self, room: str, sender: str) -> Role:
        """The role of a sender now."""
        in_room = self.room is not None and self.room.chat == room
        if (self.private(room) or in_room) and f"matrix:{sender}" in self.stewards:
            return Role.STEWARD
        if self.private(room):
            return Role.MANAGER
        known = self.client.rooms.get(room)
        if known is None:
            return Role.ANYONE
        if known.power_levels.get_user_level(sender) >= MANAGES_FROM or sender in await self._creators(room):
            return Role.MANAGER
        return Role.ANYONE

    async def _creators(self, room: str) -> set[str]:
        """From version 12 on a room's creators have all power and are in no list of it. nio misreads some of these events."""
        try:
            answer = await request(self.client, "GET", f"/rooms/{quoted(room)}/state/m.room.create/?format=event")
        except Unreachable:
            return set()
        content = answer.body.get("content", {})
        version = str(content.get("room_version", "1"))
        if not version.isdigit() or int(version) < 12:
            return set()
        more = content.get("additional_creators", [])
        return {str(answer.body.get("sender", "")), *(map(str, more) if isinstance(more, list) else ())}

    async def _leave(self, room: str, reason: str | None) -> None:
        try:
            await request(self.client, "POST", f"/rooms/{quoted(room)}/leave", {"reason": reason} if reason else {})
        except Unreachable as error:
            warn(Event.INVITE_REFUSED, exception=error.cause)

    def _too_many(self, inviter: str) -> bool:
        now, mark = self.clock(), hmac.digest(self._key, inviter.encode(), "sha256")
        self._invites = [(at, who) for at, who in self._invites if now - at < 3600]
        if sum(who == mark for _, who in self._invites) >= INVITES_HOUR_EACH:
            return True  # Refused ones count for nobody, else one account would shut out all.
        if sum(now - at < 60 for at, _ in self._invites) >= INVITES_MINUTE:
            return True
        self._invites.append((now, mark))
        return False
