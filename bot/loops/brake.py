"""Asked at the last moment, when a call has waited for its turn: whether stewards stopped it meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime

from bot.logs import Event, fail
from bot.store import Store, Transaction, held, panic
from bot.store.held import Kept


async def may_post(store: Store, items: Collection[str], now: datetime) -> bool:
    """Whether nothing was stopped and none of these items held back."""

    async def work(transaction: Transaction) -> bool:
        stopped = await panic.since(transaction) is not None
        return not stopped and not set(items) & await held.kept_back(transaction, now)

    return await _asked(store, work)


async def may_edit(store: Store, kept: Kept, now: datetime) -> bool:
    """Whether nothing was stopped, and just as much is kept back as when a correction was written."""

    async def work(transaction: Transaction) -> bool:
        return await panic.since(transaction) is None and await held.kept(transaction, now) == kept

    return await _asked(store, work)


async def _asked(store: Store, work: Callable[[Transaction], Awaitable[bool]]) -> bool:
    try:
        return await store.run(work)
    except Exception as error:  # What cannot be asked is not allowed; nothing has left yet, so nothing is lost.
        fail(Event.UNHANDLED, exception=error)
        return False
