"""The poll: updates in, the offset moved only past what is done, and loud where Telegram refuses us or goes silent."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bot.logs import Event, fail, warn
from bot.transports import TransportEnded
from bot.transports.inbox import Inbox
from bot.transports.telegram.api import Api
from bot.transports.telegram.outcomes import OtherPoller, TokenRefused, Unreachable

WINDOW = 100
SAME_OFFSET_SECONDS = 0.5
"""Telegram answers the same offset within this time with one update at most."""
BETWEEN_SECONDS = 0.05
MOST_UNDER_WAY = 3_000
LONGEST_BACKOFF = 30.0

Take = Callable[[list[dict[str, Any]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds of silence after which the connections are made anew, and after which we give up; and for refusals."""

    rebuild: float = 60.0
    give_up: float = 600.0
    refused: float = 5.0
    other: float = 60.0


class Intake:
    """Polls for one bot account. `take` starts the work of new updates and puts them into the inbox."""

    def __init__(
        self, api: Api, inbox: Inbox, take: Take, patience: Patience = Patience(), clock: Callable[[], float] = time.monotonic
    ):
        self._api, self._inbox, self._take, self._patience, self._clock = api, inbox, take, patience, clock
        self._heard = self._rebuilt = clock()
        self._polled: tuple[int | None, float] = (None, 0.0)
        self._trouble: tuple[type[Exception], float] | None = None
        self._conflict: tuple[float, float] | None = None
        self._failures = 0

    async def poll_for_ever(self) -> None:
        """Until cancelled.

        :raises TransportEnded: where Telegram refuses the token, another process polls, or nothing comes back for long.
        """
        while True:
            await self._pause()
            self._inbox.turn()
            try:
                await self._poll()
            except TokenRefused as error:
                await self._refused(error)
            except OtherPoller:
                await self._other()
            except Unreachable as error:
                await self._silent(error)

    async def _poll(self) -> None:
        offset = self._inbox.offset()
        self._polled = (offset, self._clock())
        try:
            # A connection that neither answers nor fails would keep us waiting for ever.
            async with asyncio.timeout(self._patience.rebuild):
                updates = await self._api.updates(offset)
        except TimeoutError:
            raise Unreachable(TimeoutError) from None
        self._heard = self._rebuilt = self._clock()
        self._trouble, self._failures = None, 0
        self._inbox.hear()
        if not updates:
            # All is confirmed; without an offset we also hear updates whose numbers start anew after an idle week.
            self._inbox.confirmed()
            return
        new = [update for update in updates if not self._inbox.knows(update.get("update_id", 0))]
        try:
            await self._take(new)
        except Exception as error:  # A store that is busy for long: nothing was confirmed, so the next poll brings them again.
            fail(Event.UNHANDLED, exception=error)
            await asyncio.sleep(SAME_OFFSET_SECONDS)
        self._inbox.sweep(full=len(updates) >= WINDOW)

    async def _pause(self) -> None:
        """Between polls: none where all is done, else until something is done or the same offset may be asked again."""
        while self._inbox.under_way() >= MOST_UNDER_WAY:
            self._inbox.sweep()
            await asyncio.sleep(SAME_OFFSET_SECONDS)
        if not self._inbox.open():
            return
        offset, at = self._polled
        while self._inbox.open() and self._inbox.offset() == offset:
            left = at + SAME_OFFSET_SECONDS - self._clock()
            if left <= 0:
                break
            await self._inbox.moved(left)
        left = at + BETWEEN_SECONDS - self._clock()
        if left > 0:
            await asyncio.sleep(left)
        self._inbox.sweep()

    async def _refused(self, error: TokenRefused) -> None:
        fail(Event.TOKEN_REFUSED)
        if self._since(error) >= self._patience.refused:
            raise TransportEnded(
                "RUECKSPIEGEL_TELEGRAM_TOKEN: Telegram refuses this token; ask BotFather for a new one"
            ) from None
        await asyncio.sleep(min(1.0, self._patience.refused / 3))

    async def _other(self) -> None:
        if await self._webhook():
            warn(Event.WEBHOOK_DELETED)
        else:
            fail(Event.OTHER_POLLER)
        now = self._clock()
        # Between two pollers each has its successes: only a time without any refusal ends the trouble.
        if self._conflict is None or now - self._conflict[1] > self._patience.other:
            self._conflict = (now, now)
        self._conflict = (self._conflict[0], now)
        if now - self._conflict[0] >= self._patience.other:
            problem = "another process polls or sets a webhook with the same token; stop it, or make a token for each"
            raise TransportEnded(f"RUECKSPIEGEL_TELEGRAM_TOKEN: {problem}") from None
        await asyncio.sleep(min(5.0, self._patience.other / 5))

    async def _webhook(self) -> bool:
        """Whether it was a webhook that kept us from polling, and is deleted now."""
        try:
            return await self._api.delete_webhook()
        except (TokenRefused, OtherPoller, Unreachable):
            return False  # The next poll will tell.

    async def _silent(self, error: Unreachable) -> None:
        now = self._clock()
        warn(Event.SILENT, seconds=now - self._heard, exception=error.cause)
        if now - self._heard >= self._patience.give_up:
            problem = f"Telegram has not answered for {self._patience.give_up:.0f} seconds; check the network"
            raise TransportEnded(f"RUECKSPIEGEL_TELEGRAM_API_URL: {problem}") from None
        if now - self._rebuilt >= self._patience.rebuild:
            await self._api.rebuild()
            self._rebuilt = self._clock()
        self._failures += 1
        await asyncio.sleep(min(error.after or math.inf, LONGEST_BACKOFF, self._patience.rebuild, 0.5 * 1.6**self._failures))

    def _since(self, error: Exception) -> float:
        """Seconds for which this same trouble has lasted."""
        now = self._clock()
        if self._trouble is None or self._trouble[0] is not type(error):
            self._trouble = (type(error), now)
        return now - self._trouble[1]
