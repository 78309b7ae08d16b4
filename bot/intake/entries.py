"""The lines of a page as entries: each list item or paragraph with what belongs to it and what it stands under. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date

import regex

from bot.intake.credits import MOST, TRIED, Credit, anchors_in, credits_in
from bot.intake.found import NotTaken
from bot.intake.lines import Line, plain

_SEE_ALSO = regex.compile(r"\b(?:siehe|voir|see)(?: \w+)? (?:auch|aussi|also)\s*:$", regex.IGNORECASE)
_NOTHING = regex.compile(r"[\s\p{P}\ufffc]*")
_TAIL = 40
"""Characters behind a credit line that are still no text of their own."""


@dataclass(eq=False, slots=True)
class Entry:
    """An item of a list with its own lines, or a paragraph outside of lists; `parent` is what it stands under."""

    lines: list[Line]
    depth: int
    parent: Entry | None = None
    credits: list[Credit] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)

    @property
    def urls(self) -> tuple[str | None, ...]:
        return tuple(url for line in self.lines for url in line.urls)


def entries_of(lines: Sequence[Line], known_outlets: Collection[str], today: date) -> list[Entry]:
    """The page's entries with their credit lines. Raises NotTaken for more of these than a dossier has."""
    entries = _grouped(lines)
    anchors = total = 0
    for entry in entries:
        places = anchors_in(entry.text)
        anchors += len(places)
        if anchors <= TRIED:
            entry.credits = list(credits_in(entry.text, places, known_outlets, today))
            total += len(entry.credits)
        if total > MOST or anchors > TRIED:
            raise NotTaken(f"the page has more dates or credit lines than a dossier ({MOST})", "import it in parts")
    _see_also(entries)
    return _with_text_before(entries)


def _grouped(lines: Sequence[Line]) -> list[Entry]:
    entries: list[Entry] = []
    open_items: list[Entry] = []
    for line in lines:
        while open_items and open_items[-1].depth >= line.depth + (not line.opens):
            open_items.pop()
        if line.depth == 0:
            continues = not line.opens and not line.heading and entries and entries[-1].depth == 0
            last = entries[-1] if continues and not entries[-1].lines[-1].heading else None
        else:
            last = None if line.opens or not open_items else open_items[-1]
        if last is not None:
            last.lines.append(line)
            continue
        entry = Entry([line], line.depth, open_items[-1] if open_items and line.depth else None)
        entries.append(entry)
        if line.depth:
            open_items.append(entry)
    return entries


def _see_also(entries: Sequence[Entry]) -> None:
    """What follows in a nested list on "siehe auch:" stands under the entry that says so."""
    leaders: dict[Entry, Entry] = {}
    for entry in entries:
        if entry.parent is None:
            continue
        heading = entry.parent
        if heading in leaders and not heading.credits:
            entry.parent = leaders[heading]
        elif entry.credits and _SEE_ALSO.search(plain(entry.text).strip()):
            leaders[heading] = entry


def _with_text_before(entries: Sequence[Entry]) -> list[Entry]:
    """Paragraphs outside of lists joined to the credit line that stands alone behind them, back to their heading."""
    made: list[Entry] = []
    for entry in entries:
        if entry.depth == 0 and entry.credits and _is_bare(entry):
            before = _before(made)
            entry.lines = [line for earlier in before for line in earlier.lines] + entry.lines
            del made[len(made) - len(before) :]
            moved = sum(len(line.text) + 1 for earlier in before for line in earlier.lines)
            entry.credits = [credit.moved(moved) for credit in entry.credits]
        made.append(entry)
    return made


def _is_bare(entry: Entry) -> bool:
    text, first, last = entry.text, entry.credits[0], entry.credits[-1]
    return _NOTHING.fullmatch(text[: first.start]) is not None and len(text) - last.end <= _TAIL


def _before(made: Sequence[Entry]) -> Sequence[Entry]:
    """The uncredited paragraphs at the end, from their heading on; without one only the last of them."""
    for count in range(1, len(made) + 1):
        entry = made[-count]
        if entry.depth or entry.credits:
            break
        if entry.lines[0].heading:
            return made[-count:]
    last = made[-1:]
    return last if last and not last[0].depth and not last[0].credits else []
