"""A database with rows in every table, made from the schema, so that a new table or type cannot be forgotten."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Text, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.messages import Address
from bot.store import Store
from bot.store.chats import PURPOSE
from bot.store.schema import metadata

ROWS = 7
Rows = dict[str, set[tuple[Any, ...]]]


async def fill(store: Store, rows: int = ROWS) -> None:
    """So many rows in every table; texts with all that quoting, line ends and other scripts could break."""

    async def write(connection: AsyncConnection) -> None:
        for table in metadata.sorted_tables:
            await connection.execute(
                insert(table),
                [{column.name: _value(store, column, number) for column in table.columns} for number in range(rows)],
            )

    await store.run(write)


async def rows_of(store: Store, connection: AsyncConnection) -> Rows:
    """Table to its rows."""
    return {
        table.name: {tuple(row) for row in (await connection.execute(select(table))).all()} for table in metadata.sorted_tables
    }


async def everything(store: Store) -> Rows:
    return await store.run(lambda connection: rows_of(store, connection))


def _value(store: Store, column: Any, number: int) -> object:
    if str(column) == "chats.sealed":
        return store.keys.seal(str(address(number)), PURPOSE)
    match column.type:
        case BigInteger():
            return 2**62 + number
        case Text():
            return f"{column} {number}: \"'\\ \r\n\t\u2028 äöü كاميرا 🙂 %s :x"
    raise TypeError(f"{column}: a {type(column.type).__name__} does not come through a backup yet")


def address(number: int) -> Address:
    return Address("telegram", f"-100{number}")
