"""What a steward writes of a draft, `claim de: …`, to changes of its tree. Pure.

Names are those of the files, and what German stewards would call them. A line that names no field goes on with the last one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bot.intake.drafts import Kind

Tree = Any
LONGEST = 600
STATUSES = ("reported", "company-statement", "confirmed", "opinion", "disputed")
_TEXT, _WORD, _LIST, _DAY, _MANY = "text", "word", "list", "day", "many"
_FIELDS: Mapping[Kind, Mapping[str, str]] = {
    "item": {
        "title": _TEXT, "summary": _TEXT, "outlet": _WORD, "author": _WORD, "url": _WORD, "date": _DAY,
        "cites": _LIST, "country": _LIST, "topics": _LIST, "language": _WORD,
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
        "url": ("adresse", "link"), "date": ("datum",), "as_of": ("stand", "as of"), "cites": ("zitiert",),
        "country": ("land", "countries"), "topics": ("themen",), "topic": ("thema",), "claim": ("aussage", "behauptung"),
        "question": ("frage", "questions"), "asks": ("fragt",), "saw": ("gesehen",), "place": ("ort", "places"),
        "supersedes": ("ersetzt",), "object": ("objekt",), "aspect": ("aspekt",), "says": ("sagt",), "language": ("sprache",),
    }.items()
    for also in alsos
}  # fmt: skip
_LINE = re.compile(r"^\s*(-?)\s*([^\W\d][\w-]*(?: of)?)(?:\s+([a-z]{2}))?\s*:\s*(.*)$", re.IGNORECASE)
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


def entries_of(text: str, kind: Kind) -> tuple[Entry, ...]:
    """What the lines of a steward set.

    :raises Unclear: where a line belongs to no field, or a value cannot be.
    """
    found: list[Entry] = []
    for line in text.splitlines():
        match = _LINE.match(line)
        name = _name(match[2], kind) if match else None
        if match and name:
            found.append(Entry(name, (match[3] or "").lower(), match[4].strip(), bool(match[1])))
        elif line.strip() and found:
            last = found[-1]
            found[-1] = Entry(last.name, last.language, f"{last.value} {line.strip()}".strip(), last.removes)
        elif line.strip():
            raise Unclear("draft.no-field", word=line.strip()[:40], known=", ".join(_FIELDS[kind]))
    for entry in found:
        _check(entry, kind)
    return tuple(found)


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


def says_claim(text: str) -> bool:
    """Whether a claim itself is among the lines."""
    return any(match and _name(match[2], "fact") == "claim" for match in map(_LINE.match, text.splitlines()))


def apply(tree: Tree, row: Tree, kind: Kind, entries: tuple[Entry, ...]) -> None:
    """Do to a draft's tree, and the row in it, what was written."""
    for entry in entries:
        form = _form(entry, kind)
        key = _KEYS.get(entry.name, entry.name)
        if entry.name == "topic":
            _set_topic(tree, entry)
        elif entry.name == "supersedes":
            tree[key] = entry.value
        elif form == _TEXT:
            _inner(row, key, {})[entry.language] = entry.value
        elif form == _MANY:
            _variant(_inner(_inner(row, key, {}), entry.language, []), entry)
        elif form == _LIST:
            words = [word.strip() for word in entry.value.split(",") if word.strip()]
            row[key] = [word.upper() for word in words] if key in ("country", "place") else words
        elif form == _DAY:
            row[key] = _day(entry.value).isoformat()
        else:
            row[key] = entry.value or None


def _set_topic(tree: Tree, entry: Entry) -> None:
    if entry.language:
        _inner(tree, "name", {})[entry.language] = entry.value
    else:
        tree["topic"] = entry.value


def _inner(tree: Tree, key: str, empty: Any) -> Any:
    if not tree.get(key):
        tree[key] = empty
    return tree[key]


def _variant(variants: list[str], entry: Entry) -> None:
    if entry.removes:
        variants[:] = [variant for variant in variants if variant != entry.value]
    elif entry.value not in variants:
        variants.append(entry.value)


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


def _check(entry: Entry, kind: Kind) -> None:
    form = _form(entry, kind)
    if form in (_TEXT, _MANY) and not entry.language:
        raise Unclear("draft.no-language", field=entry.name)
    if len(entry.value) > (300 if form == _MANY else LONGEST):
        raise Unclear("draft.too-long", field=entry.name, most=str(300 if form == _MANY else LONGEST))
    if form == _DAY:
        _day(entry.value)
    if entry.name == "status" and entry.value not in STATUSES:
        raise Unclear("draft.no-status", word=entry.value[:40], known=", ".join(STATUSES))
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
