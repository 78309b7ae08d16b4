"""What a steward writes of a draft, `claim de: …`, to changes of its tree. Pure.

Names are those of the files, and what German stewards would call them. A line that looks like no field goes on with the last
one; a field without a value is emptied.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any

from bot.facts import DOSSIER
from bot.intake.shapes import Kind

Tree = Any
LONGEST = 600
STATUSES = ("reported", "company-statement", "confirmed", "opinion", "disputed")
_TEXT, _WORD, _LIST, _DAY, _MANY = "text", "word", "list", "day", "many"
_FIELDS: Mapping[Kind, Mapping[str, str]] = {
    "item": {
        "title": _TEXT, "summary": _TEXT, "outlet": _WORD, "author": _WORD, "url": _WORD, "date": _DAY,
        "cites": _LIST, "country": _LIST, "topics": _LIST, "language": _WORD, "collected": _WORD,
    },
    "fact": {
        "claim": _TEXT, "asks": _TEXT, "saw": _TEXT, "question": _MANY, "near-miss": _MANY, "status": _WORD, "object": _WORD,
        "aspect": _WORD, "item": _WORD, "topic": _WORD, "place": _LIST, "as_of": _DAY, "supersedes": _WORD,
    },
    "unknown": {
        "says": _TEXT, "question": _MANY, "nearest": _LIST, "object": _WORD, "aspect": _WORD, "topic": _WORD,
    },
}  # fmt: skip
_ALSO = {
    also: name
    for name, alsos in {
        "title": ("titel",), "summary": ("zusammenfassung",), "outlet": ("medium", "quelle"), "author": ("autor", "autorin"),
        "url": ("adresse", "link"), "date": ("datum",), "as_of": ("stand", "as of", "as-of"), "cites": ("zitiert",),
        "country": ("land", "countries"), "topics": ("themen",), "topic": ("thema",), "claim": ("aussage", "behauptung"),
        "question": ("frage", "questions"), "near-miss": ("near_miss", "near-misses", "near_misses"),
        "asks": ("fragt",), "saw": ("gesehen",), "place": ("ort", "places"),
        "supersedes": ("ersetzt",), "object": ("objekt",), "aspect": ("aspekt",), "says": ("sagt",), "language": ("sprache",),
        "collected": ("gesammelt",),
    }.items()
    for also in alsos
}  # fmt: skip
_LINE = re.compile(r"^\s*(-?)\s*([^\W\d][\w-]*(?: of)?)(?:\s+([a-z]+))?\s*:(?!//)\s*(.*)$", re.IGNORECASE)
_KEYS = {"question": "questions", "near-miss": "near_misses"}


class Unclear(Exception):
    """What a steward wrote cannot be taken: the key of the phrase that says why, and its values."""

    def __init__(self, key: str, **values: str) -> None:
        super().__init__(key)
        self.key, self.values = key, values


@dataclass(frozen=True, slots=True)
class Entry:
    """One field as written; `removes` where a minus stands before a question."""

    name: str
    language: str
    value: str
    removes: bool = False


def entries_of(text: str, kind: Kind, languages: Collection[str]) -> tuple[Entry, ...]:
    """What the lines of a steward set; `languages` are those that there are.

    :raises Unclear: where a line belongs to no field, or a value cannot be.
    """
    found: list[Entry] = []
    for line in text.splitlines():
        match = _LINE.match(line)
        name = _name(match[2], kind) if match else None
        if match and name:
            found.append(Entry(name, (match[3] or "").lower(), match[4].strip(), bool(match[1])))
        elif match and len(match[3] or "") in (0, 2):
            raise Unclear("draft.no-field", word=line.strip()[:40], known=_nearest(match[2], kind))
        elif line.strip() and found:
            last = found[-1]
            found[-1] = replace(last, value=f"{last.value} {line.strip()}".strip())
        elif line.strip():
            raise Unclear("draft.no-field", word=line.strip()[:40], known=", ".join(_FIELDS[kind]))
    for entry in found:
        _check(entry, kind, languages)
    return tuple(found)


def _nearest(word: str, kind: Kind) -> str:
    """The field that a mistyped word was to be, or all that there are."""
    names = {*_ALSO, *_FIELDS["item"], *_FIELDS["fact"], *_FIELDS[kind]}
    near = get_close_matches(word.casefold(), sorted(names), n=1)
    return _ALSO.get(near[0], near[0]) if near else ", ".join(_FIELDS[kind])


def split(text: str) -> tuple[str, str]:
    """What is written of a publication: the lines of its own fields, and those of a claim that rests on it."""
    own: list[str] = []
    of_claim: list[str] = []
    lines = own
    for line in text.splitlines():
        match = _LINE.match(line)
        if match:
            # A topic is the claim's once a claim is begun, and the publication's before.
            is_topic = match[2].casefold() in ("topic", "thema") and (match[3] or of_claim)
            mine = _name(match[2], "item") is not None and not is_topic
            lines = own if mine or _name(match[2], "fact") is None else of_claim
        lines.append(line)
    return "\n".join(own), "\n".join(of_claim)


def names_field(text: str) -> bool:
    """Whether what somebody writes begins like lines of a draft."""
    match = _LINE.match(text.strip().split("\n", 1)[0])
    return match is not None and any(_name(match[2], kind) for kind in _FIELDS)


def says_claim(text: str) -> bool:
    """Whether a claim itself is among the lines."""
    return any(match and _name(match[2], "fact") == "claim" for match in map(_LINE.match, text.splitlines()))


def apply(tree: Tree, row: Tree, kind: Kind, entries: tuple[Entry, ...]) -> None:
    """Do to a draft's tree, and the row in it, what was written."""
    for entry in entries:
        form = _form(entry, kind)
        key = "name" if entry.name == "topic" and entry.language else _KEYS.get(entry.name, entry.name)
        owner = tree if entry.name in ("topic", "supersedes") else row
        if form == _TEXT:
            _by_language(owner, key, entry.language, "" if entry.removes else entry.value)
        elif form == _MANY:
            _by_language(owner, key, entry.language, _variants((owner.get(key) or {}).get(entry.language) or [], entry))
        elif form == _LIST:
            words = [word.strip() for word in entry.value.split(",") if word.strip()]
            owner[key] = [word.upper() for word in words] if key in ("country", "place") else words
        elif form == _DAY:
            owner[key] = _day(entry.value).isoformat() if entry.value else None
        else:
            owner[key] = entry.value or None


