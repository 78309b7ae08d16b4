"""The words with which a chat's digest is set up, the same in a chat and on the command line. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time
from zoneinfo import ZoneInfo, available_timezones

import pycountry
from babel.dates import get_day_names

from bot.digests import WEEKDAYS, Schedule, Subscription
from bot.search.fold import fold

_CLOCK = re.compile(r"([01]?\d|2[0-3])[:.h]([0-5]\d)")
_ALL = ("all", "alle", "off", "aus", "*", "-")
_ON, _OFF = ("on", "an", "ja", "yes"), ("off", "aus", "nein", "no")


class Unclear(Exception):
    """Words that cannot be understood: the key of the phrase that says so, and its values."""

    def __init__(self, key: str, **values: str) -> None:
        super().__init__(key)
        self.key, self.values = key, values


@dataclass(frozen=True, slots=True)
class Known:
    """What words may name: topics with their names, and languages with phrases."""

    topics: Mapping[str, Mapping[str, str]]
    languages: Sequence[str]


def schedule_of(words: Sequence[str], zone: str, language: str = "en") -> Schedule:
    """`daily 18:00`, `weekly mon 18:00`.

    :raises Unclear: for anything else.
    """
    if len(words) == 2 and words[0] == "daily":
        return Schedule("daily", clock_of(words[1]), zone)
    if len(words) == 3 and words[0] == "weekly":
        return Schedule("weekly", clock_of(words[2]), zone, weekday_of(words[1], language))
    raise Unclear("digest.how")


def changed(subscription: Subscription, words: Sequence[str], known: Known) -> Subscription:
    """The subscription after `topics …`, `countries …`, `language …`, `zone …`, `quiet …`, `silent …` or a new rhythm.

    :raises Unclear: for words that cannot be understood.
    """
    name, rest = words[0], " ".join(words[1:])
    listed = [part.strip() for part in rest.split(",") if part.strip()]
    match name:
        case "daily" | "weekly":
            return replace(subscription, schedule=schedule_of(words, subscription.schedule.zone, subscription.language))
        case "topics":
            return replace(subscription, topics=topics_of(listed, known))
        case "countries":
            return replace(subscription, countries=countries_of(listed))
        case "language":
            return replace(subscription, language=language_of(rest, known))
        case "zone":
            return replace(subscription, schedule=replace(subscription.schedule, zone=zone_of(rest)))
        case "quiet":
            return replace(subscription, quiet=quiet_of(rest))
        case "silent":
            return replace(subscription, silent=switch_of(rest))
    raise Unclear("digest.how")


def clock_of(word: str) -> time:
    """`18:00`, also `18.00` and `18h00`."""
    found = _CLOCK.fullmatch(word)
    if found is None:
        raise Unclear("digest.no-clock", word=word[:40])
    return time(int(found[1]), int(found[2]))


def weekday_of(word: str, language: str = "en") -> int:
    """0 for Monday; English or the chat's language, short or long."""
    folded = fold(word)
    for code in dict.fromkeys(("en", "de", language)):
        for width in ("wide", "abbreviated"):
            for number, name in get_day_names(width, locale=code).items():
                if folded and fold(name).startswith(folded) and len(folded) >= 2:
                    return int(number)
    if folded in WEEKDAYS:
        return WEEKDAYS.index(folded)
    raise Unclear("digest.no-day", word=word[:40])


def topics_of(listed: Sequence[str], known: Known) -> frozenset[str]:
    """By id or by name in any language; `all` for no filter."""
    if _is_all(listed):
        return frozenset()
    found = set()
    for word in listed:
        folded = fold(word)
        matching = {id for id, names in known.topics.items() if folded in (fold(id), *(fold(name) for name in names.values()))}
        if not matching:
            raise Unclear("digest.no-topic", word=word[:40], known=", ".join(known.topics))
        found |= matching
    return frozenset(found)


def countries_of(listed: Sequence[str]) -> frozenset[str]:
    """ISO 3166 codes; `all` for no filter."""
    if _is_all(listed):
        return frozenset()
    for word in listed:
        if pycountry.countries.get(alpha_2=word.upper()) is None:
            raise Unclear("digest.no-country", word=word[:40])
    return frozenset(word.upper() for word in listed)


def _is_all(listed: Sequence[str]) -> bool:
    return not listed or listed[0] in _ALL or fold(listed[0]) in _ALL


def language_of(word: str, known: Known) -> str:
    if word.casefold() not in known.languages:
        raise Unclear("digest.no-language", word=word[:40], known=", ".join(known.languages))
    return word.casefold()


def zone_of(word: str) -> str:
    """A time zone by its name, whatever its case."""
    names = {name.casefold(): name for name in available_timezones()}
    name = names.get(word.strip().replace(" ", "_").casefold())
    if name is None:
        raise Unclear("digest.no-zone", word=word[:40])
    return ZoneInfo(name).key


def quiet_of(word: str) -> tuple[time, time] | None:
    """`21:00-07:00`, or `off`."""
    if word.casefold() in _OFF:
        return None
    start, dash, end = word.replace("–", "-").replace(" ", "").partition("-")
    if not dash or clock_of(start) == clock_of(end):
        raise Unclear("digest.no-quiet", word=word[:40])
    return clock_of(start), clock_of(end)


def switch_of(word: str) -> bool:
    if word.casefold() not in (*_ON, *_OFF):
        raise Unclear("digest.no-switch", word=word[:40])
    return word.casefold() in _ON
