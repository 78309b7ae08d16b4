"""The ledger: what each channel is owed of a digest, part by part, and what became of it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import case, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.deliveries import PENDING, SENDING, Delivery
from bot.digests import Slot, Subscription
from bot.messages import Button, Opens, Reply, Span, parse_address
from bot.store.chats import PURPOSE, ours
from bot.store.engine import Store
from bot.store.schema import chats, deliveries, digests

_REF = "ref"
_MOST_ROWS = 500


async def plan(store: Store, connection: AsyncConnection, wanted: Iterable[tuple[str, Slot, str]]) -> set[tuple[str, str]]:
    """Digests of chats at slots, and how each is; chat and name of the slot of those that nobody had planned before."""
    rows = [{"chat": chat, "slot": slot.name, "at": int(slot.at.timestamp()), "state": state} for chat, slot, state in wanted]
    made: set[tuple[str, str]] = set()
    for some in _batches(rows):
        done = await connection.execute(store.insert(digests, some).returning(digests.c.chat, digests.c.slot))
        made |= {(row.chat, row.slot) for row in done}
    return made


def parts_of(
    subscription: Subscription, slot: Slot, parts: Sequence[tuple[Sequence[str], Reply]], due: datetime, first: int = 1
) -> list[Delivery]:
    """New parts of a slot, numbered from `first`."""
    return [
        Delivery(
            secrets.token_hex(16),
            subscription.id,
            subscription.address,
            slot.at,
            number,
            tuple(items),
            reply,
            subscription.silent,
            PENDING,
            0,
            due,
            language=subscription.language,
        )
        for number, (items, reply) in enumerate(parts, first)
    ]


async def owe(store: Store, connection: AsyncConnection, parts: Sequence[Delivery]) -> None:
    """New rows of the ledger."""
    rows = [
        {
            "id": part.id,
            "chat": part.chat,
            "at": int(part.slot.timestamp()),
            "part": part.part,
            "silent": int(part.silent),
            **_changing(store, part),
        }
        for part in parts
    ]
    if rows:
        await connection.execute(insert(deliveries), rows)


async def due(
    store: Store, connection: AsyncConnection, now: datetime, most: int, busy: Iterable[str], platforms: Collection[str]
) -> list[Delivery]:
    """Up to so many parts that may be tried, the first of each chat's alone, kept from everybody else until the end."""
    earlier = deliveries.alias()
    first = (
        select(earlier.c.chat)
        .where(
            earlier.c.chat == deliveries.c.chat,
            earlier.c.state.in_([PENDING, SENDING]),
            (earlier.c.at < deliveries.c.at) | ((earlier.c.at == deliveries.c.at) & (earlier.c.part < deliveries.c.part)),
            (earlier.c.part > 0) | (earlier.c.due <= _ms(now)),  # A correction that waits keeps no digest waiting.
        )
        .exists()
    )
    where = deliveries.c.state == PENDING, deliveries.c.due <= _ms(now), ~first, deliveries.c.chat.not_in(list(busy))
    wanted = select(deliveries.c.id).join(chats, chats.c.id == deliveries.c.chat)
    wanted = wanted.where(*where, ours(store), chats.c.platform.in_(list(platforms))).order_by(deliveries.c.due).limit(most)
    locked = wanted.with_for_update(of=deliveries, skip_locked=True)  # SQLite has one writer anyway.
    ids = list((await connection.execute(locked)).scalars())
    return await read(store, connection, deliveries.c.id.in_(ids)) if ids else []


async def begin(store: Store, connection: AsyncConnection, part: Delivery, now: datetime) -> None:
    """A part is being sent, as it is in hand. A crash from here on finds that a try may have arrived."""
    values = _changing(store, part) | {
        "state": SENDING,
        "first": case((deliveries.c.first == 0, _ms(now)), else_=deliveries.c.first),
    }
    await connection.execute(update(deliveries).where(deliveries.c.id == part.id).values(values))


async def read(store: Store, connection: AsyncConnection, *where: Any) -> list[Delivery]:
    """Rows of the ledger, oldest slot first."""
    wanted = select(*deliveries.c, chats.c.sealed).join(chats, chats.c.id == deliveries.c.chat).where(ours(store), *where)
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
    changed = update(deliveries).where(deliveries.c.id == done.id, deliveries.c.state == was).values(_changing(store, done))
    return (await connection.execute(changed.returning(deliveries.c.id))).one_or_none() is not None


async def under_way(connection: AsyncConnection, wanted: Collection[str]) -> dict[str, frozenset[str]]:
    """Chat to the items that earlier slots have not sent yet."""
    rows = await connection.execute(
        select(deliveries.c.chat, deliveries.c.carries).where(
            deliveries.c.chat.in_(list(wanted)), deliveries.c.state.in_([PENDING, SENDING])
        )
    )
    found: dict[str, set[str]] = {chat: set() for chat in wanted}
    for row in rows:
        found[row.chat] |= set(json.loads(row.carries))
    return {chat: frozenset(items) for chat, items in found.items()}


def dumped(reply: Reply, language: str) -> str:
    """A reply and its language as JSON."""
    spans = [[span.text, span.style, span.url] for span in reply.spans]
    return json.dumps([spans, [[b.label, b.says, b.opens.value] for b in reply.buttons], language], ensure_ascii=False)


def loaded(text: str) -> Reply:
    """A reply from JSON."""
    spans, buttons, language = json.loads(text)
    return Reply(
        tuple(Span(*span) for span in spans),
        tuple(Button(label, says, Opens(opens)) for label, says, opens in buttons),
        language=language,
    )


def _changing(store: Store, part: Delivery) -> dict[str, Any]:
    """The columns that change in the life of a part."""
    return {
        "carries": json.dumps(list(part.items)),
        "payload": dumped(part.reply, part.language),
        "state": part.state,
        "attempts": part.attempts,
        "due": _ms(part.due),
        "first": _ms(part.first) if part.first else 0,
        "ref": store.keys.seal(part.ref, _REF) if part.ref else "",
        "why": part.why,
    }


def _batches(rows: Sequence[dict[str, Any]]) -> Iterable[Sequence[dict[str, Any]]]:
    """A statement takes so many values only."""
    return (rows[start : start + _MOST_ROWS] for start in range(0, len(rows), _MOST_ROWS))


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
