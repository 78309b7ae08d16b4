"""The chats that get digests: found by an HMAC of the address, which itself is kept encrypted."""

from __future__ import annotations

import secrets

from sqlalchemy import ColumnElement, delete, insert, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.messages import Address, parse_address
from bot.store.engine import Store
from bot.store.schema import chats, deliveries, digests, seen, subscriptions

PURPOSE = "chat"
_OF_A_CHAT = (subscriptions, seen, digests, deliveries)


def ours(store: Store) -> ColumnElement[bool]:
    """Of the account whose store this is."""
    return true() if store.account is None else chats.c.account == store.account


async def chat_of(store: Store, connection: AsyncConnection, address: Address) -> str | None:
    """The name under which a chat is kept, if it is."""
    return (await connection.execute(select(chats.c.id).where(chats.c.mark == _mark(store, address)))).scalar_one_or_none()


async def accounts(connection: AsyncConnection) -> list[str]:
    """The names of all bot accounts that serve a chat."""
    return list((await connection.execute(select(chats.c.account).distinct().order_by(chats.c.account))).scalars())


async def keep_chat(store: Store, connection: AsyncConnection, address: Address) -> str:
    """The name of a chat, from now on if it was not kept before."""
    known = await chat_of(store, connection, address)
    if known is not None:
        return known
    id = secrets.token_hex(8)
    row = {"id": id, "platform": address.platform, "account": store.account, **_written(store, address)}
    await connection.execute(insert(chats).values(row))
    return id


async def erase(connection: AsyncConnection, chat: str) -> None:
    """Everything of a chat."""
    for table in _OF_A_CHAT:
        await connection.execute(delete(table).where(table.c.chat == chat))
    await connection.execute(delete(chats).where(chats.c.id == chat))


async def opens(store: Store, connection: AsyncConnection) -> None:
    """Whether the key file is the one that chats were sealed with, by one of them.

    :raises BrokenKey: where it is not.
    """
    sealed = (await connection.execute(select(chats.c.sealed).limit(1))).scalar_one_or_none()
    if sealed is not None:
        store.keys.open(sealed, PURPOSE)


async def addresses(store: Store, connection: AsyncConnection) -> dict[str, Address]:
    """Every kept chat: name to address.

    :raises BrokenKey: where the key file is not the one they were sealed with.
    """
    rows = (await connection.execute(select(chats.c.id, chats.c.sealed).where(ours(store)))).all()
    return {id: parse_address(store.keys.open(sealed, PURPOSE)) for id, sealed in rows}


async def move(store: Store, old: Address, new: Address) -> None:
    """A chat and its topics got a new id: all that is kept of it moves at once, or nothing of it.

    Where the old id already answered that we are gone, digests go on: under the new one we are there.
    """

    async def rename(connection: AsyncConnection) -> None:
        for id, address in (await addresses(store, connection)).items():
            if (address.platform, address.chat) != (old.platform, old.chat):
                continue
            moved = Address(new.platform, new.chat, address.topic)
            other = await chat_of(store, connection, moved)
            back = update(subscriptions).where(subscriptions.c.chat == (other or id), subscriptions.c.paused == "gone")
            await connection.execute(back.values(paused="", rests=0))
            if other is not None:
                await _merge(store, connection, id, other)
                continue
            await connection.execute(update(chats).where(chats.c.id == id).values(_written(store, moved)))

    await store.run(rename)


def _written(store: Store, address: Address) -> dict[str, str]:
    return {"mark": _mark(store, address), "sealed": store.keys.seal(str(address), PURPOSE)}


def _mark(store: Store, address: Address) -> str:
    """Another one for each account, since two may serve the same chat."""
    return store.keys.mark(str(address), f"{PURPOSE}/{store.account}")


async def _merge(store: Store, connection: AsyncConnection, old: str, new: str) -> None:
    """A chat that moved to one which gets digests already: what it has had counts there, the rest of it ends."""
    had = (await connection.execute(select(seen.c.item, seen.c.state).where(seen.c.chat == old))).all()
    if had:
        rows = [{"chat": new, "item": row.item, "state": row.state} for row in had]
        await connection.execute(store.insert_new(seen), rows)
    await erase(connection, old)
