"""Two lanes in front of every message that is sent: answers before digests, nobody faster than the platform allows."""

from __future__ import annotations

import asyncio
import hmac
import math
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from itertools import count, islice

from bot.logs import Event, warn
from bot.transports.pace import MINUTE, TELEGRAM, Chat, Lane, Limits

GLOBAL_AFTER = 3
"""Chats that are told to wait one after the other, with no call that succeeds between, from which all are meant."""
GLOBAL_SECONDS = 60.0
"""At most so long all wait where the platform named one chat at a time."""


class Pacer:
    """Give each call its turn. One for each bot account."""

    def __init__(self, limits: Limits = TELEGRAM, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._chats: dict[str, Chat] = {}
        self._queues: tuple[list[tuple[float, int, str]], ...] = ([], [])
        self._order = count()
        self._released: deque[float] = deque(maxlen=max(1, min(limits.overall, 1000)))
        self._digests: deque[float] = deque(maxlen=max(1, min(limits.digests, 1000)))
        self._digest_due = self._due = 0.0
        self._parked_all = 0.0
        self._told: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._in_flight: set[asyncio.Future[None]] = set()
        self._key = secrets.token_bytes(32)

    @asynccontextmanager
    async def turn(self, chat: str, lane: Lane = Lane.ANSWER, *, shared: bool = False) -> AsyncIterator[None]:
        """The time of one call to this chat, once it is allowed; `shared` for groups and channels."""
        chat = self._name(chat)
        state = self._chats.setdefault(chat, Chat())
        state.shared = shared
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        if self._sweeper is None:
            self._sweeper = loop.call_later(MINUTE, self._sweep)
        state.waiting[lane].append(future)
        if len(state.waiting[lane]) == 1:
            heappush(self._queues[lane], (state.ready(self._limits), next(self._order), chat))
        self._release()
        try:
            await future
            yield
        finally:
            self._count_out(future)

    def waits(self, chat: str) -> bool:
        """Whether a call to this chat waits for its turn, so that nothing of it has left."""
        state = self._chats.get(self._name(chat))
        return state is not None and any(state.waiting)

    def park(self, chat: str | None, seconds: float) -> None:
        """The platform said to wait: this chat, or all where it named none or says so to several at once."""
        now = self._clock()
        if chat is not None:
            chat = self._name(chat)
            state = self._chats.setdefault(chat, Chat())
            state.parked = max(state.parked, now + seconds)
            self._told.add(chat)
            warn(Event.CHAT_PARKED, seconds=seconds)
        if chat is None or len(self._told) >= GLOBAL_AFTER:
            seconds = min(seconds, GLOBAL_SECONDS) if chat is not None else seconds
            self._parked_all = max(self._parked_all, now + seconds)
            self._told.clear()
            warn(Event.ALL_PARKED, seconds=seconds)
        self._release()

    def succeeded(self) -> None:
        """A call succeeded: whoever was told to wait was meant alone."""
        self._told.clear()

    def held_up(self, chat: str) -> float:
        """Seconds until this chat itself allows another call, whatever the others do."""
        state = self._chats.get(self._name(chat))
        return max(0.0, state.ready(self._limits) - self._clock()) if state else 0.0

    def all_held_up(self) -> float:
        """Seconds for which all are parked."""
        return max(0.0, self._parked_all - self._clock())

    def _name(self, chat: str) -> str:
        return hmac.digest(self._key, chat.encode(), "sha256").hex()

    def _release(self) -> None:
        """Let go whoever may; set the alarm for the next."""
        now = self._clock()
        alarm: float | None = None
        for lane in Lane:
            while (chat := self._first(lane)) is not None:
                ready = self._queues[lane][0][0]
                at = max(ready, self._free(lane))
                if at > now:
                    alarm = at if alarm is None else min(alarm, at)
                    break
                self._let_go(chat, lane, now)
            else:
                continue
            if ready <= now:
                break  # An answer that only waits for the others goes before any digest.
        self._tidy(now)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if alarm is not None and alarm < math.inf:
            self._timer = asyncio.get_running_loop().call_later(max(0.001, alarm - now), self._release)

    def _first(self, lane: Lane) -> str | None:
        """The chat of this lane that may speak first."""
        queue = self._queues[lane]
        while queue:
            at, order, chat = queue[0]
            # A chat whose waiting call was cancelled may be tidied away already.
            state = self._chats.get(chat) or Chat()
            waiting = state.waiting[lane]
            while waiting and waiting[0].done():
                waiting.popleft()
            ready = state.ready(self._limits)
            if waiting and ready <= at:
                return chat
            heappop(queue)
            if waiting:
                heappush(queue, (ready, order, chat))
        return None

    def _free(self, lane: Lane) -> float:
        """The moment from which all chats together allow one more call of this lane."""
        if len(self._in_flight) >= self._limits.at_once:
            return math.inf
        overall, digests, at = self._limits.overall, self._limits.digests, self._parked_all
        if overall <= len(self._released):
            at = max(at, self._released[-overall] + 1.0)
        if lane is Lane.DIGEST:
            if digests <= len(self._digests):
                at = max(at, self._digests[-digests] + 1.0)
            # Digests come evenly, so that an answer never waits behind a burst of them.
            return max(at, self._digest_due)
        # Evenly, not in bursts: what is in flight at a crash may be said twice.
        return max(at, self._due)

    def _let_go(self, chat: str, lane: Lane, now: float) -> None:
        state = self._chats[chat]
        call = state.waiting[lane].popleft()
        call.set_result(None)
        self._in_flight.add(call)
        if self._limits.hangs_after < math.inf:
            asyncio.get_running_loop().call_later(self._limits.hangs_after, self._count_out, call)
        state.spoken.append(now)
        state.due = max(state.due, now) + self._limits.chat_seconds
        self._released.append(now)
        self._due = max(now, self._due) + 1.0 / self._limits.overall
        if lane is Lane.DIGEST:
            self._digests.append(now)
            interval = 1.0 / self._limits.digests
            late = now - self._digest_due  # A timer that rings late does not put off all that follow.
            self._digest_due = interval + (self._digest_due if late < interval else now)
        heappop(self._queues[lane])
        if state.waiting[lane]:
            heappush(self._queues[lane], (state.ready(self._limits), next(self._order), chat))

    def _count_out(self, call: asyncio.Future[None]) -> None:
        self._in_flight.discard(call)
        self._release()

    def _tidy(self, now: float) -> None:
        """Drop what no longer limits anybody, a few chats at a time, so that the past is not kept."""
        self._forget(list(islice(self._chats, 8)), now)

    def _sweep(self) -> None:
        """The same where nobody writes any more."""
        self._forget(list(self._chats), self._clock())
        self._sweeper = asyncio.get_running_loop().call_later(MINUTE, self._sweep) if self._chats else None

    def _forget(self, names: list[str], now: float) -> None:
        for name in names:
            state = self._chats.pop(name)
            while state.spoken and now - state.spoken[0] > MINUTE:
                state.spoken.popleft()
            if state.spoken or max(state.parked, state.due) > now or any(state.waiting):
                self._chats[name] = state
