"""The sync loop: events in, the token saved only past what is done, keys cared for, and loud where we are refused."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
from nio import LocalProtocolError, SyncResponse

from bot.logs import Event, warn
from bot.transports import TransportEnded
from bot.transports.inbox import Inbox
from bot.transports.matrix import upkeep
from bot.transports.matrix.reach import LONGEST_PAUSE, LONGEST_WAIT, Reach
from bot.transports.matrix.server import TokenGone, Unreachable, wait_of
from bot.transports.matrix.session import Session

POLL_MS = 25_000
FIRST_SECONDS = 300.0
SETTLE_SECONDS = 0.5
HOUR = 3600.0
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


@dataclass(frozen=True)
class Feed:
    """What a sync is put into: `take(response, since)` fills the inbox, `last()` is the number of its last update.

    `holds()`: whether some of it is not there yet, so that no token may cover it. `tidy()` drops from memory what has served.
    """

    inbox: Inbox
    take: Take
    last: Callable[[], int]
    holds: Callable[[], bool]
    tidy: Callable[[], None]


class Sync:
    """Syncs for one login."""

    def __init__(self, session: Session, feed: Feed, reach: Reach, give_up: float = 600.0) -> None:
        self._session, self._feed, self._reach, self._give_up = session, feed, reach, give_up
        self._unsaved: deque[Unsaved] = deque()
        self._heard, self._failures = time.monotonic(), 0
        self._first = True
        self._tidied: float | None = None

    async def for_ever(self) -> None:
        """Until cancelled.

        :raises TokenGone: where we must log in anew.
        :raises KeysRolledBack: where only a new device helps.
        :raises TransportEnded: where nothing comes back for long.
        """
        refused = asyncio.ensure_future(self._reach.refused.wait())
        tasks = [asyncio.ensure_future(self._listen()), asyncio.ensure_future(self._settle())]
        try:
            done, _ = await asyncio.wait([*tasks, refused], return_when=asyncio.FIRST_COMPLETED)
            for task in done & set(tasks):
                await task
            raise TokenGone
        finally:
            for task in (*tasks, refused):
                task.cancel()
            await asyncio.gather(*tasks, refused, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            self._feed.inbox.turn()
            try:
                await self._once()
                self._heard, self._failures = time.monotonic(), 0
            except Unreachable as error:
                await self._silent(error)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:  # Of nio's calls between syncs.
                await self._silent(Unreachable(type(error)))

    async def _once(self) -> None:
        if self._feed.inbox.under_way() >= MOST_UNDER_WAY:
            await asyncio.sleep(SETTLE_SECONDS)
            return
        client, account = self._session.client, self._session.account
        since = client.next_batch or account.next_batch
        try:
            response = await self._fetch(since)
            self._reach.synced()
            self._feed.inbox.hear()
            await upkeep.after_sync(client, response)
            await self._feed.take(response, since)
        except BaseException:
            # nio would go on from here; what was not taken must come again.
            client.next_batch = since
            raise
        self._first = False
        if not self._feed.holds():
            self._unsaved.append(Unsaved(response.next_batch, self._feed.last(), upkeep.indexes(client)))
        self.save(self._feed.inbox.offset())

    async def _fetch(self, since: str) -> SyncResponse:
        """What came since then.

        :raises TokenGone: where our token is no longer known.
        :raises Unreachable: where nothing comes back that is a sync.
        """
        # Who waits for the homeserver is to hear at once that it is back, not when somebody says something.
        poll = 0 if self._first or self._reach.away else POLL_MS
        try:
            async with asyncio.timeout(FIRST_SECONDS if self._first else 2 * POLL_MS / 1000):
                response = await self._session.client.sync(
                    timeout=poll,
                    sync_filter=FILTER,
                    since=since or None,
                    full_state=self._first,
                    set_presence="offline",
                )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, LocalProtocolError) as error:
            raise Unreachable(type(error)) from None
        if isinstance(response, SyncResponse):
            return response
        if getattr(response, "status_code", None) == "M_UNKNOWN_TOKEN":
            raise TokenGone
        raise Unreachable(LocalProtocolError, wait_of(response.retry_after_ms) if response.retry_after_ms else None)

    async def _settle(self) -> None:
        """While events are under way: set free what takes too long, save the token as soon as it may be."""
        while True:
            await self._feed.inbox.moved(SETTLE_SECONDS)
            if self._reach.sure():
                # While the homeserver is away nobody is held up by anybody, and a stop must not lose who waits.
                self._feed.inbox.sweep()
            self.save(self._feed.inbox.offset())
            self._feed.tidy()
            if self._tidied is None or time.monotonic() - self._tidied > HOUR:
                self._tidied = time.monotonic()
                upkeep.forget_sessions(self._session.client)

    def save(self, offset: int | None) -> None:
        """The latest token all of whose events are done; then what was answered is made unreadable.

        `offset` is the first update that is not done, None where all are.
        """
        done = None
        while self._unsaved and (offset is None or self._unsaved[0].last < offset):
            done = self._unsaved.popleft()
        account = self._session.account
        if done is None or done.token == account.next_batch:
            return
        account.next_batch, account.read = done.token, upkeep.listed(done.read)
        account.save()
        upkeep.ratchet(self._session.client, done.read)
        account.forget_read()

    async def _silent(self, error: Unreachable) -> None:
        self._reach.missed()
        away = time.monotonic() - self._heard
        warn(Event.SILENT, seconds=away, exception=error.cause)
        if away >= self._give_up:
            problem = f"the homeserver has not answered for {self._give_up:.0f} seconds; check the network"
            raise TransportEnded(f"RUECKSPIEGEL_MATRIX_HOMESERVER: {problem}")
        self._failures += 1
        await asyncio.sleep(min(error.after, LONGEST_WAIT) if error.after else min(LONGEST_PAUSE, 0.5 * 2**self._failures))
