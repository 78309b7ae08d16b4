"""The tables. Every column says why it exists and how long its values live."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, Table, Text
from sqlalchemy.types import TypeEngine

metadata = MetaData()


def _column(name: str, kind: TypeEngine[Any], why: str, lives: str, **more: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, info={"why": why, "lives": lives}, **more)


answered = Table(
    "answered",
    metadata,
    _column(
        "mark", Text(), "HMAC of the update that was answered, so that nobody is answered twice", "25 hours", primary_key=True
    ),
    _column(
        "hour", BigInteger(), "the hour in which it was answered, since 1970, to know when to forget it", "25 hours", index=True
    ),
)

chats = Table(
    "chats",
    metadata,
    _column(
        "id",
        Text(),
        "a random name of a channel, group or room that gets digests",
        "as long as it gets digests",
        primary_key=True,
    ),
    _column("mark", Text(), "HMAC of its address, to find it again", "as long as it gets digests", unique=True),
    _column("sealed", Text(), "its address, encrypted with the key file", "as long as it gets digests"),
)
