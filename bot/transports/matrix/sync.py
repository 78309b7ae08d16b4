"""The sync loop: events in, the token saved only past what is done, keys cared for, and loud where we are refused."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
from nio import LocalProtocolError, SyncResponse

from bot.logs import Event, warn
from bot.transports import TransportEnded
from bot.transports.inbox import Inbox
from bot.transports.matrix import upkeep
from bot.transports.matrix.server import TokenGone, Unreachable, wait_of
from bot.transports.matrix.session import Session

POLL_MS = 25_000
FIRST_SECONDS = 300.0
SETTLE_SECONDS = 0.5
LONGEST_BACKOFF = 4.0
MOST_UNDER_WAY = 3_000
FILTER = {
    "presence": {"types": []},
    "account_data": {"types": []},
    "room": {
        "timeline": {"limit": 100},
        "state": {"lazy_load_members": False},
        "ephemeral": {"types": []},
        "account_data": {"types": []},
    },
}

Take = Callable[[SyncResponse, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Unsaved:
    """A token, the last update that it covers, and how far sessions were read by then."""

    token: str
    last: int
    read: upkeep.Indexes


class Sync:
    """Syncs for one account. `take(response, since)` puts what was said into the inbox and cares for the rooms."""

    def __init__(self, session: Session, inbox: Inbox, take: Take, count: Callable[[], int], give_up: float = 600.0) -> None:
        self._session, self._inbox, self._take, self._count, self._give_up = session, inbox, take, count, give_up
        self._unsaved: deque[Unsaved] = deque()
        self._heard = time.monotonic()
        self._failures = 0
        self._first = True

    async def for_ever(self) -> None:
        """Until cancelled.

        :raises TokenGone: where we must log in anew.
        :raises TransportEnded: where nothing comes back for long.
        """
        settling = asyncio.ensure_future(self._settle())
        try:
            while True:
                try:
                    await self._once()
                    self._heard, self._failures = time.monotonic(), 0
                except Unreachable as error:
                    await self._silent(error)
                except (aiohttp.ClientError, TimeoutError, OSError) as error:  # Of nio's calls between syncs.
                    await self._silent(Unreachable(type(error)))
        finally:
            settling.cancel()
            await asyncio.gather(settling, return_exceptions=True)

    async def _once(self) -> None:
        if self._inbox.under_way() >= MOST_UNDER_WAY:
            await asyncio.sleep(SETTLE_SECONDS)
            return
        client, account = self._session.client, self._session.account
        since = client.next_batch or account.next_batch
        try:
            async with asyncio.timeout(FIRST_SECONDS if self._first else 2 * POLL_MS / 1000):
                response = await client.sync(
                    timeout=0 if self._first else POLL_MS,
                    sync_filter=FILTER,
                    since=since or None,
                    full_state=self._first,
                    set_presence="offline",
                )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, LocalProtocolError) as error:
            raise Unreachable(type(error)) from None
        if not isinstance(response, SyncResponse):
            if getattr(response, "status_code", None) == "M_UNKNOWN_TOKEN":
                raise TokenGone
            raise Unreachable(LocalProtocolError, wait_of(response.retry_after_ms) if response.retry_after_ms else None)
        try:
            await upkeep.after_sync(client, response)
            await self._take(response, since)
        except BaseException:
            # nio would go on from here; what was not taken must come again.
            client.next_batch = since
            raise
        self._first = False
        self._unsaved.append(Unsaved(response.next_batch, self._count(), upkeep.indexes(client)))
        self._save()

    async def _settle(self) -> None:
        """While events are under way: set free what takes too long, save the token as soon as it may be."""
        while True:
            await self._inbox.moved(SETTLE_SECONDS)
            self._inbox.sweep()
            self._save()

    def _save(self) -> None:
        """The latest token all of whose events are done; then what was answered is made unreadable."""
        offset = self._inbox.offset()
        done = None
        while self._unsaved and (offset is None or self._unsaved[0].last < offset):
            done = self._unsaved.popleft()
        if done is None or done.token == self._session.account.next_batch:
            return
        self._session.account.next_batch = done.token
        self._session.account.save()
        upkeep.ratchet(self._session.client, done.read)

    async def _silent(self, error: Unreachable) -> None:
        away = time.monotonic() - self._heard
        warn(Event.SILENT, seconds=away, exception=error.cause)
        if away >= self._give_up:
            problem = f"the homeserver has not answered for {self._give_up:.0f} seconds; check the network"
            raise TransportEnded(f"RUECKSPIEGEL_MATRIX_HOMESERVER: {problem}")
        self._failures += 1
        # Short at the top: who writes while the homeserver comes back is answered within seconds.
        await asyncio.sleep(
            min(error.after or math.inf, 60.0) if error.after else min(LONGEST_BACKOFF, 0.5 * 2**self._failures)
        )


def tokens_of(response: Any) -> set[str]:
    """The Megolm sessions whose keys came with a sync."""
    return {str(session) for event in response.to_device_events if (session := getattr(event, "session_id", None)) is not None}
