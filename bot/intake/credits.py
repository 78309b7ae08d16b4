"""Credit lines: who wrote what, when and where, in German, French and English. Pure.

"Beitrag „T“ von A am 1. September 2020 bei O", "article de A du 1er septembre 2020 dans O", "by A, 20 July 2023, O".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

import regex

from bot.intake.dates import DATE, read_date
from bot.intake.lines import MARK, plain

_S = rf"[\s{MARK}]{{1,3}}"
_QUOTED = r"(?:„[^„“”]{3,300}[“”]|“[^“”]{3,300}”|«[^«»]{3,300}»|\"[^\"]{3,300}\")"
_KIND = (
    r"\b(?:\p{L}{0,30}(?i:beitrag|artikel|bericht)|Pressemitteilung|Interview|Kommentar|Meldung|Reportage|Analyse|Recherche|"
    r"(?i:article|billet|enquête|entretien|tribune|dépêche|reportage|report|story|piece|post|analysis|investigation))\b"
)
_PARTICLE = r"(?:von|van|de|del|della|der|den|du|di|da|la|le|bin|ibn|al|zu)"
_WORD = r"\p{Lu}[\p{L}'’.-]{0,40}+"
_PERSON = rf"{_WORD}(?:\ (?:{_PARTICLE}\ ){{0,2}}{_WORD}){{0,4}}"
_PERSONS = rf"{_PERSON}(?:(?:,\ |\ (?:und|and|et|&)\ ){_PERSON}){{0,4}}"
_BY = r"\b(?:(?i:von|by|par|de|of)\ |[dD]['’])"
_AUTHOR = rf"{_BY}{MARK}?(?P<author>{_PERSONS})"
_ANYBODY = rf"{_BY}(?P<author>[^0-9{MARK},;]{{2,60}}?)(?=\ (?:vom|am|on|du|le)\ {DATE})"
_LEAD = rf"(?P<lead>{_KIND}(?:{_S}(?P<title>{_QUOTED}))?|(?P<title>{_QUOTED})),?{_S}"
_ON = (
    rf"(?:{_S}|,\ |\ \()"
    r"(?:(?:ebenfalls|auch|erschienen|veröffentlicht|également|publiée?|parue?|also|published|dated)\ ){0,2}"
    rf"(?:(?:vom|am|on|from|of|du|le|datant\ du|en\ date\ du)\ )?(?P<date>{DATE})"
)
_AT = (
    r"(?:(?:in|auf|bei)\ (?:der|dem)|beim|im|in|bei|auf|für|dans|sur|chez|pour|at|on|for)\ "
    r"(?:(?:the|le|la|les|der|die|das)\ |l['’])?"
)
_PART = rf"[^\s{MARK},;:()„“”«»\"]{{0,60}}"
_FIRST = rf"(?!{DATE})[\p{{L}}\p{{N}}]{_PART}"
_IN = rf"(?:,?{_S}{_AT}|,\ )(?P<outlet>{_FIRST})"
_IN_BEFORE_ON = rf"(?:,?{_S}{_AT}|,\ |\ \()(?P<outlet>{_FIRST}(?:(?<![.!?…])\ {_FIRST}){{0,5}}?)(?P<closed>){MARK}?{_ON}"
_CREDIT = regex.compile(
    rf"(?:{_LEAD})?{_AUTHOR}(?:{_ON}{_IN}|{_IN_BEFORE_ON})"
    rf"|{_LEAD}(?:{_AUTHOR}|{_ANYBODY}){_ON}(?:{_IN})?"
    rf"|(?P<lead>{_KIND}{_S}(?:(?P<title>{_QUOTED}){_S})?){_AUTHOR}{_IN}"
    rf"|(?P<lead>{_KIND}){_ON}{_IN}"
)
_ENDS = regex.compile(rf"\s*(?:$|[.,;:!?)\]–…]|{MARK})")
_GROWS = regex.compile(rf"\ (?:(?:de|du|des|la|le|les|the|of|for|für|der|am|à|&)\ )?[\p{{Lu}}\p{{N}}]{_PART}")
_ANCHOR = regex.compile(rf"(?P<date>{DATE})|{_KIND}")
MOST, TRIED = 500, 5_000
"""Credits on one page, and places where there may be one; more are no dossier."""
_BACK, _AHEAD = 450, 450
"""Characters around a date or a word such as "Beitrag" in which its credit line is looked for."""


@dataclass(frozen=True, slots=True)
class Credit:
    """A credit line from `start` to `end` of its text; what it does not say is empty, what is doubtful about it is said."""

    start: int
    end: int
    title: str
    author: str
    day: date | None
    outlet: str
    doubts: tuple[str, ...]

    def moved(self, by: int) -> Credit:
        """The same with `by` characters of text put before."""
        return replace(self, start=self.start + by, end=self.end + by)


def anchors_in(text: str) -> list[tuple[int, int]]:
    """Where credit lines can be: from where to where one is to be looked for."""
    return [
        (anchor.start() - (_BACK if anchor["date"] else 0), anchor.end() + _AHEAD)
        for anchor in islice(_ANCHOR.finditer(text), TRIED + 1)
    ]


def credits_in(text: str, anchors: Iterable[tuple[int, int]], known_outlets: Collection[str], today: date) -> Iterator[Credit]:
    """The credit lines of an entry's text (marks of links in it)."""
    position = 0
    for start, end in anchors:
        found = _CREDIT.search(text, max(position, start, 0), end) if end - _AHEAD > position else None
        if found and (credit := _credit(text, found, known_outlets, today)) is not None:
            yield credit
            position = credit.end


