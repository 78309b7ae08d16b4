"""Texts to the pieces of words that the encoder knows: the likeliest way to cut them, as SentencePiece's unigram model does.

SentencePiece's own library is not used: with 250,000 pieces it takes much memory, and long to begin (docs/design.md).
Here each piece is one number that its characters make, and a text's candidates are looked up all at once.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from bot.search.weights import Vocabulary

_BLANK = "\N{LOWER ONE EIGHTH BLOCK}"
"""Stands for a blank in pieces."""
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_UNKNOWN_COSTS = 10.0
"""How much less likely a character without a piece is than the least likely piece."""
Numbers = NDArray[np.uint64]


class Pieces:
    """The vocabulary, ready for looking up. Thread-safe."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._scores, self._spelled = vocabulary.scores, vocabulary.spelled
        self._first, self._last, self._unknown = vocabulary.first, vocabulary.last, vocabulary.unknown
        self._rare = float(vocabulary.scores.min()) - _UNKNOWN_COSTS
        starts, lengths = _places(vocabulary)
        self._longest = int(lengths.max())
        codes, keys = _codes(vocabulary.pieces.decode()), np.zeros(len(lengths), dtype=np.uint64)
        for place in range(self._longest):
            longer = np.flatnonzero(lengths > place)
            keys[longer] = keys[longer] * _FACTOR + codes[starts[longer] + place]
        order = np.argsort(keys)
        self._keys, self._ids = keys[order], order.astype(np.int32)

    def ids(self, text: str) -> list[int]:
        """Of the whole text, between the marks of its beginning and its end."""
        written = re.sub(" {2,}", " ", text.translate(self._spelled))
        written = (written if written.startswith(" ") else f" {written}").replace(" ", _BLANK)
        return [self._first, *self._cut(_codes(written)), self._last]

    def _cut(self, codes: Numbers) -> list[int]:
        """The likeliest cut, from every place reached so far by every piece that begins there."""
        count, found = len(codes), self._found(codes)
        best, pieces, begins = [-np.inf] * (count + 1), [0] * (count + 1), [0] * (count + 1)
        best[0] = 0.0
        for start in range(count):
            for end, piece, score in (*found[start], (start + 1, self._unknown, self._rare)):
                if best[start] + score > best[end]:
                    best[end], pieces[end], begins[end] = best[start] + score, piece, start
        cut, place = [], count
        while place:
            cut.append(pieces[place])
            place = begins[place]
        return cut[::-1]

    def _found(self, codes: Numbers) -> list[list[tuple[int, int, float]]]:
        """For each place the pieces that begin there: where they end, which they are, how likely."""
        found: list[list[tuple[int, int, float]]] = [[] for _ in codes]
        keys = np.zeros(len(codes), dtype=np.uint64)
        for length in range(1, min(self._longest, len(codes)) + 1):
            keys = keys[: len(codes) - length + 1] * _FACTOR + codes[length - 1 :]
            at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
            for start in np.flatnonzero(self._keys[at] == keys).tolist():
                piece = int(self._ids[at[start]])
                if piece != self._unknown:
                    found[start].append((start + length, piece, float(self._scores[piece])))
        return found


def _codes(text: str) -> Numbers:
    return np.frombuffer(text.encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)


def _places(vocabulary: Vocabulary) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each piece begins and how long it is, in characters."""
    is_first = np.frombuffer(vocabulary.pieces, dtype=np.uint8) & 0xC0 != 0x80
    characters = np.concatenate([[0], np.cumsum(is_first)])
    ends = characters[vocabulary.ends]
    return np.concatenate([[0], ends[:-1]]), np.diff(ends, prepend=0)
