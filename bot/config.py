"""Settings: one frozen value from the environment and `.env`, secrets masked."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values

from bot.messages import Address, parse_address
from bot.metrics import loopback

PREFIX = "RUECKSPIEGEL_"
SECRETS = ("TELEGRAM_TOKEN", "MATRIX_PASSWORD", "DATABASE")
"""May come as `X_FILE`, the path of a file that holds the value."""
KNOWN = (
    *SECRETS, "TELEGRAM_API_URL", "MATRIX_HOMESERVER", "MATRIX_USER", "STATE", "DATA", "KEY_FILE", "CONTACT", "STEWARDS",
    "STEWARD_ROOM", "TWO_STEWARDS", "PREVIEW_HOURS", "TIMEZONE", "LANGUAGE", "LOG", "METRICS",
    *(f"{name}_FILE" for name in SECRETS),
)  # fmt: skip
_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]{3,}")


class BrokenSettings(Exception):
    """A setting is missing or wrong; the message names the variable and the remedy."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What this part of the product reads; the other names are known so that a misspelt one is refused."""

    data: Path | None = None
    state: Path = Path("state")
    contact: str | None = None
    language: str = "de"
    telegram_token: str | None = field(default=None, repr=False)
    telegram_api_url: str = "https://api.telegram.org"
    database: str | None = field(default=None, repr=False)
    key_file: Path | None = None
    stewards: Mapping[str, str] = field(default_factory=dict, repr=False)
    steward_room: Address | None = field(default=None, repr=False)
    two_stewards: bool = False
    matrix_homeserver: str | None = None
    matrix_user: str | None = None
    matrix_password: str | None = field(default=None, repr=False)
    preview_hours: int = 2
    timezone: str = "Europe/Berlin"
    debug: bool = False
    metrics: tuple[str, int] | None = None

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite+aiosqlite:///{(self.state / 'rueckspiegel.db').absolute()}"

    @property
    def key_path(self) -> Path:
        state = self.state.absolute()
        return self.key_file or state.with_name(state.name + ".key")


def read_settings(environment: Mapping[str, str] | None = None, folder: Path = Path(".")) -> Settings:
    """From the environment, over `.env` in the folder.

    :raises BrokenSettings: for a variable that does not exist or a value that cannot be.
    """
    values = _values(os.environ if environment is None else environment, folder)
    stewards = _stewards(values.get("STEWARDS", ""))
    language = values.get("LANGUAGE", "de")
    if len(language) != 2 or not language.isalpha():
        raise _broken("LANGUAGE", f"{language!r} is no language code; write two letters, such as de")
    return Settings(
        data=Path(values["DATA"]) if "DATA" in values else None,
        state=Path(values.get("STATE", "state")),
        contact=values.get("CONTACT"),
        language=language.lower(),
        telegram_token=_token(values),
        telegram_api_url=_url(values, "TELEGRAM_API_URL", Settings().telegram_api_url),
        matrix_homeserver=_url(values, "MATRIX_HOMESERVER", "") if "MATRIX_HOMESERVER" in values else None,
        matrix_user=_matrix_user(values),
        matrix_password=values.get("MATRIX_PASSWORD"),
        preview_hours=_hours(values.get("PREVIEW_HOURS", "2")),
        database=_database(values),
        key_file=Path(values["KEY_FILE"]) if "KEY_FILE" in values else None,
        stewards=stewards,
        two_stewards=_yes(values, "TWO_STEWARDS", "yes" if len(stewards) > 1 else "no"),
        steward_room=_room(values.get("STEWARD_ROOM")),
        timezone=_zone(values.get("TIMEZONE", Settings().timezone)),
        debug=_one_of(values, "LOG", ("info", "debug")) == "debug",
        metrics=_metrics(values.get("METRICS")),
    )


