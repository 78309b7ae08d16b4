"""The tables. Every column says why it exists and how long its values live."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text
from sqlalchemy.types import TypeEngine

from bot import lifetimes
from bot.lifetimes import Lifetime

metadata = MetaData()
_SUBSCRIBED = lifetimes.SUBSCRIBED


def _column(name: str, kind: TypeEngine[Any], why: str, lives: Lifetime, **more: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, info={"why": why, "lives": lives}, **more)


answered = Table(
    "answered",
    metadata,
    _column(
        "mark",
        Text(),
        "HMAC of the update that was answered, so that nobody is answered twice",
        lifetimes.ANSWERED,
        primary_key=True,
    ),
    _column(
        "hour",
        BigInteger(),
        "the hour in which it was answered, since 1970, to know when to forget it",
        lifetimes.ANSWERED,
        index=True,
    ),
)

chats = Table(
    "chats",
    metadata,
    _column(
        "id",
        Text(),
        "a random name of a channel, group or room that gets digests",
        _SUBSCRIBED,
        primary_key=True,
    ),
    _column("mark", Text(), "HMAC of its address and the bot account, to find it again", _SUBSCRIBED, unique=True),
    _column("sealed", Text(), "its address, encrypted with the key file", _SUBSCRIBED),
    _column("platform", Text(), "telegram or matrix: which process delivers to it", _SUBSCRIBED),
    _column("account", Text(), "name of the bot account that serves it: who holds its lease delivers", _SUBSCRIBED, index=True),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    _column("chat", Text(), "the chat", _SUBSCRIBED, primary_key=True),
    _column("settings", Text(), "rhythm, hour, zone, language, filters, quiet hours, silence, as JSON", _SUBSCRIBED),
    _column("paused", Text(), "why nothing is sent just now, or nothing", _SUBSCRIBED),
    _column(
        "rests",
        BigInteger(),
        f"paused since, in seconds since 1970, or 0: {lifetimes.GONE.days} days after it threw the bot out all of it is erased",
        _SUBSCRIBED,
    ),
    _column("planned", BigInteger(), "the last slot that was planned, in seconds since 1970", _SUBSCRIBED),
    _column("next", BigInteger(), "the next slot, in seconds since 1970", _SUBSCRIBED, index=True),
)

seen = Table(
    "seen",
    metadata,
    _column("chat", Text(), "the chat", _SUBSCRIBED, primary_key=True),
    _column("item", Text(), "a dossier item", _SUBSCRIBED, primary_key=True),
    _column("state", Text(), "known, passed, sent, unsure, twice, alone or failed", _SUBSCRIBED),
)

items = Table(
    "items",
    metadata,
    _column("item", Text(), "a dossier item", lifetimes.DATABASE, primary_key=True),
    _column("state", Text(), "shown to the stewards, held or dropped by them", lifetimes.DATABASE),
)

digests = Table(
    "digests",
    metadata,
    _column("chat", Text(), "the chat", _SUBSCRIBED, primary_key=True),
    _column("slot", Text(), "the slot, by its local date and its hour: one digest a slot", _SUBSCRIBED, primary_key=True),
    _column("at", BigInteger(), "the slot, in seconds since 1970", _SUBSCRIBED),
    _column("state", Text(), "planned, empty, skipped or paused", _SUBSCRIBED),
)

deliveries = Table(
    "deliveries",
    metadata,
    _column("id", Text(), "a random name, on Matrix the transaction id", _SUBSCRIBED, primary_key=True),
    _column("chat", Text(), "the chat", _SUBSCRIBED),
    _column("at", BigInteger(), "the slot, in seconds since 1970", _SUBSCRIBED),
    _column("part", BigInteger(), "its place in the digest, 0 for a correction", _SUBSCRIBED),
    _column("carries", Text(), "the dossier items in it, as JSON", _SUBSCRIBED),
    _column("payload", Text(), "what is said, as JSON", _SUBSCRIBED),
    _column("silent", BigInteger(), "1 where phones are not to ring", _SUBSCRIBED),
    _column("state", Text(), "pending, sending, sent, failed, unknown or dead", _SUBSCRIBED),
    _column("attempts", BigInteger(), "how often it was tried", _SUBSCRIBED),
    _column("due", BigInteger(), "not before, or since when it is done with, in milliseconds since 1970", _SUBSCRIBED),
    _column("first", BigInteger(), "the first try that may have arrived, in milliseconds since 1970, or 0", _SUBSCRIBED),
    _column("ref", Text(), "the platform's id of the message, encrypted with the key file, to correct it", _SUBSCRIBED),
    _column("why", Text(), "why it is in this state", _SUBSCRIBED),
    Index("ix_deliveries_state_due", "state", "due"),
    Index("ix_deliveries_chat_state", "chat", "state"),
)

_REVIEWED = lifetimes.REVIEWED

approvals = Table(
    "approvals",
    metadata,
    _column("draft", Text(), "a draft that one steward would publish", _REVIEWED, primary_key=True),
    _column("steward", Text(), "the pseudonym of that steward, since it takes another one", _REVIEWED, primary_key=True),
    _column("mark", Text(), "a hash of what was approved: a changed draft is approved by nobody", _REVIEWED),
)

releases = Table(
    "releases",
    metadata,
    _column("entry", Text(), "what was published or withdrawn", lifetimes.RELEASED, primary_key=True),
    _column("at", BigInteger(), "when, in seconds since 1970", lifetimes.RELEASED, index=True),
    _column("until", BigInteger(), "as it is now in no post before, in seconds since 1970, or 0", lifetimes.RELEASED),
    _column("reason", BigInteger(), "why it was withdrawn in no post before, in seconds since 1970, or 0", lifetimes.RELEASED),
)

acts = Table(
    "acts",
    metadata,
    _column("id", Text(), "a random name of something that a steward did", lifetimes.RELEASED, primary_key=True),
    _column("steward", Text(), "the pseudonym of the steward, since each may do so much an hour", lifetimes.RELEASED),
    _column("at", BigInteger(), "when, in seconds since 1970", lifetimes.RELEASED, index=True),
)

shown = Table(
    "shown",
    metadata,
    _column("draft", Text(), "a draft that the stewards were shown", _REVIEWED, primary_key=True),
)

_WATCHED = lifetimes.WATCHED
_SEEN = lifetimes.NOT_IN_FEED

feeds = Table(
    "feeds",
    metadata,
    _column("url", Text(), "the address of a feed that is watched", _WATCHED, primary_key=True),
    _column("etag", Text(), "what its server calls the version that was read, so that it need not be sent again", _WATCHED),
    _column("modified", Text(), "when its server says that version was made", _WATCHED),
    _column("read", BigInteger(), "last read, in seconds since 1970, or 0: the first time not all is new", _WATCHED),
    _column("pause", BigInteger(), "the seconds between two looks that it asks for, or 0", _WATCHED),
    _column("next", BigInteger(), "not looked at before, in seconds since 1970", _WATCHED, index=True),
    _column("failures", BigInteger(), "how often in a row it failed, to wait longer each time", _WATCHED),
    _column("failing", BigInteger(), "failing since, in seconds since 1970, or 0", _WATCHED),
    _column("told", BigInteger(), "1 where the stewards know that it is broken", _WATCHED),
)

feed_entries = Table(
    "feed_entries",
    metadata,
    _column("feed", Text(), "the address of the feed", _SEEN, primary_key=True),
    _column("entry", Text(), "hash of an entry that was seen, to know what is new", _SEEN, primary_key=True),
    _column("last", BigInteger(), "last shown by the feed, in seconds since 1970", _SEEN),
)

_LINKED = lifetimes.NAMED

links = Table(
    "links",
    metadata,
    _column("url", Text(), "the address of a source in the dossier", _LINKED, primary_key=True),
    _column("checked", BigInteger(), "last checked, in seconds since 1970", _LINKED),
    _column("dead", BigInteger(), "dead since, in seconds since 1970, or 0", _LINKED),
    _column("told", BigInteger(), "1 where the stewards know that it is dead", _LINKED),
)

_YEAR = lifetimes.COUNTED

asked = Table(
    "asked",
    metadata,
    _column("entry", Text(), "a fact or unknown that answered, to tell curators what is asked", _YEAR, primary_key=True),
    _column("week", Text(), "the ISO week, no finer time", _YEAR, primary_key=True),
    _column("count", BigInteger(), "how often, from ten on and in fives, by nobody in particular", _YEAR),
)

notes = Table(
    "notes",
    metadata,
    _column("week", Text(), "a week of which the stewards were told what was asked", _YEAR, primary_key=True),
)

panic = Table(
    "panic",
    metadata,
    _column("one", BigInteger(), "always 1, since it is stopped once", lifetimes.LIFTED, primary_key=True, autoincrement=False),
    _column("since", BigInteger(), "all publishing is stopped since, in seconds since 1970", lifetimes.LIFTED),
)
