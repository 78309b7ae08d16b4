"""The bot accounts of an installation: the one of the environment's settings, or all of one file. YAML, name to fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from bot import yaml_lines
from bot.config import OWN, Settings, settings_of
from bot.environment import PREFIX, BrokenSettings, with_secrets
from bot.yaml_lines import BrokenYaml, Document

FIELDS = tuple(name.lower() for name in (*OWN, "TELEGRAM_API_URL"))
_NAME = re.compile(r"[a-z0-9-]{1,40}")


def accounts_of(settings: Settings) -> tuple[Settings, ...]:
    """The settings of each account; the first looks after the dossier that all share.

    :raises BrokenSettings: where the file has a mistake; the message names file, line, account, field and remedy.
    """
    if settings.accounts is None:
        return (settings,)
    if settings.database_url.startswith("sqlite"):
        problem = "several accounts need PostgreSQL; set RUECKSPIEGEL_DATABASE to postgresql+psycopg://USER:PASSWORD@HOST/NAME"
        raise BrokenSettings(f"{PREFIX}ACCOUNTS: {problem}")
    document = _read(settings)
    found = tuple(_account(settings, document, name, told) for name, told in document.tree.items())
    taken: dict[str, str] = {}
    for one in found:
        for identity in one.identities.values():
            if other := taken.get(identity):
                problem = f"its {identity.partition(':')[0]} account is that of {other} too; give each its own"
                raise _broken(settings, document, (one.name,), problem)
            taken[identity] = one.name
    _check_stewards(settings, document, found)
    # What one steward may publish alone in one account goes to the channels of all.
    return tuple(replace(one, two_stewards=any(other.two_stewards for other in found)) for one in found)


def _check_stewards(settings: Settings, document: Document, accounts: Sequence[Settings]) -> None:
    """Two reviewers are two people, whichever account they write to: a pseudonym is one person's, and a person has one."""
    names: dict[str, str] = {}
    people: dict[str, str] = {}
    for one in accounts:
        for person, name in one.stewards.items():
            if names.setdefault(name, person) != person or people.setdefault(person, name) != name:
                problem = f"{name} is somebody else in another account; give each person one name, the same in all accounts"
                raise _broken(settings, document, (one.name, "stewards"), problem)


def _read(settings: Settings) -> Document:
    try:
        document = yaml_lines.read(settings.accounts)  # type: ignore[arg-type]
    except OSError as error:
        problem = f"{settings.accounts} cannot be read; name a file that this process may read"
        raise BrokenSettings(f"{PREFIX}ACCOUNTS: {problem}") from error
    except BrokenYaml as error:
        remedy = "put what begins with @ or holds a colon and a space into quotes"
        raise BrokenSettings(f"{settings.accounts}:{error.line}: {error.problem}; {remedy}") from error
    if not isinstance(document.tree, dict) or not document.tree:
        raise _broken(settings, document, (), "it names no account; write a name, a colon, and indented below it the fields")
    for path, line in document.doubled:
        raise BrokenSettings(f"{settings.accounts}:{line}: {': '.join(map(str, path))}: it stands there twice; keep one")
    return document


def _account(shared: Settings, document: Document, name: str, told: Any) -> Settings:
    if not _NAME.fullmatch(name):
        raise _broken(shared, document, (name,), "that is no name; write 1 to 40 of a-z, 0-9 and -")
    if not isinstance(told, dict):
        raise _broken(shared, document, (name,), f"it has no fields; write at least contact and one of {', '.join(FIELDS[:3])}")
    for field, value in told.items():
        _check_field(shared, document, (name, field), value)
    values = {field.upper(): _text(value) for field, value in told.items()}
    try:
        own = settings_of({"TELEGRAM_API_URL": shared.telegram_api_url, **with_secrets(values)})
    except BrokenSettings as error:
        # The same rules as in the environment, said in the file's own names.
        said = re.sub(PREFIX + r"\w+", lambda found: found[0].removeprefix(PREFIX).lower(), str(error))
        field, _, problem = said.partition(": ")
        raise _broken(shared, document, (name, field), problem) from error
    if not own.identities:
        raise _broken(shared, document, (name,), "no platform is set up; write telegram_token, or the three fields of Matrix")
    if not own.contact:
        raise _broken(shared, document, (name,), "contact is missing; write whom a worker can turn to, such as an address")
    return replace(shared, name=name, **{field: getattr(own, field) for field in FIELDS if not field.endswith("_file")})


def _check_field(shared: Settings, document: Document, path: tuple[str, str], value: Any) -> None:
    if path[1] not in FIELDS:
        near = get_close_matches(path[1], FIELDS, n=1)
        hint = f"perhaps {near[0]} was meant" if near else f"known are {', '.join(FIELDS)}"
        raise _broken(shared, document, path, f"there is no such field; {hint}")
    if value is None or isinstance(value, Mapping):
        raise _broken(shared, document, path, "it has no value; write one, or leave the field out")


def _text(value: Any) -> str:
    """As it would stand in the environment: YAML reads `yes` as a truth and may give a list."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value).strip()


def _broken(settings: Settings, document: Document, path: tuple[str, ...], problem: str) -> BrokenSettings:
    return BrokenSettings(": ".join((f"{settings.accounts}:{document.line(path)}", *path, problem)))