def _credit(text: str, found: regex.Match[str], known_outlets: Collection[str], today: date) -> Credit | None:
    author, outlet = plain(found["author"] or ""), _outlet(text, found, known_outlets)
    # Else any sentence that names somebody and a place, or a day, would be a credit line.
    if not outlet.is_named and not (found["date"] and (found["lead"] or outlet.is_ended)):
        return None
    doubts, day = [], None
    if found["date"]:
        dated = read_date(found["date"], today)
        day = dated.day
        doubts.append(dated.doubt)
    else:
        doubts.append("the credit line names no date")
    if not found["lead"] and not outlet.is_named:
        doubts.append("only a name and a date make this look like a credit line")
    if not author:
        doubts.append("the credit line names no author")
    elif not regex.fullmatch(_PERSONS, author):
        doubts.append(f"the author “{author}” does not look like a name")
    if not outlet.name:
        doubts.append("the credit line names no outlet")
    elif not outlet.is_ended:
        doubts.append(f"where the outlet's name ends is a guess: “{outlet.name}”")
    title = plain(found["title"] or "")[1:-1].strip()
    return Credit(found.start(), max(found.end(), outlet.end), title, author, day, outlet.name, tuple(filter(None, doubts)))


@dataclass(frozen=True, slots=True)
class _Outlet:
    name: str
    end: int
    is_named: bool
    """Known, or a link."""
    is_ended: bool
    """Nothing follows that might belong to the name."""


def _outlet(text: str, found: regex.Match[str], known: Collection[str]) -> _Outlet:
    start, end = found.span("outlet")
    if start < 0:
        return _Outlet("", found.end(), False, False)
    rest = text[start : start + 120]
    if found["closed"] is not None:
        name = found["outlet"]
        return _Outlet(name, end, text[end : end + 1] == MARK or name.casefold() in map(str.casefold, known), True)
    for name in sorted(known, key=len, reverse=True):
        if rest.casefold().startswith(name.casefold()) and not rest[len(name) : len(name) + 1].isalnum():
            return _Outlet(rest[: len(name)], start + len(name), True, True)
    linked = rest.partition(MARK)[0] if MARK in rest else ""
    if linked and len(linked.split()) <= 5 and not regex.search(r"[.,;:!?](?:\s|$)|[()„“«»]|\ (?:und|and|et)\ ", linked):
        return _Outlet(linked, start + len(linked), True, True)
    while text[end - 1] not in ".!?…" and (grown := _GROWS.match(text, end, end + 80)):
        end = grown.end()
    name = text[start:end].rstrip(".!?…”’'")
    return _Outlet(name, start + len(name), False, _ENDS.match(text, start + len(name)) is not None)
