"""Who may what in a room: stewards by the settings, managers by the power that the room gives them."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bot.messages import Address, Role
from bot.transports.matrix.client import Client
from bot.transports.matrix.reach import Reach
from bot.transports.matrix.server import Answered, quoted, request

JSON = dict[str, Any]
MANAGES_FROM = 50
MOST_KNOWN = 1_000
"""Rooms whose creators are remembered."""


@dataclass
class Roles:
    """The roles of one login. `private(room)`: whether a room counts as a private chat; `room()` is the stewards'.

    Creators are kept under HMACs.
    """

    client: Client
    reach: Reach
    private: Callable[[str], bool]
    stewards: Mapping[str, str] = field(default_factory=dict)
    room: Callable[[], Address | None] = lambda: None
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _made_by: dict[str, frozenset[bytes]] = field(default_factory=dict, repr=False)

    async def of(self, room: str, sender: str) -> Role:
        """The role of a sender now."""
        stewards = self.room()
        in_room = stewards is not None and stewards.chat == room
        if (self.private(room) or in_room) and f"matrix:{sender}" in self.stewards:
            return Role.STEWARD
        if self.private(room):
            return Role.MANAGER
        known = self.client.rooms.get(room)
        if known is None:
            return Role.ANYONE
        if known.power_levels.get_user_level(sender) >= MANAGES_FROM or self._mark(sender) in await self._creators(room):
            return Role.MANAGER
        return Role.ANYONE

    def left(self, room: str) -> None:
        """We are out of it."""
        self._made_by.pop(room, None)

    async def _creators(self, room: str) -> frozenset[bytes]:
        """From version 12 on a room's creators have all power, for ever, and are in no list. nio misreads some of these events.

        :raises Unreachable: where nobody can tell.
        """
        if room not in self._made_by:
            answer = await creation(self.client, self.reach, room)
            if not answer.ok:
                return frozenset()
            while len(self._made_by) >= MOST_KNOWN:
                del self._made_by[next(iter(self._made_by))]
            self._made_by[room] = frozenset(map(self._mark, _creators_in(answer)))
        return self._made_by[room]

    def _mark(self, user: str) -> bytes:
        return hmac.digest(self._key, user.encode(), "sha256")


async def creation(client: Client, reach: Reach, room: str) -> Answered:
    """The event with which a room was made.

    :raises Unreachable: where nobody can tell.
    """
    path = f"/rooms/{quoted(room)}/state/m.room.create/?format=event"
    return await reach.surely(partial(request, client, "GET", path))


def content_in(answer: Answered) -> JSON:
    """The content of an event that was asked for."""
    content = answer.body.get("content")
    return content if isinstance(content, dict) else {}


def _creators_in(answer: Answered) -> frozenset[str]:
    content = content_in(answer)
    version = str(content.get("room_version", "1"))
    if not version.isdigit() or int(version) < 12:
        return frozenset()
    more = content.get("additional_creators", [])
    return frozenset([str(answer.body.get("sender", "")), *(map(str, more) if isinstance(more, list) else ())])