def _values(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    file = {key: value for key, value in dotenv_values(folder / ".env").items() if value is not None}
    both = {**file, **environment}
    values = {
        key.removeprefix(PREFIX): value.strip() for key, value in both.items() if key.startswith(PREFIX) and value.strip()
    }
    for name in values:
        if name not in KNOWN:
            near = get_close_matches(name, KNOWN, n=1)
            hint = f"perhaps {PREFIX}{near[0]} was meant" if near else f"known are {', '.join(PREFIX + k for k in KNOWN)}"
            raise _broken(name, f"there is no such setting; {hint}")
    for name in SECRETS:
        path = values.get(f"{name}_FILE")
        if path is None:
            continue
        if name in values:
            raise _broken(name, f"it is set twice, here and in {PREFIX}{name}_FILE; keep one")
        try:
            values[name] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            raise _broken(f"{name}_FILE", f"{path} cannot be read; name a file that this process may read") from error
    return values


def _broken(name: str, problem: str) -> BrokenSettings:
    return BrokenSettings(f"{PREFIX}{name}: {problem}")


def _token(values: Mapping[str, str]) -> str | None:
    token = values.get("TELEGRAM_TOKEN")
    if token is not None and not _TOKEN.fullmatch(token):
        raise _broken("TELEGRAM_TOKEN", "that is no bot token; copy the one that BotFather gave, such as 123456:ABC-DEF")
    return token


def _matrix_user(values: Mapping[str, str]) -> str | None:
    """The user id; where one of the three Matrix settings is set, all must be."""
    names = ("MATRIX_HOMESERVER", "MATRIX_USER", "MATRIX_PASSWORD")
    missing = [name for name in names if name not in values]
    if 0 < len(missing) < len(names):
        raise _broken(missing[0], "it is missing, and the other Matrix settings are set; set all three or none")
    user = values.get("MATRIX_USER")
    if user is not None and not re.fullmatch(r"@[^:\s]+:\S+", user):
        raise _broken("MATRIX_USER", "write the full user id, such as @rueckspiegel:example.org")
    return user


def _url(values: Mapping[str, str], name: str, default: str) -> str:
    url = values.get(name, default).rstrip("/")
    if not re.fullmatch(r"https?://[^/\s?#@]+", url):
        raise _broken(name, "write scheme, host and port alone, such as https://api.telegram.org")
    return url


def _database(values: Mapping[str, str]) -> str | None:
    url = values.get("DATABASE")
    if url is not None and not url.startswith(("sqlite+aiosqlite:///", "postgresql+psycopg://")):
        raise _broken("DATABASE", "write sqlite+aiosqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/NAME")
    return url


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _broken("TIMEZONE", f"{name!r} is no time zone; write one such as Europe/Berlin") from error
    return name


def _hours(text: str) -> int:
    if not text.isdigit() or int(text) > 48:
        raise _broken("PREVIEW_HOURS", f"{text!r} is no number of hours; write 0 (no preview) to 48")
    return int(text)


def _metrics(text: str | None) -> tuple[str, int] | None:
    try:
        return None if text is None else loopback(text)
    except ValueError as error:
        raise _broken("METRICS", str(error)) from error


def _yes(values: Mapping[str, str], name: str, default: str) -> bool:
    value = values.get(name, default).casefold()
    if value not in ("yes", "no"):
        raise _broken(name, f"{value!r} is neither; write yes or no")
    return value == "yes"


def _one_of(values: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = values.get(name, allowed[0]).casefold()
    if value not in allowed:
        raise _broken(name, f"{value!r} is not known; write {' or '.join(allowed)}")
    return value


def _room(text: str | None) -> Address | None:
    if text is None:
        return None
    try:
        return parse_address(text)
    except ValueError as error:
        raise _broken("STEWARD_ROOM", str(error)) from error


def _stewards(text: str) -> dict[str, str]:
    """`anna=telegram:1001,ben=matrix:@ben:server` as `telegram:1001` to `anna`; without a name: steward-1, …"""
    stewards: dict[str, str] = {}
    for number, part in enumerate(filter(None, (part.strip() for part in text.split(","))), 1):
        name, separator, account = part.partition("=")
        if not separator:
            name, account = f"steward-{number}", part
        platform, _, id = account.strip().partition(":")
        if not (platform == "telegram" and id.isdigit()) and not (platform == "matrix" and re.fullmatch(r"@[^:\s]+:\S+", id)):
            raise _broken("STEWARDS", f"entry {number} names no account; write anna=telegram:1001 or ben=matrix:@ben:server")
        if name.strip() in stewards.values() or account.strip() in stewards:
            raise _broken("STEWARDS", f"entry {number} repeats a name or an account; write each once")
        stewards[account.strip()] = name.strip()
    return stewards
