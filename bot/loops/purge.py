"""Forget what is older than its lifetime, on disk and in memory.

How many answers are forgotten is never logged: their hour is known, and at night one of them is one person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from bot.backups import Backups
from bot.logs import Event, fail, log
from bot.memory import Memory
from bot.store import Store, asked, feeds, reviews, subscriptions
from bot.store.answered import Answered
from bot.store.rewriting import Rewriting

EVERY_SECONDS = 60.0
"""What lives in memory for ten minutes is gone after eleven."""


async def purge_memory(memory: Memory, now: Callable[[], datetime]) -> None:
    """For ever, every minute, whatever becomes of the database."""
    while True:
        memory.purge(now())
        await asyncio.sleep(EVERY_SECONDS)


async def purge(store: Store, now: Callable[[], datetime], backups: Backups | None = None) -> None:
    """What is on disk, of all accounts: for ever, every minute."""
    rewriting, answered = Rewriting(store), Answered(store, "")
    while True:
        try:
            await answered.forget_old(now())
            await asked.forget_old(store, now().date())
            await store.run(lambda transaction: reviews.forget_old(transaction, now()))
            erased = await store.run(lambda transaction: subscriptions.forget_gone(transaction, now()))
            erased += await store.run(lambda transaction: feeds.forget_old(transaction, now()))
            erased += backups.sweep(now()) if backups else 0
            if erased:
                log(Event.PURGED, count=erased)
            await rewriting.look(now())
        except Exception as error:  # The next round tries again.
            fail(Event.UNHANDLED, exception=error)
        await asyncio.sleep(EVERY_SECONDS)
