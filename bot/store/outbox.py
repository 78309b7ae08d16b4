"""The ledger: what each channel is owed of a digest, part by part, and what became of it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.deliveries import PENDING, SENDING, Delivery
from bot.digests import Slot, Subscription
from bot.messages import Button, Opens, Reply, Span, parse_address
from bot.store.chats import PURPOSE
from bot.store.engine import Store
from bot.store.schema import chats, deliveries, digests

_REF = "ref"


async def plan(store: Store, connection: AsyncConnection, chat: str, slot: Slot, state: str) -> bool:
    """One digest for a chat and a local date; False where there is one already, whoever planned it."""
    row = {"chat": chat, "slot": slot.day.isoformat(), "at": int(slot.at.timestamp()), "state": state}
    done = await connection.execute(store.insert(digests, [row]).returning(digests.c.chat))
    return done.one_or_none() is not None


async def owe(
    connection: AsyncConnection,
    subscription: Subscription,
    slot: Slot,
    parts: Sequence[tuple[Sequence[str], Reply]],
    due: datetime,
) -> list[str]:
    """Rows of the ledger for the parts of a slot; their ids."""
    rows = [
        {
            "id": secrets.token_hex(16),
            "chat": subscription.id,
            "at": int(slot.at.timestamp()),
            "part": number,
            "carries": json.dumps(list(items)),
            "payload": dumped(reply, subscription.language),
            "silent": int(subscription.silent),
            "state": PENDING,
            "attempts": 0,
            "due": _ms(due),
            "first": 0,
            "ref": "",
            "why": "",
        }
        for number, (items, reply) in enumerate(parts, 1)
    ]
    if rows:
        await connection.execute(insert(deliveries), rows)
    return [str(row["id"]) for row in rows]


async def claim(store: Store, connection: AsyncConnection, now: datetime, most: int, busy: Iterable[str]) -> list[Delivery]:
    """Take up to so many due parts, the first of each chat's alone; durable before anything is sent."""
    earlier = (
        select(deliveries.c.chat, deliveries.c.at, deliveries.c.part)
        .where(deliveries.c.state.in_([PENDING, SENDING]))
        .subquery()
    )
    first = (
        select(earlier.c.chat)
        .where(
            earlier.c.chat == deliveries.c.chat,
            (earlier.c.at < deliveries.c.at) | ((earlier.c.at == deliveries.c.at) & (earlier.c.part < deliveries.c.part)),
        )
        .exists()
    )
    due = deliveries.c.state == PENDING, deliveries.c.due <= _ms(now), ~first, deliveries.c.chat.not_in(list(busy))
    wanted = select(deliveries.c.id).where(*due).order_by(deliveries.c.due, deliveries.c.at, deliveries.c.part).limit(most)
    if not store.is_sqlite:
        wanted = wanted.with_for_update(skip_locked=True)
    ids = list((await connection.execute(wanted)).scalars())
    taken = update(deliveries).where(deliveries.c.id.in_(ids), deliveries.c.state == PENDING).values(state=SENDING)
    claimed = list((await connection.execute(taken.returning(deliveries.c.id))).scalars()) if ids else []
    return await read(store, connection, deliveries.c.id.in_(claimed)) if claimed else []


async def read(store: Store, connection: AsyncConnection, *where: Any) -> list[Delivery]:
    """Rows of the ledger, oldest slot first."""
    wanted = select(*deliveries.c, chats.c.sealed).join(chats, chats.c.id == deliveries.c.chat).where(*where)
    rows = (await connection.execute(wanted.order_by(deliveries.c.at, deliveries.c.chat, deliveries.c.part))).all()
    return [
        Delivery(
            row.id,
            row.chat,
            parse_address(store.keys.open(row.sealed, PURPOSE)),
            datetime.fromtimestamp(row.at, UTC),
            row.part,
            tuple(json.loads(row.carries)),
            loaded(row.payload),
            bool(row.silent),
            row.state,
            row.attempts,
            datetime.fromtimestamp(row.due / 1000, UTC),
            datetime.fromtimestamp(row.first / 1000, UTC) if row.first else None,
            store.keys.open(row.ref, _REF) if row.ref else "",
            row.why,
            json.loads(row.payload)[2],
        )
        for row in rows
    ]


async def record(store: Store, connection: AsyncConnection, done: Delivery, was: str = SENDING) -> bool:
    """What became of a part; False where somebody else decided meanwhile."""
    values = {
        "state": done.state,
        "attempts": done.attempts,
        "due": _ms(done.due),
        "first": _ms(done.first) if done.first else 0,
        "ref": store.keys.seal(done.ref, _REF) if done.ref else "",
        "why": done.why,
        "payload": dumped(done.reply, done.language),
    }
    changed = update(deliveries).where(deliveries.c.id == done.id, deliveries.c.state == was).values(values)
    return (await connection.execute(changed.returning(deliveries.c.id))).one_or_none() is not None


async def under_way(connection: AsyncConnection, chat: str) -> frozenset[str]:
    """Items that earlier slots have not sent yet."""
    rows = await connection.execute(
        select(deliveries.c.carries).where(deliveries.c.chat == chat, deliveries.c.state.in_([PENDING, SENDING]))
    )
    return frozenset(item for items in rows.scalars() for item in json.loads(items))


def dumped(reply: Reply, language: str) -> str:
    """A reply and its language as JSON."""
    spans = [[span.text, span.style, span.url] for span in reply.spans]
    return json.dumps([spans, [[b.label, b.says, b.opens.value] for b in reply.buttons], language], ensure_ascii=False)


def loaded(text: str) -> Reply:
    """A reply from JSON."""
    spans, buttons, _ = json.loads(text)
    return Reply(
        tuple(Span(*span) for span in spans), tuple(Button(label, says, Opens(opens)) for label, says, opens in buttons)
    )


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
