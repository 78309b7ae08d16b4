"""An evidence sheet as a PDF, set by typst. What the sheet says reaches the template as data and never as markup."""

from __future__ import annotations

import importlib.resources
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time

from bot.sheet import Sheet
from bot.unseen import clean


class NoTypesetting(Exception):
    """typst is not installed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Printed:
    """A PDF and how many pages it has."""

    pdf: bytes
    pages: int


def template() -> bytes:
    """The source that typst sets a sheet by."""
    return (importlib.resources.files("bot") / "sheet.typ").read_bytes()


def inputs(sheet: Sheet) -> dict[str, str]:
    """What the template gets of a sheet."""
    return {"sheet": json.dumps(_clean(asdict(sheet) | {"day": sheet.day.isoformat()}))}


def printed(sheet: Sheet) -> Printed:
    """On one page of A4 as long as that stays readable, else on more.

    :raises NoTypesetting: where typst is not installed.
    """
    try:
        import typst
    except ImportError as error:
        raise NoTypesetting("a PDF needs typst; install it with `pip install 'rueckspiegel[pdf]'`") from error
    source, given = template(), inputs(sheet)
    # Without a time of its own typst writes down this machine's, with its zone.
    noon = datetime.combine(sheet.day, time(12), UTC)
    pdf = typst.compile(source, sys_inputs=given, timestamp=noon)
    pages = json.loads(typst.query(source, "<pages>", field="value", one=True, sys_inputs=given))
    return Printed(pdf, int(pages))


def _clean(value: object) -> object:
    """Without characters that are not seen or turn directions, in every text."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {key: _clean(part) for key, part in value.items()}
    return [_clean(part) for part in value] if isinstance(value, list | tuple) else value
