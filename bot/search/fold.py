"""Folding: the one normal form in which two spellings of a question are the same text."""

import re
import unicodedata
from functools import lru_cache

# Letters that Unicode does not decompose, and the digraphs people type for umlauts are left alone on purpose.
_UNDECOMPOSED = {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "ґ": "г"}
# Zero-width, bidi and other format characters, the soft hyphen, and the Arabic vowel marks and tatweel.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u0640\u064b-\u065f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_MOST_LETTERS = 10_000
_ELONGATED = re.compile(r"(\w)\1{2,}")
_THRICE = re.compile(r"(.)\1\1")
"""A cheap look at whether anything is, since hardly anything is."""


class _Table(dict[int, str]):
    """For `str.translate` of a decomposed text: marks vanish, all else that is no letter or digit parts words.

    Filled as letters come, since to look each one up in Python takes most of the time that the bot needs to start.
    """

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        found = "" if unicodedata.combining(letter) else _UNDECOMPOSED.get(letter, letter if letter.isalnum() else " ")
        if len(self) < _MOST_LETTERS:
            self[code] = found
        return found


_TABLE = _Table()


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """Lower-case words of a text, one space apart, without marks, punctuation or invisible characters.

    >>> fold("  Was darf die KAMERA im Wagen?! ")
    'was darf die kamera im wagen'
    """
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    text = unicodedata.normalize("NFD", text.casefold()).translate(_TABLE)
    if _THRICE.search(text):
        text = _ELONGATED.sub(r"\1\1", text)
    return " ".join(text.split())


def readable(text: str) -> str:
    """A question as the encoder sees it: one line, no control or invisible characters, at most 400 characters."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    text = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(text.split())[:400]
