"""What the text of one setting means, or why it cannot be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.backups import BrokenBackup, recipient_of
from bot.environment import broken
from bot.messages import Address, parse_address
from bot.metrics import loopback

_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]{3,}")


def token_of(values: Mapping[str, str]) -> str | None:
    """A bot's token."""
    token = values.get("TELEGRAM_TOKEN")
    if token is not None and not _TOKEN.fullmatch(token):
        raise broken("TELEGRAM_TOKEN", "that is no bot token; copy the one that BotFather gave, such as 123456:ABC-DEF")
    return token


def matrix_user_of(values: Mapping[str, str]) -> str | None:
    """The user id; where one of the three Matrix settings is set, all must be."""
    names = ("MATRIX_HOMESERVER", "MATRIX_USER", "MATRIX_PASSWORD")
    missing = [name for name in names if name not in values]
    if 0 < len(missing) < len(names):
        raise broken(missing[0], "it is missing, and the other Matrix settings are set; set all three or none")
    user = values.get("MATRIX_USER")
    if user is not None and not re.fullmatch(r"@[^:\s]+:\S+", user):
        raise broken("MATRIX_USER", "write the full user id, such as @rueckspiegel:example.org")
    return user


def url_of(values: Mapping[str, str], name: str, default: str) -> str:
    """Scheme, host and port alone."""
    url = values.get(name, default).rstrip("/")
    if not re.fullmatch(r"https?://[^/\s?#@]+", url):
        raise broken(name, "write scheme, host and port alone, such as https://api.telegram.org")
    return url


def database_of(values: Mapping[str, str]) -> str | None:
    """The address of a database."""
    url = values.get("DATABASE")
    if url is not None and not url.startswith(("sqlite+aiosqlite:///", "postgresql+psycopg://")):
        raise broken("DATABASE", "write sqlite+aiosqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/NAME")
    return url


def most_of(text: str | None) -> int | None:
    """A number of accounts, or None for no limit."""
    if text is not None and not (text.isdigit() and int(text)):
        raise broken("MOST_ACCOUNTS", f"{text!r} is no number of accounts; write 1 or more, or leave it out for no limit")
    return int(text) if text else None


def zone_of(name: str) -> str:
    """A time zone that exists."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise broken("TIMEZONE", f"{name!r} is no time zone; write one such as Europe/Berlin") from error
    return name


def number_of(values: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """A whole number within bounds."""
    text = values.get(name, str(default))
    if not text.isdigit() or not least <= int(text) <= most:
        raise broken(name, f"{text!r} cannot be; write a number from {least} to {most}")
    return int(text)


def recipient(text: str | None) -> str | None:
    """A public key that backups are encrypted to."""
    try:
        return str(recipient_of(text)) if text else None
    except BrokenBackup as error:
        raise broken("BACKUP_TO", str(error)) from error


def metrics_at(text: str | None) -> tuple[str, int] | None:
    """Where metrics are served, on this machine alone."""
    try:
        return None if text is None else loopback(text)
    except ValueError as error:
        raise broken("METRICS", str(error)) from error


def yes_or_no(values: Mapping[str, str], name: str, default: str) -> bool:
    """Whether it says yes."""
    value = values.get(name, default).casefold()
    if value not in ("yes", "no"):
        raise broken(name, f"{value!r} is neither; write yes or no")
    return value == "yes"


def one_of(values: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    """One of the words allowed."""
    value = values.get(name, allowed[0]).casefold()
    if value not in allowed:
        raise broken(name, f"{value!r} is not known; write {' or '.join(allowed)}")
    return value


def room_of(text: str | None) -> Address | None:
    """A chat's address."""
    if text is None:
        return None
    try:
        return parse_address(text)
    except ValueError as error:
        raise broken("STEWARD_ROOM", str(error)) from error


def stewards_of(text: str) -> dict[str, str]:
    """`anna=telegram:1001,ben=matrix:@ben:server` as `telegram:1001` to `anna`; without a name: steward-1, …"""
    stewards: dict[str, str] = {}
    for number, part in enumerate(filter(None, (part.strip() for part in text.split(","))), 1):
        name, separator, account = part.partition("=")
        if not separator:
            name, account = f"steward-{number}", part
        platform, _, id = account.strip().partition(":")
        if not (platform == "telegram" and id.isdigit()) and not (platform == "matrix" and re.fullmatch(r"@[^:\s]+:\S+", id)):
            raise broken("STEWARDS", f"entry {number} names no account; write anna=telegram:1001 or ben=matrix:@ben:server")
        if name.strip() in stewards.values() or account.strip() in stewards:
            raise broken("STEWARDS", f"entry {number} repeats a name or an account; write each once")
        stewards[account.strip()] = name.strip()
    return stewards
