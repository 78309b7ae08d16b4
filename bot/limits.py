"""How much one message holds on the platforms, and how much of that a text takes. Pure.

Telegram counts in UTF-16 units; 4096 of those are surely no more than its 4096 code points. Matrix takes 64 KiB an event,
of which the body gets half.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import regex

from bot.messages import Span
from bot.spoofing import safe_url
from bot.unseen import clean

LONGEST_UNITS = 4096
LONGEST_BYTES = 32 * 1024
MOST_MARKS = 50
"""Spans with a mark in one message; each may be two entities, a style and a link, and Telegram drops what is over 100."""


@dataclass(frozen=True, slots=True)
class Size:
    """UTF-16 units, bytes of UTF-8, and spans with a mark. The size of a whole is the sum of its parts'."""

    units: int
    bytes: int
    marks: int

    def __add__(self, other: Size) -> Size:
        return Size(self.units + other.units, self.bytes + other.bytes, self.marks + other.marks)

    def __sub__(self, other: Size) -> Size:
        return Size(self.units - other.units, self.bytes - other.bytes, self.marks - other.marks)

    def within(self, room: Size) -> bool:
        return self.units <= room.units and self.bytes <= room.bytes and self.marks <= room.marks


MESSAGE = Size(LONGEST_UNITS, LONGEST_BYTES, MOST_MARKS)


def size_of(spans: Iterable[Span]) -> Size:
    """What the spans take of a message."""
    texts = [(clean(span.text), span) for span in spans]
    marked = sum(bool(text.strip()) and is_marked(span) for text, span in texts)
    whole = "".join(text for text, _ in texts)
    return Size(units(whole), len(whole.encode()), marked)


def is_marked(span: Span) -> bool:
    """Whether a span has a style or a link that may be shown."""
    return span.style != "plain" or link(span) is not None


def fitted(spans: Sequence[Span], room: Size) -> tuple[Span, ...]:
    """The spans, the longest of them shortened until all together fit."""
    made = list(spans)
    for number in sorted(range(len(made)), key=lambda n: len(made[n].text), reverse=True):
        if size_of(made).within(room):
            break
        whole, low, high = made[number], 0, len(made[number].text)
        while low < high:
            middle = (low + high + 1) // 2
            made[number] = replace(whole, text=shortened(whole.text, middle))
            low, high = (middle, high) if size_of(made).within(room) else (low, middle - 1)
        made[number] = replace(whole, text=shortened(whole.text, low))
    return tuple(made)


def shortened(text: str, longest: int) -> str:
    """The beginning of a text, up to a word's end where there is one, and an ellipsis."""
    if len(text) <= longest:
        return text
    end = max(text.rfind(mark, longest // 2, longest) for mark in (" ", "\n"))
    if end < 0:
        # Else between two characters as a reader sees them: an emoji of several parts stays whole.
        start = max(0, longest - 100)
        ends = (start + found.end() for found in regex.finditer(r"\X", text[start : longest + 1]))
        end = max((at for at in ends if at <= longest), default=longest)
    return text[:end].rstrip() + " …"


def units(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text) + sum(c > "\uffff" for c in text)


def link(span: Span) -> str | None:
    """The span's address where it may be shown."""
    return safe_url(span.url) if span.url else None
