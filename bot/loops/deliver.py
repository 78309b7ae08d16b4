"""Parts of digests out to the platforms: claimed, sent once, settled; what that means for the channel is recorded with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial

from bot.deliveries import DEAD, FAILED, SENDING, SENT, UNKNOWN, Delivery, Later, Moved, Outcome, Unsure, recovered, settle
from bot.logs import Event, fail, log, warn
from bot.loops.brake import may_post
from bot.loops.news import News
from bot.loops.ready import Ready
from bot.loops.stewards import Tell
from bot.store import Store, Transaction, held, ledger, outbox, panic, settling, subscriptions, upcoming
from bot.store.chats import move
from bot.transports import Transport

AT_ONCE = 16
IDLE_SECONDS = 2.0
"""Between two looks for what is due; what is planned meanwhile wakes it."""
RECOVER_SECONDS = 10.0
STOP_SECONDS = 4.0
PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Between tries to write an outcome down; after the last it is found as `sending`, and settled as unsure."""
POISON = 3
"""Equal refusals of one content, from which all the rest of it is stopped."""


class Deliverer:
    """`may` says whether publishing is held, `tell` reaches the stewards' room, `ready` looks over what is about to go."""

    def __init__(
        self,
        store: Store,
        transports: Mapping[str, Transport],
        now: Callable[[], datetime],
        may: Callable[[], bool],
        tell: Tell,
        ready: Ready,
    ) -> None:
        self._store, self._transports, self._now, self._may, self._tell = store, transports, now, may, tell
        self._ready = ready
        self._due, self._left = News(store), News(store)
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._refused: dict[tuple[str, ...], int] = {}
        self._woken = asyncio.Event()
        self._claiming = asyncio.Lock()
        self._stopping = False

    def wake(self) -> None:
        """Something new is owed."""
        self._woken.set()

    async def recover(self) -> None:
        """What a process left in `sending` when it died, or could not write down."""
        if not await self._left.came(self._now()):
            return
        left = await self._store.run(lambda connection: ledger.left_sending(self._store, connection, list(self._transports)))
        for delivery in left:
            if delivery.chat not in self._busy:
                await self._settled(recovered(delivery, self._now()))
        if not left:
            self._left.none(self._now())

    async def deliver_for_ever(self) -> None:
        """Until cancelled or stopped; what is under way then is finished, or found as `sending` at the next start."""
        clock = asyncio.get_running_loop().time
        self._stopping, rested, recovers = False, True, clock()
        while not self._stopping:
            try:
                if rested and clock() >= recovers:
                    await self.recover()
                    recovers = clock() + RECOVER_SECONDS
                rested = not (self._may() and await self._begin())
            except Exception as error:  # The database is busy or gone: the next round tries again.
                fail(Event.UNHANDLED, exception=error)
                rested = True
            if rested:
                await self._rest()

    async def stop(self) -> None:
        """Begin nothing new, and let what is under way come to its end."""
        self._stopping = True
        self._woken.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS), self._claiming:
                pass  # What is being claimed is under way too.
        if self._busy:
            await asyncio.wait(list(self._busy.values()), timeout=STOP_SECONDS)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()

    async def _begin(self) -> int:
        """Send what is due, as far as there is room; how many parts were taken up."""
        async with self._claiming:
            taken = [] if self._stopping else await self._claim()
            for part in taken:
                if part.state == SENDING:
                    task = asyncio.create_task(self._deliver(part))
                    self._busy[part.chat] = task
                    task.add_done_callback(lambda _, chat=part.chat: self._free(chat))  # type: ignore[misc]
        for part in taken:
            if part.state == UNKNOWN:
                await self._report(part)
        return len(taken)

    def _free(self, chat: str) -> None:
        self._busy.pop(chat, None)
        self._woken.set()

    async def _claim(self) -> list[Delivery]:
        """Parts that are due, looked over: those in `sending` are to be sent. Durable before anything is."""
        free, now, busy, platforms = AT_ONCE - len(self._busy), self._now(), list(self._busy), list(self._transports)
        if free <= 0 or not await self._due.came(now):
            return []

        async def work(connection: Transaction) -> list[Delivery]:
            stopped = await panic.since(connection) is not None
            due = [] if stopped else await outbox.due(self._store, connection, now, free, busy, platforms)
            if not due:
                if not busy:  # Else a chat may have more that is due.
                    self._due.none(now, await upcoming.next_part(self._store, connection, now, platforms))
                return []
            found = await subscriptions.of_chats(self._store, connection, [part.chat for part in due])
            kept = await held.kept(connection, now)
            taken = []
            for part in due:
                after = self._ready.looked_over(part, found.get(part.chat), kept, now)
                if after.state == SENDING:
                    await outbox.begin(self._store, connection, after, now)
                else:
                    await settling.settled(self._store, connection, after, was=part.state)
                taken.append(after)
            return taken

        return await self._store.run(work)

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            outcome = await self._send(delivery)
            after = settle(delivery, outcome, self._now())
        except Exception as error:  # The row stays in `sending`, and is settled as unsure.
            fail(Event.UNHANDLED, exception=error)
            return
        for pause in (*PAUSES, None):
            try:
                if isinstance(outcome, Moved):
                    await move(self._store, delivery.address, outcome.to)
                await self._settled(after)
                return
            except Exception as error:  # The database is busy or gone, but what became of the part is known.
                fail(Event.UNHANDLED, exception=error)
            if pause is not None:
                await asyncio.sleep(pause)

    async def _send(self, delivery: Delivery) -> Outcome:
        transport = self._transports.get(delivery.address.platform)
        if transport is None:
            return Later(60.0)
        since = transport.since()
        if delivery.first is not None and since is not None and delivery.first < since:
            return Unsure(anew=True)
        may = partial(self._lets, delivery)
        return await transport.post(delivery.address, delivery.reply, delivery.id, silent=delivery.silent, may=may)

    async def _lets(self, delivery: Delivery) -> bool:
        """Whether a part that waited for its turn may still go."""
        return await may_post(self._store, delivery.items, self._now())

    async def _settled(self, after: Delivery) -> None:
        """The row and what it means, in one transaction; then the stewards hear of it, once."""

        async def write(connection: Transaction) -> bool:
            if not await settling.settled(self._store, connection, after):
                return False
            if after.why == "gone":
                await self._pause(connection, after)
            return True

        if await self._store.run(write):
            log(Event.DELIVERED if after.state == SENT else Event.NOT_DELIVERED)
            await self._report(after)

    async def _pause(self, connection: Transaction, done: Delivery) -> None:
        """Whatever else waits for a chat that is gone is stopped when its time comes."""
        found = await subscriptions.of_chats(self._store, connection, [done.chat])
        if done.chat in found:
            await subscriptions.change(connection, replace(found[done.chat], paused="gone"), self._now())

    async def _report(self, done: Delivery) -> None:
        # The room keeps what it is told, and a stolen account reads it: so no address, but a name that means nothing outside.
        values = {"address": done.chat, "id": done.id, "items": ", ".join(done.items)}
        if done.why == "gone":
            await self._tell("steward.gone", values)
        elif done.state == UNKNOWN:
            await self._tell("steward.unknown", values)
        elif done.state == DEAD:
            await self._tell("steward.dead", values)
        elif done.state == FAILED:
            await self._refusal(done, values)

    async def _refusal(self, done: Delivery, values: Mapping[str, str]) -> None:
        """Told at the first; what is refused everywhere is stopped everywhere."""
        self._refused[done.items] = self._refused.get(done.items, 0) + 1
        if self._refused[done.items] == 1:
            await self._tell("steward.refused", values)
        if self._refused[done.items] == POISON:
            warn(Event.POISON)
            await self._store.run(lambda connection: settling.stop_items(self._store, connection, done.items, "poison"))
            await self._tell("steward.poison", values)
