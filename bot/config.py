"""Settings: one frozen value from the environment and `.env`, secrets masked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values

from bot.messages import Address
from bot.setting import (
    PREFIX,
    broken,
    database_of,
    matrix_user_of,
    metrics_at,
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

SECRETS = ("TELEGRAM_TOKEN", "MATRIX_PASSWORD", "DATABASE")
"""May come as `X_FILE`, the path of a file that holds the value."""
KNOWN = (
    *SECRETS, "TELEGRAM_API_URL", "MATRIX_HOMESERVER", "MATRIX_USER", "STATE", "DATA", "KEY_FILE", "CONTACT", "STEWARDS",
    "STEWARD_ROOM", "TWO_STEWARDS", "PREVIEW_HOURS", "TIMEZONE", "LANGUAGE", "LOG", "BACKUP_TO", "BACKUP_DAYS", "METRICS",
    *(f"{name}_FILE" for name in SECRETS),
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
            raise broken(name, f"there is no such setting; {hint}")
    for name in SECRETS:
        path = values.get(f"{name}_FILE")
        if path is None:
            continue
        try:
            secret = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            raise broken(f"{name}_FILE", f"{path} cannot be read; name a file that this process may read") from error
        if not secret:
            continue  # As an empty variable: the secret of a platform that is not set up.
        if name in values:
            raise broken(name, f"it is set twice, here and in {PREFIX}{name}_FILE; keep one")
        values[name] = secret
    return values
