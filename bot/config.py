"""Settings: one frozen value from the environment and `.env`, secrets masked."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.environment import MAIN, PREFIX, BrokenSettings, broken, stewards_of, values_of
from bot.messages import Address, parse_address

__all__ = ["OWN", "BrokenSettings", "Settings", "read_settings", "settings_of"]

OWN = (
    "TELEGRAM_TOKEN", "TELEGRAM_TOKEN_FILE", "MATRIX_HOMESERVER", "MATRIX_USER", "MATRIX_PASSWORD", "MATRIX_PASSWORD_FILE",
    "CONTACT", "STEWARDS", "STEWARD_ROOM", "TWO_STEWARDS", "PREVIEW_HOURS", "TIMEZONE", "LANGUAGE",
)  # fmt: skip
"""What each bot account has of its own; all others are of the whole installation."""
KNOWN = (
    *OWN, "TELEGRAM_API_URL", "STATE", "DATA", "KEY_FILE", "LOG", "DATABASE", "DATABASE_FILE", "ACCOUNTS", "MOST_ACCOUNTS",
)  # fmt: skip
_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]{3,}")


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
    name: str = MAIN
    accounts: Path | None = None
    most_accounts: int | None = None

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite+aiosqlite:///{(self.state / 'rueckspiegel.db').absolute()}"

    @property
    def identities(self) -> dict[str, str]:
        """Platform to the account there, as it is leased and as its answers are remembered."""
        telegram = f"telegram:{self.telegram_token.partition(':')[0]}" if self.telegram_token else None
        matrix = f"matrix:{self.matrix_user}" if self.matrix_user else None
        return {platform: account for platform, account in (("telegram", telegram), ("matrix", matrix)) if account}

    @property
    def matrix_folder(self) -> Path:
        """Where a Matrix account keeps its device: the first one where it always was."""
        return self.state / ("matrix" if self.name == MAIN else f"matrix-{self.name}")

    @property
    def key_path(self) -> Path:
        state = self.state.absolute()
        return self.key_file or state.with_name(state.name + ".key")


def read_settings(environment: Mapping[str, str] | None = None, folder: Path = Path(".")) -> Settings:
    """From the environment, over `.env` in the folder.

    :raises BrokenSettings: for a variable that does not exist or a value that cannot be.
    """
    values = values_of(os.environ if environment is None else environment, folder, KNOWN)
    for name in OWN:
        if "ACCOUNTS" in values and name in values:
            raise broken(name, f"{PREFIX}ACCOUNTS names a file of accounts, and this belongs to one of them; move it there")
    return settings_of(values)


def settings_of(values: Mapping[str, str]) -> Settings:
    """From values whose names are known.

    :raises BrokenSettings: for one that cannot be.
    """
    stewards = stewards_of(values.get("STEWARDS", ""))
    language = values.get("LANGUAGE", "de")
    if len(language) != 2 or not language.isalpha():
        raise broken("LANGUAGE", f"{language!r} is no language code; write two letters, such as de")
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
        accounts=Path(values["ACCOUNTS"]) if "ACCOUNTS" in values else None,
        most_accounts=_most(values.get("MOST_ACCOUNTS")),
    )


def _token(values: Mapping[str, str]) -> str | None:
    token = values.get("TELEGRAM_TOKEN")
    if token is not None and not _TOKEN.fullmatch(token):
        raise broken("TELEGRAM_TOKEN", "that is no bot token; copy the one that BotFather gave, such as 123456:ABC-DEF")
    return token


def _matrix_user(values: Mapping[str, str]) -> str | None:
    """The user id; where one of the three Matrix settings is set, all must be."""
    names = ("MATRIX_HOMESERVER", "MATRIX_USER", "MATRIX_PASSWORD")
    missing = [name for name in names if name not in values]
    if 0 < len(missing) < len(names):
        raise broken(missing[0], "it is missing, and the other Matrix settings are set; set all three or none")
    user = values.get("MATRIX_USER")
    if user is not None and not re.fullmatch(r"@[^:\s]+:\S+", user):
        raise broken("MATRIX_USER", "write the full user id, such as @rueckspiegel:example.org")
    return user


def _url(values: Mapping[str, str], name: str, default: str) -> str:
    url = values.get(name, default).rstrip("/")
    if not re.fullmatch(r"https?://[^/\s?#@]+", url):
        raise broken(name, "write scheme, host and port alone, such as https://api.telegram.org")
    return url


def _database(values: Mapping[str, str]) -> str | None:
    url = values.get("DATABASE")
    if url is not None and not url.startswith(("sqlite+aiosqlite:///", "postgresql+psycopg://")):
        raise broken("DATABASE", "write sqlite+aiosqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/NAME")
    return url


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise broken("TIMEZONE", f"{name!r} is no time zone; write one such as Europe/Berlin") from error
    return name


def _hours(text: str) -> int:
    if not text.isdigit() or int(text) > 48:
        raise broken("PREVIEW_HOURS", f"{text!r} is no number of hours; write 0 (no preview) to 48")
    return int(text)


def _most(text: str | None) -> int | None:
    if text is not None and not (text.isdigit() and int(text)):
        raise broken("MOST_ACCOUNTS", f"{text!r} is no number of accounts; write 1 or more, or leave it out for no limit")
    return int(text) if text else None


def _yes(values: Mapping[str, str], name: str, default: str) -> bool:
    value = values.get(name, default).casefold()
    if value not in ("yes", "no"):
        raise broken(name, f"{value!r} is neither; write yes or no")
    return value == "yes"


def _one_of(values: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = values.get(name, allowed[0]).casefold()
    if value not in allowed:
        raise broken(name, f"{value!r} is not known; write {' or '.join(allowed)}")
    return value


def _room(text: str | None) -> Address | None:
    if text is None:
        return None
    try:
        return parse_address(text)
    except ValueError as error:
        raise broken("STEWARD_ROOM", str(error)) from error
