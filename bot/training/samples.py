"""From a corpus to labelled texts, and which of them are copies of each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from bot.search.corpus import Corpus, label_of, texts_of
from bot.search.encoder import Vector
from bot.search.fold import fold

NEAR_COPY_COSINE = 0.96
"""Between uncentred encoder rows; below it two questions are different questions. Measured: docs/accuracy.md."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A text, its language and the label that it teaches."""

    text: str
    language: str
    label: str


def samples_of(corpus: Corpus, grid: Mapping[str, Any]) -> list[Sample]:
    """Variants and claims of every entry, near-misses of facts, and the grid's, each text once."""
    found: dict[str, Sample] = {}
    for sample in _all(corpus, grid):
        found.setdefault(fold(sample.text), sample)
    return list(found.values())


def _all(corpus: Corpus, grid: Mapping[str, Any]) -> Iterator[Sample]:
    for entry in corpus.entries():
        for language, text in texts_of(entry):
            yield Sample(text, language, label_of(entry))
    for fact in corpus.facts.values():
        for language, texts in fact.near_misses.items():
            for text in texts:
                yield Sample(text, language, f"near:{fact.id}")
    yield from _grid(grid)


def _grid(grid: Mapping[str, Any]) -> Iterator[Sample]:
    """Every aspect's phrasings of every object, but for the pairs named as `known`."""
    known = {(object, aspect) for object, aspects in (grid.get("known") or {}).items() for aspect in aspects}
    pairs = product((grid.get("objects") or {}).items(), (grid.get("aspects") or {}).items())
    for (object, names), (aspect, phrasings) in pairs:
        if (object, aspect) in known:
            continue
        for language, templates in phrasings.items():
            for template, name in zip(templates, _round(names.get(language) or ())):
                yield Sample(template.replace("{object}", name), language, f"grid:{aspect}")


def _round(names: Sequence[str]) -> Iterator[str]:
    while names:
        yield from names


def folds_of(samples: Sequence[Sample], vectors: Vector | None, count: int) -> NDArray[np.int64]:
    """The fold of each sample. Near-copies share one, and so do all variants of every second unknown.

    Half of the topics are so new to the heads that score them, as half of what people ask will be.
    """
    clusters = _clusters(samples, vectors)
    order: dict[str, list[int]] = defaultdict(list)
    for i, cluster in enumerate(clusters):
        kind, _, id = samples[i].label.partition(":")
        whole = kind == "grid" or (kind == "unknown" and crc32(id.encode()) % 2)
        order[f"{kind}:{id}" if whole else f"{samples[i].label}/{cluster}"].append(i)
    fold_of = np.zeros(len(samples), dtype=np.int64)
    filled: dict[str, int] = defaultdict(int)
    # Big clusters first, each into the next fold of its label, keeps the folds even without any chance in it.
    for key, members in sorted(order.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        spread = key.partition("/")[0] if "/" in key else key.partition(":")[0]
        fold_of[members] = filled[spread] % count
        filled[spread] += 1
    return fold_of


def _clusters(samples: Sequence[Sample], vectors: Vector | None) -> list[int]:
    """Union of near-copies within a label: by the encoder, and by shared word stems in any order."""
    parent = list(range(len(samples)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    by_label: dict[str, list[int]] = defaultdict(list)
    for i, sample in enumerate(samples):
        by_label[sample.label].append(i)
    for members in by_label.values():
        words = [frozenset(fold(samples[i].text).split()) for i in members]
        near = vectors[members] @ vectors[members].T >= NEAR_COPY_COSINE if vectors is not None else None
        for a in range(len(members)):
            for b in range(a):
                both = len(words[a] & words[b])
                if (near is not None and near[a, b]) or both >= 0.7 * len(words[a] | words[b]):
                    parent[root(members[a])] = root(members[b])
    return [root(i) for i in range(len(samples))]
