"""Character n-grams of folded text, hashed: what catches typos, keywords and words the encoder does not know."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from bot.search.fold import fold

BUCKETS = 1 << 14
_SHORTEST, _LONGEST = 2, 5


@lru_cache(maxsize=65_536)
def _word_grams(word: str) -> tuple[int, ...]:
    padded = f" {word} "
    grams = [
        padded[start : start + length] for length in range(_SHORTEST, _LONGEST + 1) for start in range(len(padded) - length + 1)
    ]
    grams.append(padded)
    return tuple(crc32(gram.encode()) % BUCKETS for gram in grams)


def buckets(text: str) -> NDArray[np.int64]:
    """The bucket of every n-gram of the text, with repeats, at most 2,000."""
    found: list[int] = []
    for word in fold(text).split():
        found.extend(_word_grams(word[:40]))
    return np.asarray(found[:2_000], dtype=np.int64)


def weigh(found: Iterable[int], idf: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Buckets and their TF-IDF weights (sublinear counts, unit length); empty for a text without n-grams."""
    index, counts = np.unique(np.asarray(list(found), dtype=np.int64), return_counts=True)
    weights = (1.0 + np.log(counts)).astype(np.float32) * idf[index]
    norm = float(np.linalg.norm(weights))
    return index, weights / norm if norm > 0 else weights
