"""Whom the bot connects to: the whole list. The chat's process knows the chat servers alone, pages are read by another one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.base import Base
from bot.config import Settings
from bot.loops.links import addresses_of

ARCHIVE = "archive.org"
BOT, FETCHING = "the bot", "the fetching process"


@dataclass(frozen=True, slots=True)
class Connection:
    """`by` is which of the processes, `host` a name and perhaps a port."""

    by: str
    host: str
    why: str


def connections(accounts: Sequence[Settings], base: Base) -> tuple[Connection, ...]:
    """Every host that accounts' settings and the data folder name. None of them is a third party that counts or reports."""
    return tuple(dict.fromkeys(_all(accounts, base)))


def _all(accounts: Sequence[Settings], base: Base) -> Iterator[Connection]:
    for settings in accounts:
        if settings.telegram_token:
            yield Connection(BOT, _host(settings.telegram_api_url), "Telegram's messages, and its time")
        if settings.matrix_homeserver:
            yield Connection(BOT, _host(settings.matrix_homeserver), "Matrix' messages, and its time")
    settings = accounts[0]
    if not settings.database_url.startswith("sqlite"):
        yield Connection(BOT, _host(settings.database_url) or "the same machine", "the database")
    for feed in base.feeds:
        yield Connection(FETCHING, _host(feed.url), "a feed that is watched")
    for url in addresses_of(base):
        yield Connection(FETCHING, _host(url), "whether a source's address still leads anywhere")
    yield Connection(FETCHING, ARCHIVE, "whether there is an archived copy of a source")
    yield Connection(FETCHING, "what a steward names", "/draft, `draft`, `import` and `feed add`, and where that leads on to")


def _host(url: str) -> str:
    parts = urlsplit(url)
    return (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