def _by_language(tree: Tree, key: str, language: str, value: Any) -> None:
    """Set it in one language; what is empty is there no more."""
    texts = {**(tree.get(key) or {}), language: value}
    tree[key] = {language: text for language, text in texts.items() if text}
    if not tree[key]:
        del tree[key]


def _variants(there: list[str], entry: Entry) -> list[str]:
    """The variants after one came or went; none where nothing is named."""
    if not entry.value:
        return []
    others = [variant for variant in there if variant != entry.value]
    return others if entry.removes else there if entry.value in there else [*there, entry.value]


def _name(word: str, kind: Kind) -> str | None:
    name = word.casefold()
    name = _ALSO.get(name, name)
    if name in ("topic", "topics"):
        name = "topics" if kind == "item" else "topic"
    if name in ("date", "as_of"):
        name = "date" if kind == "item" else "as_of"
    if name in ("country", "place"):
        name = "country" if kind == "item" else "place"
    return name if name in _FIELDS[kind] else None


def _form(entry: Entry, kind: Kind) -> str:
    return _TEXT if entry.name == "topic" and entry.language else _FIELDS[kind][entry.name]


def _check(entry: Entry, kind: Kind, languages: Collection[str]) -> None:
    form = _form(entry, kind)
    if form in (_TEXT, _MANY) and not entry.language:
        raise Unclear("draft.no-language", field=entry.name)
    if entry.language and entry.language not in languages:
        raise Unclear("draft.unknown-language", word=entry.language[:40], known=", ".join(sorted(languages)))
    if len(entry.value) > (300 if form == _MANY else LONGEST):
        raise Unclear("draft.too-long", field=entry.name, most=str(300 if form == _MANY else LONGEST))
    if not entry.value:
        return
    if form == _DAY:
        _day(entry.value)
    if entry.name == "url" and not re.match(r"https?://\S+$", entry.value):
        raise Unclear("draft.no-address", word=entry.value[:80])
    if entry.name == "status" and entry.value not in STATUSES:
        raise Unclear("draft.no-status", word=entry.value[:40], known=", ".join(STATUSES))
    if entry.name == "collected" and entry.value != DOSSIER:
        raise Unclear("draft.no-collector", word=entry.value[:40], known=DOSSIER)
    ids = entry.name in ("object", "aspect", "item", "supersedes") or (entry.name == "topic" and not entry.language)
    if ids and not re.fullmatch(r"[a-z0-9-]{3,40}", entry.value):
        raise Unclear("draft.no-id", field=entry.name, word=entry.value[:40])


def _day(text: str) -> date:
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y"):
        try:
            return datetime.strptime(text.strip(), form).date()
        except ValueError:
            continue
    raise Unclear("draft.no-day", word=text[:40])
