"""Where messages come from and replies go. A transport translates, it never decides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from bot.deliveries import Outcome
from bot.messages import Address, Message, Reply, Role
from bot.transports.inbox import Inbox

RoleOf = Callable[[Message], Awaitable[Role]]
Receive = Callable[[Message, RoleOf], Awaitable[Reply | None]]
"""One message to what is said to it, if anything. The role is asked only where it matters."""
May = Callable[[], Awaitable[bool]]
"""Whether a call may still leave: asked at the last moment, since it may have waited long for its turn."""


async def always() -> bool:
    """Nobody has a say in it."""
    return True


class TransportEnded(Exception):
    """A platform will not go on by itself; the message says why and what to do, and holds nothing secret."""


class Transport(Protocol):
    """One bot account on one platform."""

    platform: str
    inbox: Inbox

    async def listen(self, receive: Receive) -> None:
        """Receive and answer until told to stop.

        :raises TransportEnded: where it cannot go on.
        """

    async def stop(self) -> None:
        """Take nothing new; `listen` finishes what is under way and returns."""

    async def close(self) -> None:
        """Let go of the connections, after `listen` has returned."""

    async def send(self, address: Address, reply: Reply) -> Outcome:
        """Send one message once, never repeated: what became of it."""

    def since(self) -> datetime | None:
        """From when on the platform takes the same key for the same message; None where that is of no account."""

    async def post(self, address: Address, reply: Reply, key: str, *, silent: bool = False, may: May = always) -> Outcome:
        """Send a part of a digest once, in the lane behind all answers; the same key is the same message where that exists."""

    async def edit(self, address: Address, id: str, reply: Reply, key: str, *, may: May = always) -> Outcome:
        """Put other words into a message of ours."""

    async def delete(self, address: Address, ids: tuple[str, ...]) -> int:
        """Delete own messages; how many the platform accepted."""
