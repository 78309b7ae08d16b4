"""What became of a part, and what that means for what its channel has had: always one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.deliveries import DEAD, FAILED, PENDING, SENDING, SENT, UNKNOWN, Delivery
from bot.store import outbox, subscriptions
from bot.store.chats import ours
from bot.store.engine import Store
from bot.store.schema import chats, deliveries


async def settled(store: Store, connection: AsyncConnection, done: Delivery, was: str = SENDING) -> bool:
    """Write it down; False where somebody else decided meanwhile."""
    if not await outbox.record(store, connection, done, was):
        return False
    if done.part == 0:
        return True  # A correction is owed to nobody: the items were there before.
    if done.state == SENT:
        await subscriptions.mark(store, connection, done.chat, done.items, "sent")
    elif done.state == UNKNOWN:
        await uncertain(store, connection, done.chat, done.items)
    elif done.state == FAILED and done.why == "refused":
        await _refused(store, connection, done)
    return True


async def looked_at(store: Store, connection: AsyncConnection, part: Delivery, arrived: bool, now: datetime) -> bool:
    """Somebody looked for an unknown part: it did arrive, or it is sent once more and owed until it is."""
    state = SENT if arrived else PENDING
    done = replace(part, state=state, due=now, first=None, attempts=0, why="settled")
    if not await settled(store, connection, done, was=UNKNOWN):
        return False
    if not arrived and part.part:
        await subscriptions.forget(connection, part.chat, part.items)
    return True


async def stop_items(store: Store, connection: AsyncConnection, items: tuple[str, ...], why: str) -> int:
    """No part with just these items goes out to anybody of the account, unless it may have already; how many that were."""
    mine = deliveries.c.chat.in_(select(chats.c.id).where(ours(store)))
    waiting = deliveries.c.state == PENDING, deliveries.c.carries == json.dumps(list(items)), deliveries.c.first == 0, mine
    stopped = update(deliveries).where(*waiting).values(state=DEAD, why=why).returning(deliveries.c.id)
    return len((await connection.execute(stopped)).all())


async def _refused(store: Store, connection: AsyncConnection, done: Delivery) -> None:
    """One of several may be the reason, so each that is new gets a try by itself; what may have arrived before does not."""
    had = (await subscriptions.has_had(connection, [done.chat]))[done.chat]
    alone = {item for item in done.items if len(done.items) > 1 and had.get(item, "known") in ("known", "passed", "alone")}
    failed = {item for item in done.items if had.get(item) != "sent"} - alone
    await subscriptions.mark(store, connection, done.chat, alone, "alone")
    await subscriptions.mark(store, connection, done.chat, failed, "failed")


async def uncertain(store: Store, connection: AsyncConnection, chat: str, items: Iterable[str]) -> None:
    """Nobody can tell whether a chat has these: once is said again, marked; twice never. What surely arrived stays so."""
    had, asked = (await subscriptions.has_had(connection, [chat]))[chat], list(items)
    once = [item for item in asked if had.get(item, "known") in ("known", "passed", "alone")]
    twice = [item for item in asked if had.get(item) == "unsure"]
    await subscriptions.mark(store, connection, chat, once, "unsure")
    await subscriptions.mark(store, connection, chat, twice, "twice")
