"""Who gets digests, how, and what each has had."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, time

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests import Schedule, Subscription
from bot.messages import Address, parse_address
from bot.store.chats import PURPOSE, chat_of, keep_chat
from bot.store.engine import Store
from bot.store.schema import chats, deliveries, digests, seen, subscriptions

_OF_A_CHAT = (subscriptions, seen, digests, deliveries)


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
    wanted = select(subscriptions, chats.c.sealed).join(chats, chats.c.id == subscriptions.c.chat)
    if due is not None:
        wanted = wanted.where(subscriptions.c.next <= _seconds(due))
    rows = (await connection.execute(wanted.order_by(subscriptions.c.chat))).all()
    return [_read(row.chat, parse_address(store.keys.open(row.sealed, PURPOSE)), row.settings, row.paused) for row in rows]


async def subscribe(
    store: Store, connection: AsyncConnection, wanted: Subscription, now: datetime, known: Iterable[str]
) -> Subscription:
    """A new subscription; what was published before counts as known."""
    chat = await keep_chat(store, connection, wanted.address)
    made = replace(wanted, id=chat)
    upcoming = next(made.schedule.slots(now))
    row = {"chat": chat, "settings": _settings(made), "paused": "", "planned": _seconds(now), "next": _seconds(upcoming.at)}
    await connection.execute(store.insert(subscriptions, [row]))
    await mark(store, connection, chat, known, "known")
    return made


async def change(connection: AsyncConnection, changed: Subscription, now: datetime) -> None:
    """New settings; slots are counted from now where the clock changed."""
    upcoming = next(changed.schedule.slots(now))
    values = {"settings": _settings(changed), "paused": changed.paused, "next": _seconds(upcoming.at)}
    await connection.execute(update(subscriptions).where(subscriptions.c.chat == changed.id).values(values))


async def of_place(store: Store, connection: AsyncConnection, place: Address) -> list[Subscription]:
    """The subscriptions of a chat and of its topics."""
    everybody = await all_subscriptions(store, connection)
    return [one for one in everybody if (one.address.platform, one.address.chat) == (place.platform, place.chat)]


async def end(connection: AsyncConnection, subscription: Subscription) -> None:
    """Erase everything of a chat."""
    for table in _OF_A_CHAT:
        await connection.execute(delete(table).where(table.c.chat == subscription.id))
    await connection.execute(delete(chats).where(chats.c.id == subscription.id))


async def last_planned(connection: AsyncConnection, chat: str) -> datetime:
    """The slot up to which a chat was planned."""
    found = await connection.execute(select(subscriptions.c.planned).where(subscriptions.c.chat == chat))
    return datetime.fromtimestamp(found.scalar_one(), UTC)


async def planned(connection: AsyncConnection, chat: str, slot: datetime, upcoming: datetime) -> None:
    """A chat was planned up to a slot."""
    values = {"planned": _seconds(slot), "next": _seconds(upcoming)}
    await connection.execute(update(subscriptions).where(subscriptions.c.chat == chat).values(values))


async def has_had(connection: AsyncConnection, chat: str) -> dict[str, str]:
    """Item id to what a chat has had of it."""
    rows = await connection.execute(select(seen.c.item, seen.c.state).where(seen.c.chat == chat))
    return {row.item: row.state for row in rows}


async def mark(store: Store, connection: AsyncConnection, chat: str, items: Iterable[str], state: str) -> None:
    """From now on a chat has had these items in this way."""
    ids = list(items)
    if not ids:
        return
    await connection.execute(store.insert(seen, [{"chat": chat, "item": item, "state": state} for item in ids]))
    await connection.execute(update(seen).where(seen.c.chat == chat, seen.c.item.in_(ids)).values(state=state))


async def forget_known(connection: AsyncConnection, chat: str) -> None:
    """Everything published so far is owed after all, but what was really sent."""
    await connection.execute(delete(seen).where(seen.c.chat == chat, seen.c.state.in_(["known", "passed"])))


def _read(chat: str, address: Address, settings: str, paused: str) -> Subscription:
    told = json.loads(settings)
    schedule = Schedule(told["every"], time.fromisoformat(told["at"]), told["zone"], told["weekday"])
    quiet = tuple(map(time.fromisoformat, told["quiet"])) if told["quiet"] else None
    return Subscription(
        chat,
        address,
        schedule,
        told["language"],
        frozenset(told["topics"]),
        frozenset(told["countries"]),
        quiet,  # type: ignore[arg-type]  # two of them
        told["silent"],
        paused,
    )


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
