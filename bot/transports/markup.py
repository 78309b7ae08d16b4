"""A reply as Telegram takes it: plain text with entities, split to size. Never a parse mode, so content cannot inject. Pure.

Telegram counts entity offsets in UTF-16 units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import regex

from bot.limits import LONGEST_BYTES, LONGEST_UNITS, MOST_MARKS, is_marked, link, units
from bot.messages import Span
from bot.unseen import clean

_STYLES = {"bold": "bold", "italic": "italic"}


@dataclass(frozen=True, slots=True)
class Entity:
    """A stretch of a text, offset and length in UTF-16 units. `url` where its kind is text_link."""

    kind: str
    offset: int
    length: int
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One message's worth of a reply."""

    text: str
    entities: tuple[Entity, ...] = ()


def parts(spans: Sequence[Span]) -> list[Part]:
    """The spans as messages of allowed size, cut at paragraph ends where there are some; none for blank text."""
    runs = [(clean(span.text), span) for span in spans]
    text = "".join(run for run, _ in runs)
    marks: list[tuple[int, int, Span]] = []
    position = 0
    for run, span in runs:
        if run.strip() and is_marked(span):
            marks.append((position, position + len(run), span))
        position += len(run)
    return [_part(text, start, end, marks) for start, end in _cuts(text, marks)]


def _cuts(text: str, marks: Sequence[tuple[int, int, Span]]) -> list[tuple[int, int]]:
    cuts = []
    start = 0
    while start < len(text):
        end = _longest(text, start, marks)
        if end < len(text):
            end = _break(text, start, end)
        trimmed = text[start:end]
        first, last = start + len(trimmed) - len(trimmed.lstrip()), start + len(trimmed.rstrip())
        if first < last:
            cuts.append((first, last))
        start = end
    return cuts


def _longest(text: str, start: int, marks: Sequence[tuple[int, int, Span]]) -> int:
    """The furthest end that keeps within units, bytes and marks."""
    size = raw = 0
    starts = [begin for begin, end, _ in marks if end > start]
    # The mark after the last allowed one must begin in the next message.
    stop = starts[MOST_MARKS] if len(starts) > MOST_MARKS else len(text)
    if stop - start <= LONGEST_UNITS // 2:
        return stop
    for position in range(start, stop):
        character = text[position]
        size += 2 if character > "\uffff" else 1
        raw += len(character.encode())
        if size > LONGEST_UNITS or raw > LONGEST_BYTES:
            return position
    return stop


def _break(text: str, start: int, end: int) -> int:
    """The last end of a paragraph, line, sentence or word in the second half, else the very end."""
    half = start + (end - start) // 2
    for mark in ("\n\n", "\n", ". ", " "):
        found = text.rfind(mark, half, end)
        if found > start:
            return found + len(mark)
    # Else between two characters as a reader sees them: an emoji of several parts stays whole.
    ends = (start + found.end() for found in regex.finditer(r"\X", text[start : end + 1]))
    return max((at for at in ends if at <= end), default=end)


def _part(text: str, start: int, end: int, marks: Sequence[tuple[int, int, Span]]) -> Part:
    entities = []
    for begin, finish, span in marks:
        first, last = max(begin, start), min(finish, end)
        # Telegram trims entities to what is seen; one of blanks alone it refuses.
        while first < last and text[first].isspace():
            first += 1
        while last > first and text[last - 1].isspace():
            last -= 1
        if first >= last:
            continue
        offset, length = units(text[start:first]), units(text[first:last])
        if span.style != "plain":
            entities.append(Entity(_STYLES[span.style], offset, length))
        if url := link(span):
            entities.append(Entity("text_link", offset, length, url))
    return Part(text[start:end], tuple(entities))
