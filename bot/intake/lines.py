"""A line of a page, and what a reader sees of a text. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from bot.intake.found import NotTaken
from bot.unseen import clean

MARK = "\ufffc"
"""Stands in a line's text behind each thing that carries a link."""
MOST_LINES = 20_000
_JOINERS = dict.fromkeys(map(ord, "\u200c\u200d\ufe0e\ufe0f"))


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not empty, counted from 1.

    `text` has a MARK behind each link; `urls` are their addresses in that order, None where only the mark was left of one.
    `depth` is 0 outside of lists. `opens`: a list item, or a paragraph outside of lists, begins here.
    """

    number: int
    text: str
    depth: int = 0
    opens: bool = True
    heading: bool = False
    urls: tuple[str | None, ...] = ()


def plain(text: str) -> str:
    """A line's text without the marks of links."""
    return text.replace(MARK, "")


def seen(text: str) -> str:
    """One line of what a reader sees: no control, bidi, zero-width or tag characters, blanks as single spaces."""
    return " ".join(unicodedata.normalize("NFC", clean(text).translate(_JOINERS)).split())


def single_marks(text: str, urls: Iterable[str | None]) -> tuple[str, tuple[str | None, ...]]:
    """The text with the marks close behind their words, and their addresses; of marks on one spot one is left."""
    runs = text.split(MARK)
    pieces, kept = [runs[0]], list[str | None]()
    for run, url in zip(runs[1:], urls, strict=True):
        if kept and not pieces[-1].strip():
            kept[-1] = kept[-1] or url
            pieces[-1] += run
            continue
        words = pieces[-1].rstrip(" ")
        # A blank before the link's end parts its words from what follows.
        pieces[-1:] = [words, MARK, " " * (len(words) < len(pieces[-1]) and run[:1].isalnum()) + run]
        kept.append(url)
    return "".join(pieces).strip(), tuple(kept)


def counted(lines: list[Line]) -> None:
    """Raises NotTaken for more lines than a dossier has."""
    if len(lines) > MOST_LINES:
        raise NotTaken(f"the page has more than {MOST_LINES:,} lines", "save the dossier alone as text and import that")
