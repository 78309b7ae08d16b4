"""Parts of digests out to the platforms: claimed, sent once, settled; what that means for the channel is recorded with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime

from bot.deliveries import (
    DEAD,
    FAILED,
    SENT,
    UNKNOWN,
    Delivery,
    Later,
    Moved,
    Outcome,
    recovered,
    settle,
)
from bot.logs import Event, fail, log, warn
from bot.store import Store, Transaction, ledger, outbox, subscriptions
from bot.store.chats import move
from bot.transports import Transport

AT_ONCE = 16
IDLE_SECONDS = 1.0
SEND_SECONDS = 120.0
POISON = 3
"""Equal refusals of one content, from which all the rest of it is stopped."""

Tell = Callable[[str, Mapping[str, str]], Awaitable[None]]
"""Tells the stewards: the key of a phrase and its values."""


class Deliverer:
    """`may` says whether publishing is held, `tell` reaches the stewards' room."""

    def __init__(
        self,
        store: Store,
        transports: Mapping[str, Transport],
        now: Callable[[], datetime],
        may: Callable[[], bool],
        tell: Tell,
    ) -> None:
        self._store, self._transports, self._now, self._may, self._tell = store, transports, now, may, tell
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._refused: dict[tuple[str, ...], int] = {}
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something new is owed."""
        self._woken.set()

    async def recover(self) -> None:
        """What a process left in `sending` when it died."""
        left = await self._store.run(lambda connection: ledger.left_sending(self._store, connection))
        for delivery in left:
            await self._settled(delivery, recovered(delivery, self._now()))

    async def deliver_for_ever(self) -> None:
        """Until cancelled; what is under way then is finished or found as `sending` at the next start."""
        await self.recover()
        while True:
            try:
                claimed = await self._claim() if self._may() else []
            except Exception as error:  # The database is busy or gone: the next round tries again.
                fail(Event.UNHANDLED, exception=error)
                claimed = []
            for delivery in claimed:
                task = asyncio.create_task(self._deliver(delivery))
                self._busy[delivery.chat] = task
                task.add_done_callback(lambda _, chat=delivery.chat: self._free(chat))  # type: ignore[misc]
            if not claimed:
                await self._rest()

    async def stop(self) -> None:
        """Let what is under way come to its end."""
        if self._busy:
            await asyncio.wait(list(self._busy.values()), timeout=10)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()

    def _free(self, chat: str) -> None:
        self._busy.pop(chat, None)
        self._woken.set()

    async def _claim(self) -> list[Delivery]:
        free = AT_ONCE - len(self._busy)
        if free <= 0:
            return []
        now, busy = self._now(), list(self._busy)
        return await self._store.run(lambda connection: outbox.claim(self._store, connection, now, free, busy))

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            outcome = await self._send(delivery)
            if isinstance(outcome, Moved):
                await move(self._store, delivery.address, outcome.to)
            await self._settled(delivery, settle(delivery, outcome, self._now()))
        except Exception as error:  # The row stays in `sending`, and is settled as unsure at the next start.
            fail(Event.UNHANDLED, exception=error)

    async def _send(self, delivery: Delivery) -> Outcome:
        transport = self._transports.get(delivery.address.platform)
        if transport is None:
            return Later(60.0)
        return await transport.post(delivery.address, delivery.reply, delivery.id, silent=delivery.silent)

    async def _settled(self, before: Delivery, after: Delivery) -> None:
        """The row and what it means, in one transaction; then the stewards hear of it, once."""
        pause = after.state == FAILED and after.why == "gone"

        async def write(connection: Transaction) -> bool:
            if not await outbox.record(self._store, connection, after):
                return False
            await self._seen(connection, after)
            if pause:
                await self._pause(connection, after)
            return True

        if await self._store.run(write):
            log(Event.DELIVERED if after.state == SENT else Event.NOT_DELIVERED)
            await self._report(after)

    async def _seen(self, connection: Transaction, done: Delivery) -> None:
        had = await subscriptions.has_had(connection, done.chat)
        if done.state == SENT:
            await subscriptions.mark(self._store, connection, done.chat, done.items, "sent")
        elif done.state == UNKNOWN:
            twice = [item for item in done.items if had.get(item) == "unsure"]
            await subscriptions.mark(self._store, connection, done.chat, twice, "twice")
            await subscriptions.mark(self._store, connection, done.chat, set(done.items) - set(twice), "unsure")
        elif done.state == FAILED and done.why == "refused":
            await subscriptions.mark(self._store, connection, done.chat, done.items, "failed")

    async def _pause(self, connection: Transaction, done: Delivery) -> None:
        subscription = await subscriptions.subscription_of(self._store, connection, done.address)
        if subscription is not None:
            await subscriptions.change(connection, replace(subscription, paused="gone"), self._now())
        await ledger.stop_chat(connection, done.chat, "gone")

    async def _report(self, done: Delivery) -> None:
        values = {"address": str(done.address), "id": done.id, "items": ", ".join(done.items)}
        if done.state == UNKNOWN:
            await self._tell("steward.unknown", values)
        elif done.state == FAILED and done.why == "gone":
            await self._tell("steward.gone", values)
        elif done.state == DEAD:
            await self._tell("steward.dead", values)
        elif done.state == FAILED:
            self._refused[done.items] = self._refused.get(done.items, 0) + 1
            if self._refused[done.items] == POISON:
                warn(Event.POISON)
                await self._store.run(lambda connection: ledger.stop_items(connection, done.items, "poison"))
                await self._tell("steward.poison", values)
