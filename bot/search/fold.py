"""Folding: the one normal form in which two spellings of a question are the same text."""

import re
import unicodedata
from functools import lru_cache

# Letters that Unicode does not decompose, and the digraphs people type for umlauts are left alone on purpose.
_UNDECOMPOSED = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "ё": "е", "ґ": "г"})
# Zero-width, bidi and other format characters, the soft hyphen, and the Arabic vowel marks and tatweel.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u0640\u064b-\u065f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_NOT_A_WORD = re.compile(r"[\W_]+")
_ELONGATED = re.compile(r"(\w)\1{2,}")


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """Lower-case words of a text, one space apart, without marks, punctuation or invisible characters.

    >>> fold("  Was darf die KAMERA im Wagen?! ")
    'was darf die kamera im wagen'
    """
    text = unicodedata.normalize("NFKC", text)
    text = _INVISIBLE.sub("", text).casefold()
    text = unicodedata.normalize("NFC", text).translate(_UNDECOMPOSED)
    text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    text = _ELONGATED.sub(r"\1\1", text)
    return _NOT_A_WORD.sub(" ", text).strip()


def readable(text: str) -> str:
    """A question as the encoder sees it: one line, no control or invisible characters, at most 400 characters."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    text = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(text.split())[:400]
