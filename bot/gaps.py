"""A text that somebody may pass on to the curators: cleaned, shown between marks, and read again from what shows it. Pure.

Nothing is kept of it in between: the message that shows it is where it is read from.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 500
OPEN, CLOSE = "❝", "❞"
"""Marks that no cleaned text holds, so that what stands between them is all of it."""
MOST_NAMED = 3
_NO_MARKS = str.maketrans({OPEN: '"', CLOSE: '"'})
_UNSEEN = ("Cc", "Cf", "Cs")
_JOINERS = "\u200c\u200d"
# A word that begins with a slash is a command to tap, and whoever reads the text may be a steward.
_COMMAND = re.compile(r"(?<![\w/])/(?=\w)")
_SLASH = "\u2215"
_NAMES = re.compile(
    r"[^\s@]+@[^\s@]+\.\w{2,}"  # an e-mail address
    r"|(?<!\w)@\w[\w.:-]{2,}"  # a name on a platform
    r"|(?:\+|(?<!\d)0)\d(?:[ ./()-]{0,2}\d){5,}"  # a telephone number
    r"|\d{5,}"
)


def cleaned(text: str) -> str:
    """One line of at most 500 characters, without what is not seen, turns directions, or is a command to tap."""
    seen = "".join(c for c in " ".join(text.split()) if c in _JOINERS or unicodedata.category(c) not in _UNSEEN)
    line = _COMMAND.sub(_SLASH, " ".join(seen.split()).translate(_NO_MARKS))
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"


def quoted(text: str) -> str:
    """A cleaned text between its marks."""
    return f"{OPEN}{text}{CLOSE}"


def quoted_in(shown: str | None) -> str | None:
    """The text that a message shows between marks; None where it shows none, or where that could be told in two ways."""
    if shown is None or shown.count(OPEN) != 1 or shown.count(CLOSE) != 1:
        return None
    return cleaned(shown.partition(OPEN)[2].partition(CLOSE)[0]) or None


def named(text: str) -> tuple[str, ...]:
    """What in a text looks as if it named somebody: e-mail addresses, @names, telephone numbers, long numbers."""
    return tuple(dict.fromkeys(found.strip() for found in _NAMES.findall(text)))[:MOST_NAMED]
