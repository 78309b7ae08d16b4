"""Who gets digests, how, and what each has had."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import bindparam, case, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests import Schedule, Subscription
from bot.lifetimes import GONE
from bot.messages import Address, parse_address
from bot.store.chats import PURPOSE, chat_of, erase, keep_chat, ours
from bot.store.engine import Store
from bot.store.schema import chats, seen, subscriptions


@dataclass(frozen=True, slots=True)
class Due:
    """A subscription whose next slot has come, and the slot up to which it was planned."""

    subscription: Subscription
    planned: datetime


async def subscription_of(store: Store, connection: AsyncConnection, address: Address) -> Subscription | None:
    """The subscription of a chat, if it has one."""
    chat = await chat_of(store, connection, address)
    if chat is None:
        return None
    row = (await connection.execute(select(subscriptions).where(subscriptions.c.chat == chat))).one_or_none()
    return None if row is None else _read(chat, address, row.settings, row.paused)


async def all_subscriptions(store: Store, connection: AsyncConnection, due: datetime | None = None) -> list[Subscription]:
    """Every subscription, or those whose next slot has come, with their addresses.

    :raises BrokenKey: where the key file is not the one they were sealed with.
    """
    wanted = select(subscriptions, chats.c.sealed).join(chats, chats.c.id == subscriptions.c.chat).where(ours(store))
    if due is not None:
        wanted = wanted.where(subscriptions.c.next <= _seconds(due))
    rows = (await connection.execute(wanted.order_by(subscriptions.c.chat))).all()
    return [_read(row.chat, parse_address(store.keys.open(row.sealed, PURPOSE)), row.settings, row.paused) for row in rows]


async def due(store: Store, connection: AsyncConnection, now: datetime, most: int, but: Collection[str] = ()) -> list[Due]:
    """Up to so many subscriptions whose next slot has come, longest first, kept from everybody else until the end."""
    wanted = select(subscriptions, chats.c.sealed).join(chats, chats.c.id == subscriptions.c.chat)
    wanted = wanted.where(ours(store), subscriptions.c.next <= _seconds(now), subscriptions.c.chat.not_in(list(but)))
    wanted = wanted.order_by(subscriptions.c.next).limit(most).with_for_update(of=subscriptions, skip_locked=True)
    return [
        Due(
            _read(row.chat, parse_address(store.keys.open(row.sealed, PURPOSE)), row.settings, row.paused),
            datetime.fromtimestamp(row.planned, UTC),
        )
        for row in (await connection.execute(wanted)).all()
    ]


async def counts(connection: AsyncConnection) -> tuple[int, int]:
    """How many subscriptions there are, and how many of them are paused."""
    paused = func.sum(case((subscriptions.c.paused != "", 1), else_=0))
    number, resting = (await connection.execute(select(func.count(), paused).select_from(subscriptions))).one()
    return number, int(resting or 0)


async def of_chats(store: Store, connection: AsyncConnection, wanted: Collection[str]) -> dict[str, Subscription]:
    """The subscriptions of some chats, by chat."""
    rows = select(subscriptions, chats.c.sealed).join(chats, chats.c.id == subscriptions.c.chat)
    found = (await connection.execute(rows.where(subscriptions.c.chat.in_(list(wanted))))).all()
    return {
        row.chat: _read(row.chat, parse_address(store.keys.open(row.sealed, PURPOSE)), row.settings, row.paused)
        for row in found
    }


async def subscribe(
    store: Store, connection: AsyncConnection, wanted: Subscription, now: datetime, known: Iterable[str]
) -> Subscription:
    """A new subscription; what was published before counts as known."""
    chat = await keep_chat(store, connection, wanted.address)
    made = replace(wanted, id=chat)
    upcoming = next(made.schedule.slots(now))
    row = {"chat": chat, "settings": _settings(made), "planned": _seconds(now), "next": _seconds(upcoming.at)}
    row |= {"paused": "", "rests": 0}
    await connection.execute(store.insert(subscriptions, [row]))
    await mark(store, connection, chat, known, "known")
    return made


async def change(connection: AsyncConnection, changed: Subscription, now: datetime) -> None:
    """New settings. A slot that has come and is not planned yet stays due; a new clock is counted from now."""
    row = (await connection.execute(select(subscriptions).where(subscriptions.c.chat == changed.id))).one()
    same = _schedule(json.loads(row.settings)) == changed.schedule
    since = row.planned if same else max(row.planned, _seconds(now))
    upcoming = next(changed.schedule.slots(datetime.fromtimestamp(since, UTC)))
    rests = (row.rests if row.paused == changed.paused else _seconds(now)) if changed.paused else 0
    values = {"settings": _settings(changed), "paused": changed.paused, "planned": since, "next": _seconds(upcoming.at)}
    values |= {"rests": rests}
    await connection.execute(update(subscriptions).where(subscriptions.c.chat == changed.id).values(values))


async def of_place(store: Store, connection: AsyncConnection, place: Address) -> list[Subscription]:
    """The subscriptions of a chat and of its topics."""
    everybody = await all_subscriptions(store, connection)
    return [one for one in everybody if (one.address.platform, one.address.chat) == (place.platform, place.chat)]


async def end(connection: AsyncConnection, subscription: Subscription) -> None:
    """Erase everything of a chat."""
    await erase(connection, subscription.id)


async def forget_gone(connection: AsyncConnection, now: datetime) -> int:
    """Erase everything of chats that threw the bot out so long ago; how many."""
    long_ago = subscriptions.c.paused == "gone", subscriptions.c.rests <= _seconds(now - GONE)
    chats_gone = list((await connection.execute(select(subscriptions.c.chat).where(*long_ago))).scalars())
    for chat in chats_gone:
        await erase(connection, chat)
    return len(chats_gone)


async def planned(connection: AsyncConnection, done: Iterable[tuple[str, datetime, datetime]]) -> None:
    """Chats were planned up to a slot; after it comes the next."""
    rows = [{"which": chat, "upto": _seconds(slot), "then": _seconds(upcoming)} for chat, slot, upcoming in done]
    values: dict[str, Any] = {"planned": bindparam("upto"), "next": bindparam("then")}
    if rows:
        await connection.execute(update(subscriptions).where(subscriptions.c.chat == bindparam("which")).values(values), rows)


async def has_had(connection: AsyncConnection, wanted: Collection[str]) -> dict[str, dict[str, str]]:
    """Chat to item id to what it has had of it."""
    rows = await connection.execute(select(seen).where(seen.c.chat.in_(list(wanted))))
    found: dict[str, dict[str, str]] = {chat: {} for chat in wanted}
    for row in rows:
        found[row.chat][row.item] = row.state
    return found


async def pass_over(store: Store, connection: AsyncConnection, items: Iterable[tuple[str, str]]) -> None:
    """Chats and items that a filter passed over at a slot: they are not owed later."""
    rows = [{"chat": chat, "item": item, "state": "passed"} for chat, item in items]
    if rows:
        await connection.execute(store.insert_new(seen), rows)


async def mark(store: Store, connection: AsyncConnection, chat: str, items: Iterable[str], state: str) -> None:
    """From now on a chat has had these items in this way."""
    ids = list(items)
    if not ids:
        return
    await connection.execute(store.insert_new(seen), [{"chat": chat, "item": item, "state": state} for item in ids])
    await connection.execute(update(seen).where(seen.c.chat == chat, seen.c.item.in_(ids)).values(state=state))


async def forget(connection: AsyncConnection, chat: str, items: Collection[str]) -> None:
    """Whatever a chat has had of these items, they are owed."""
    await connection.execute(delete(seen).where(seen.c.chat == chat, seen.c.item.in_(list(items))))


async def forget_known(connection: AsyncConnection, chat: str) -> None:
    """Everything published so far is owed after all, but what was really sent."""
    await connection.execute(delete(seen).where(seen.c.chat == chat, seen.c.state.in_(["known", "passed"])))


def _read(chat: str, address: Address, settings: str, paused: str) -> Subscription:
    told = json.loads(settings)
    quiet = tuple(map(time.fromisoformat, told["quiet"])) if told["quiet"] else None
    return Subscription(
        chat,
        address,
        _schedule(told),
        told["language"],
        frozenset(told["topics"]),
        frozenset(told["countries"]),
        quiet,  # type: ignore[arg-type]  # two of them
        told["silent"],
        paused,
    )


def _schedule(told: Mapping[str, Any]) -> Schedule:
    return Schedule(told["every"], time.fromisoformat(told["at"]), told["zone"], told["weekday"])


def _settings(subscription: Subscription) -> str:
    schedule, quiet = subscription.schedule, subscription.quiet
    return json.dumps(
        {
            "every": schedule.every,
            "at": schedule.at.isoformat("minutes"),
            "zone": schedule.zone,
            "weekday": schedule.weekday,
            "language": subscription.language,
            "topics": sorted(subscription.topics),
            "countries": sorted(subscription.countries),
            "quiet": [moment.isoformat("minutes") for moment in quiet] if quiet else None,
            "silent": subscription.silent,
        }
    )


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
