"""Dates as German, French and English pages write them. Pure: today is passed in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache

import dateparser
from babel.dates import get_month_names

LANGUAGES = ("de", "fr", "en")
EARLIEST = 1900
_MONTHS = sorted(
    {
        re.escape(name.rstrip("."))
        for locale in (*LANGUAGES, "de_AT")
        for width in ("wide", "abbreviated")
        for context in ("format", "stand-alone")
        for name in get_month_names(width, context=context, locale=locale).values()
    }
    | {"fevrier", "aout", "decembre", "Maerz", "Mrz", "Sep", "Sept"},
    key=len,
    reverse=True,
)
_MONTH = rf"(?i:{'|'.join(_MONTHS)})(?!\w)\.?"
DATE = (
    rf"(?<![\w/.-])(?:[0-9]{{1,2}}(?:\.|er|st|nd|rd|th)?\ ?(?:of\ )?{_MONTH},?\ [0-9]{{4}}"
    rf"|{_MONTH}\ [0-9]{{1,2}}(?:st|nd|rd|th)?,?\ [0-9]{{4}}|(?<![0-9]\ )(?<![0-9]\.\ ){_MONTH}\ [0-9]{{4}}"
    r"|[0-9]{1,2}\.\ ?[0-9]{1,2}\.\ ?(?:[0-9]{4}|[0-9]{2})|[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}|[0-9]{4}-[0-9]{2}-[0-9]{2})(?![\w/-])"
)
"""Pattern of what is written like a date, whether or not there is such a day; blanks are single spaces."""


@dataclass(frozen=True, slots=True)
class Dated:
    """The day that was meant, or None and the doubt."""

    day: date | None
    doubt: str = ""


def read_date(text: str, today: date) -> Dated:
    """What a text that matches DATE means; no day where it can be read in two ways, does not exist or is still to come."""
    if slashes := re.fullmatch(r"([0-9]{1,2})/([0-9]{1,2})/[0-9]{4}", text):
        first, second = map(int, slashes.groups())
        if first <= 12 and second <= 12 and first != second:
            return Dated(None, f"the date “{text}” can be read in two ways")
        # An English page may put the month first; the day is then the number that no month has.
        text = text if first > 12 or first == second else f"{second}/{first}/{text[-4:]}"
    if re.fullmatch(r"[0-9]{1,2}\.\ ?[0-9]{1,2}\.\ ?[0-9]{2}", text):
        return Dated(None, f"the date “{text}” has a year of two digits")
    day = _parsed(text)
    if day is None:
        return Dated(None, f"there is no such day, or a part of it is missing: “{text}”")
    if day > today:
        return Dated(None, f"the date “{text}” is still to come")
    return Dated(day) if day.year >= EARLIEST else Dated(None, f"the date “{text}” is too long ago")


@lru_cache(maxsize=1024)
def _parsed(text: str) -> date | None:
    settings = {
        "STRICT_PARSING": True,
        "DATE_ORDER": "DMY",
        "PREFER_LOCALE_DATE_ORDER": False,
        "PARSERS": ["absolute-time"],
        "TIMEZONE": "UTC",
        # Given only so that the library never asks the clock.
        "RELATIVE_BASE": datetime.combine(date(2000, 1, 1), time()),
    }
    if re.fullmatch(r"[0-9]{4}-[0-9][0-9]-[0-9]{2}", text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return None
    found = dateparser.parse(text, languages=list(LANGUAGES), settings=settings)
    return found.date() if found else None
