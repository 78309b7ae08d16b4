"""The queue of updates and the long poll."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from .faults import CONFLICT, ApiError, Json

DAY = 86400.0
LIFETIMES = {"callback_query": 150.0, "inline_query": 30.0}
OFF_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}
MAX_LIMIT, MAX_TIMEOUT = 100, 50


@dataclass
class Queued:
    """An update waiting to be confirmed, and when it is forgotten."""

    update: Json
    expires: float

    @property
    def id(self) -> int:
        """Its update_id; a spoilt one counts as 0."""
        return self.update["update_id"] if isinstance(self.update.get("update_id"), int) else 0


class UpdateQueue:
    """Updates until a call with a higher offset confirms them."""

    def __init__(self, now: Callable[[], float], dice: random.Random) -> None:
        self._now, self._dice = now, dice
        self.waiting: list[Queued] = []
        self.allowed: list[str] | None = None
        self.next_id = dice.randrange(10**8, 9 * 10**8)
        self.on_confirm: Callable[[], None] = lambda: None
        self._poll: asyncio.Future[None] | None = None
        self._closed = False
        self._offset: int | None = None
        self._started = self._finished = float("-inf")

    def renumber(self, first: int | None = None) -> None:
        """Restarts the ids; raises RuntimeError while updates wait, as only an idle queue is renumbered."""
        self._forget_old()
        if self.waiting:
            raise RuntimeError("updates are waiting: only an idle queue is renumbered")
        old = self.next_id
        while abs(self.next_id - old) < 1000:
            self.next_id = self._dice.randrange(10**6, 9 * 10**8)
        self.next_id = self.next_id if first is None else first

    def wants(self, kind: str) -> bool:
        """Returns whether updates of this kind are queued at all."""
        return kind not in OFF_BY_DEFAULT if self.allowed is None else kind in self.allowed

    def push(self, update: Json, kind: str) -> int:
        """Queues an update, numbers it unless it is numbered, and returns its id."""
        update = {"update_id": self.next_id} | update
        self.next_id += 1
        self.waiting.append(Queued(update, self._now() + LIFETIMES.get(kind, DAY)))
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)
        return int(update["update_id"])

    def close(self) -> None:
        """Ends a waiting poll with nothing."""
        self._closed = True
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    async def poll(self, params: Json) -> list[Json]:
        """Answers getUpdates; raises the 409 when a younger poll comes."""
        offset, started = params.get("offset") or 0, time.monotonic()
        limit = min(max(params.get("limit") or MAX_LIMIT, 1), MAX_LIMIT)
        timeout = float(min(max(params.get("timeout") or 0, 0), MAX_TIMEOUT))
        if "allowed_updates" in params:
            self.allowed = params["allowed_updates"] or None
        if self._poll is not None and not self._poll.done():
            self._poll.set_exception(ApiError(409, CONFLICT))
        self._poll = None
        if offset == self._offset:
            limit = 1 if started - self._started < 0.5 else limit
            timeout = max(timeout, 3.0) if started - self._finished < 3.0 else timeout
        else:
            self._finished = float("-inf")
        self._offset, self._started = offset, started
        self._confirm(offset)
        found = self._take(limit) or await self._wait(limit, timeout)
        self._finished = time.monotonic()
        return found

    async def _wait(self, limit: int, seconds: float) -> list[Json]:
        until = time.monotonic() + seconds
        while not self._closed and (left := until - time.monotonic()) > 0:
            poll = self._poll = asyncio.get_running_loop().create_future()
            await asyncio.wait([poll], timeout=left)
            if not poll.done():
                poll.cancel()
                break
            poll.result()
            if found := self._take(limit):
                return found
        return []

    def _take(self, limit: int) -> list[Json]:
        self._forget_old()
        return [queued.update for queued in self.waiting[:limit]]

    def _forget_old(self) -> None:
        now = self._now()
        self.waiting = [queued for queued in self.waiting if queued.expires > now]

    def _confirm(self, offset: int) -> None:
        self._forget_old()
        if offset < 0:
            self.waiting = self.waiting[offset:]
        elif offset <= self.next_id:
            # An offset past the end belongs to ids from before a renumbering and confirms nothing.
            self.waiting = [queued for queued in self.waiting if queued.id >= offset]
        self.on_confirm()
