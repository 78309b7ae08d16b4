"""Settings: one frozen value from the environment and `.env`, secrets masked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values

PREFIX = "RUECKSPIEGEL_"
KNOWN = (
    "TELEGRAM_TOKEN", "TELEGRAM_API_URL", "MATRIX_HOMESERVER", "MATRIX_USER", "MATRIX_PASSWORD", "STATE", "DATA",
    "DATABASE", "KEY_FILE", "CONTACT", "STEWARDS", "STEWARD_ROOM", "TWO_STEWARDS", "PREVIEW_HOURS", "TIMEZONE",
    "LANGUAGE", "LOG",
)  # fmt: skip


class BrokenSettings(Exception):
    """A setting is missing or wrong; the message names the variable and the remedy."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What this part of the product reads; the other names are known so that a misspelt one is refused."""

    data: Path | None = None
    state: Path = Path("state")
    contact: str | None = None
    language: str = "de"


def read_settings(environment: Mapping[str, str] | None = None, folder: Path = Path(".")) -> Settings:
    """From the environment, over `.env` in the folder.

    :raises BrokenSettings: for a variable that does not exist or a value that cannot be.
    """
    own = os.environ if environment is None else environment
    file = {key: value for key, value in dotenv_values(folder / ".env").items() if value is not None}
    values = {
        key.removeprefix(PREFIX): value for key, value in {**file, **own}.items() if key.startswith(PREFIX) and value.strip()
    }
    for name in values:
        if name not in KNOWN and name.removesuffix("_FILE") not in KNOWN:
            near = get_close_matches(name, KNOWN, n=1)
            hint = f"; perhaps {PREFIX}{near[0]} was meant" if near else f"; known are {', '.join(PREFIX + k for k in KNOWN)}"
            raise BrokenSettings(f"{PREFIX}{name}: there is no such setting{hint}")
    language = values.get("LANGUAGE", "de")
    if len(language) != 2 or not language.isalpha():
        raise BrokenSettings(f"{PREFIX}LANGUAGE: {language!r} is no language code; write two letters, such as de")
    return Settings(
        data=Path(values["DATA"]) if "DATA" in values else None,
        state=Path(values.get("STATE", "state")),
        contact=values.get("CONTACT"),
        language=language.lower(),
    )
