"""Messages whose keys come after them, or never."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Any

from nio import MegolmEvent

from bot import lifetimes
from bot.transports.matrix.client import Client, decrypted

KEY_SECONDS = 9.0
"""How long a key may come after its message; then the asker is told, and the key is used if it comes later still."""
MOST_UNREAD = 1_000
MOST_BYTES = 4 * 2**20
MOST_TOLD = 10_000
UNREAD_SECONDS = lifetimes.LATE.total_seconds()
TOLD_SECONDS = lifetimes.SESSION.total_seconds()
"""By then the session is one that nobody uses any more."""


@dataclass(frozen=True, slots=True)
class _Unread:
    since: float
    room: str
    event: MegolmEvent


class Late:
    """What waits for its key, in memory, within bounds."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._clock = client, clock
        self._key = secrets.token_bytes(32)
        self._unread: dict[str, _Unread] = {}
        self._told: dict[bytes, float] = {}
        self._keys = asyncio.Condition()
        self._waiting: set[asyncio.Task[Any]] = set()

    async def read(self, event: MegolmEvent) -> Any | None:
        """The message, as soon as its key is there; None where it does not come in time, or others wait for it already."""
        waits = any(one.event.session_id == event.session_id for one in self._unread.values())
        task = asyncio.current_task()
        assert task is not None
        self._waiting.add(task)
        try:
            async with asyncio.timeout(0 if waits else KEY_SECONDS), self._keys:
                while (found := decrypted(self._client, event)) is None:
                    await self._keys.wait()
                return found
        except TimeoutError:
            return decrypted(self._client, event)
        finally:
            self._waiting.discard(task)

    def end(self) -> None:
        """Who waits for a key is cancelled: what is not done comes again, and its key may have come by then."""
        for task in self._waiting:
            task.cancel()

    def keep(self, room: str, event: MegolmEvent) -> None:
        """It could not be read in time; its key may still come."""
        self._unread[event.event_id] = _Unread(self._clock(), room, event)
        while len(self._unread) > MOST_UNREAD or sum(_size(one.event) for one in self._unread.values()) > MOST_BYTES:
            del self._unread[next(iter(self._unread))]

    def drop(self, room: str, id: str) -> None:
        """It was taken back there, and is not read even if its key comes."""
        if id in self._unread and self._unread[id].room == room:
            del self._unread[id]

    def is_news(self, event: MegolmEvent) -> bool:
        """Whether the asker was not told of this session yet; from now on it was."""
        mark = hmac.digest(self._key, event.session_id.encode(), "sha256")
        if mark in self._told:
            return False
        self._told[mark] = self._clock()
        while len(self._told) > MOST_TOLD:
            del self._told[next(iter(self._told))]
        return True

    def drop_old(self) -> None:
        """Forget what is too old to be answered, and whom nobody would have to tell again."""
        now = self._clock()
        while self._unread and now - next(iter(self._unread.values())).since > UNREAD_SECONDS:
            del self._unread[next(iter(self._unread))]
        while self._told and now - next(iter(self._told.values())) > TOLD_SECONDS:
            del self._told[next(iter(self._told))]

    async def synced(self) -> None:
        """Keys may have come: whoever waits looks again."""
        async with self._keys:
            self._keys.notify_all()

    def __contains__(self, id: str) -> bool:
        """Whether this event still waits for its key."""
        return id in self._unread

    def readable(self, but: Container[str]) -> Iterator[tuple[str, str, Any]]:
        """Room, event id and message of what can be read by now, each once; without those events, which stay."""
        for id, one in list(self._unread.items()):
            if id in but:
                continue
            found = decrypted(self._client, one.event)
            if found is not None:
                del self._unread[id]
                yield one.room, id, found


def _size(event: MegolmEvent) -> int:
    return len(str(event.ciphertext))
