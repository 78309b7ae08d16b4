"""Settings as text: from the environment over `.env`, every name checked, secrets read from the files that are named."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values

from bot.refusal import Refusal

PREFIX = "RUECKSPIEGEL_"
MAIN = "main"
"""The bot account that the environment's own settings are."""
SECRETS = ("TELEGRAM_TOKEN", "MATRIX_PASSWORD", "DATABASE")
"""May come as `X_FILE`, the path of a file that holds the value."""


class BrokenSettings(Refusal):
    """A setting is missing or wrong; the message names the variable and the remedy."""


def broken(name: str, problem: str) -> BrokenSettings:
    """The error of one setting."""
    return BrokenSettings(f"{PREFIX}{name}: {problem}")


def values_of(environment: Mapping[str, str], folder: Path, known: Collection[str]) -> dict[str, str]:
    """Name to value, names without their prefix.

    :raises BrokenSettings: for a name that is not known, or a file that cannot be read.
    """
    file = {key: value for key, value in dotenv_values(folder / ".env").items() if value is not None}
    both = {**file, **environment}
    values = {
        key.removeprefix(PREFIX): value.strip() for key, value in both.items() if key.startswith(PREFIX) and value.strip()
    }
    for name in values:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"perhaps {PREFIX}{near[0]} was meant" if near else f"known are {', '.join(PREFIX + k for k in known)}"
            raise broken(name, f"there is no such setting; {hint}")
    return with_secrets(values)


def with_secrets(values: Mapping[str, str]) -> dict[str, str]:
    """The values with those that files hold.

    :raises BrokenSettings: where a file cannot be read, or a secret is set twice.
    """
    read = dict(values)
    for name in SECRETS:
        path = values.get(f"{name}_FILE")
        if path is None:
            continue
        try:
            secret = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            raise broken(f"{name}_FILE", f"{path} cannot be read; name a file that this process may read") from error
        if not secret:
            del read[f"{name}_FILE"]  # As an empty variable: the secret of a platform that is not set up.
            continue
        if name in values:
            raise broken(name, f"it is set twice, here and in {PREFIX}{name}_FILE; keep one")
        read[name] = secret
    return read
