"""Who may: asked of Telegram at the moment of asking, known for a minute at most."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from telegram import Chat

from bot import lifetimes
from bot.messages import Address, Role
from bot.transports.telegram.api import Api
from bot.transports.telegram.reading import Sender

KEPT_SECONDS = lifetimes.ROLE.total_seconds()
_MOST_CHATS = 1_000
_TRIES = 3
_LONGEST_PAUSE = 10.0


@dataclass
class Roles:
    """`stewards` maps `telegram:ID` to a pseudonym; they are stewards in private and in their room only.

    `room()` is where that is now.
    """

    api: Api
    stewards: Mapping[str, str]
    room: Callable[[], Address | None]
    clock: Callable[[], float] = time.monotonic
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _admins: dict[bytes, tuple[float, frozenset[bytes]]] = field(default_factory=dict, repr=False)

    async def role(self, address: Address, kind: str, sender: Sender) -> Role:
        """The role of a sender in a chat of this kind (private, group, supergroup, channel).

        :raises TokenRefused, OtherPoller, Unreachable: where Telegram does not tell; nobody may what nobody can check.
        """
        private, room = kind == Chat.PRIVATE, self.room()
        in_room = room is not None and address.chat == room.chat
        if (private or in_room) and f"telegram:{sender.user}" in self.stewards:
            return Role.STEWARD
        if private or (kind == Chat.CHANNEL and sender.user is None):
            return Role.MANAGER
        if sender.as_chat is not None:
            # An anonymous admin speaks as the group; a channel that speaks in a group is nobody's admin.
            return Role.MANAGER if str(sender.as_chat) == address.chat else Role.ANYONE
        return Role.MANAGER if self._mark(sender.user) in await self._administrators(address.chat) else Role.ANYONE

    async def _administrators(self, chat: str) -> frozenset[bytes]:
        now, name = self.clock(), self._mark(chat)
        known = self._admins.get(name)
        if known is not None and now - known[0] < KEPT_SECONDS:
            return known[1]
        members = await self.api.insist(lambda bot: bot.get_chat_administrators(int(chat)), tries=_TRIES, within=_LONGEST_PAUSE)
        # In a channel some administrators may do this and that, but not post.
        may = (member for member in members if getattr(member, "can_post_messages", None) is not False)
        found = frozenset(self._mark(member.user.id) for member in may)
        if len(self._admins) < _MOST_CHATS:
            self._admins[name] = (now, found)
            asyncio.get_running_loop().call_later(KEPT_SECONDS, self._admins.pop, name, None)
        return found

    def _mark(self, id: object) -> bytes:
        return hmac.digest(self._key, str(id).encode(), "sha256")
