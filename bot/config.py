"""Settings: one frozen value from the environment and `.env`, secrets masked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.environment import MAIN, PREFIX, broken, values_of
from bot.messages import Address
from bot.setting import (
    database_of,
    matrix_user_of,
    metrics_at,
    most_of,
    number_of,
    one_of,
    recipient,
    room_of,
    stewards_of,
    token_of,
    url_of,
    yes_or_no,
    zone_of,
)

OWN = (
    "TELEGRAM_TOKEN", "TELEGRAM_TOKEN_FILE", "MATRIX_HOMESERVER", "MATRIX_USER", "MATRIX_PASSWORD", "MATRIX_PASSWORD_FILE",
    "CONTACT", "STEWARDS", "STEWARD_ROOM", "TWO_STEWARDS", "PREVIEW_HOURS", "TIMEZONE", "LANGUAGE",
)  # fmt: skip
"""What each bot account has of its own; all others are of the whole installation."""
KNOWN = (
    *OWN, "TELEGRAM_API_URL", "STATE", "DATA", "KEY_FILE", "LOG", "DATABASE", "DATABASE_FILE", "BACKUP_TO", "BACKUP_DAYS",
    "METRICS", "ACCOUNTS", "MOST_ACCOUNTS",
)  # fmt: skip


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
    backup_to: str | None = None
    backup_days: int = 14
    metrics: tuple[str, int] | None = None
    name: str = MAIN
    accounts: Path | None = None
    most_accounts: int | None = None

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite+aiosqlite:///{(self.state / 'rueckspiegel.db').absolute()}"

    @property
    def database_file(self) -> Path | None:
        """Where SQLite's database lies; None on PostgreSQL."""
        url, prefix = self.database_url, "sqlite+aiosqlite:///"
        return Path(url.removeprefix(prefix).partition("?")[0]) if url.startswith(prefix) else None

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
        telegram_token=token_of(values),
        telegram_api_url=url_of(values, "TELEGRAM_API_URL", Settings().telegram_api_url),
        matrix_homeserver=url_of(values, "MATRIX_HOMESERVER", "") if "MATRIX_HOMESERVER" in values else None,
        matrix_user=matrix_user_of(values),
        matrix_password=values.get("MATRIX_PASSWORD"),
        preview_hours=number_of(values, "PREVIEW_HOURS", 2, 0, 48),
        database=database_of(values),
        key_file=Path(values["KEY_FILE"]) if "KEY_FILE" in values else None,
        stewards=stewards,
        two_stewards=yes_or_no(values, "TWO_STEWARDS", "yes" if len(stewards) > 1 else "no"),
        steward_room=room_of(values.get("STEWARD_ROOM")),
        timezone=zone_of(values.get("TIMEZONE", Settings().timezone)),
        debug=one_of(values, "LOG", ("info", "debug")) == "debug",
        backup_to=recipient(values.get("BACKUP_TO")),
        backup_days=number_of(values, "BACKUP_DAYS", 14, 1, 3650),
        metrics=metrics_at(values.get("METRICS")),
        accounts=Path(values["ACCOUNTS"]) if "ACCOUNTS" in values else None,
        most_accounts=most_of(values.get("MOST_ACCOUNTS")),
    )
