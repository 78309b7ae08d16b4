"""What the verifier looks at: how far the heads agree, and whether question and fact share words, object and aspect."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bot.facts import Fact, Unknown
from bot.search.arrays import Scores
from bot.search.corpus import Corpus, label_of, texts_of
from bot.search.fold import fold
from bot.search.names import years

STEM = 5
NAMES = (
    "log_p", "log_p_encoder", "log_p_characters", "margin_any", "margin_fact", "mass_facts", "mass_unknown", "mass_near",
    "mass_talk", "entropy", "agree_encoder", "agree_characters", "mass_object", "mass_aspect", "coverage", "coverage_max",
    "foreign_words", "words", "other_country", "company", "later_year", "log_best_against", "own_near",
)  # fmt: skip


def stems(text: str) -> tuple[str, ...]:
    """The first letters of each folded word of three letters and more."""
    return tuple(word[:STEM] for word in fold(text).split() if len(word) > 2)


@dataclass(frozen=True)
class Lexicon:
    """The base's words by entry, and which labels share an object or an aspect."""

    corpus: Corpus = field(repr=False)
    labels: tuple[str, ...]
    kinds: NDArray[np.str_]
    objects: NDArray[np.str_]
    aspects: NDArray[np.str_]
    stems_of: Mapping[str, frozenset[str]] = field(repr=False)
    idf: Mapping[str, float] = field(repr=False)

    @classmethod
    def of(cls, corpus: Corpus, labels: tuple[str, ...], texts: Iterable[tuple[str, str]] | None = None) -> Lexicon:
        """Of the corpus's entries as the model's labels name them.

        `texts` are pairs of label and text to take the words from; training leaves out what it scores.
        """
        entries = {label_of(entry): entry for entry in corpus.entries()}
        if texts is None:
            texts = ((label, text) for label, entry in entries.items() for _, text in texts_of(entry))
        found: dict[str, set[str]] = {label: set() for label in entries}
        for label, text in texts:
            if label in found:
                found[label].update(map(sys.intern, stems(text)))
        stems_of = {label: frozenset(known) for label, known in found.items()}
        counts = Counter(stem for found in stems_of.values() for stem in found)
        total = len(stems_of) + 1
        objects, aspects = [], []
        for label in labels:
            entry = entries.get("fact:" + label[5:] if label.startswith("near:") else label)
            if isinstance(entry, (Fact, Unknown)):
                objects.append(entry.object)
                aspects.append("" if label.startswith("near:") else entry.aspect)
            else:
                objects.append("")
                aspects.append("")
        return cls(
            corpus,
            labels,
            np.asarray([label.partition(":")[0] for label in labels]),
            np.asarray(objects),
            np.asarray(aspects),
            stems_of,
            {stem: float(np.log(total / count)) for stem, count in counts.items()},
        )

    def features(self, question: str, scores: Scores, top: int) -> NDArray[np.float64]:
        """One row, in the order of NAMES, for the fact at position `top`."""
        p = np.exp(scores.fused)
        encoder = scores.encoder if scores.encoder is not None else scores.characters
        fact_p = np.where(self.kinds == "fact", p, 0.0)
        others = np.delete(scores.fused, top)
        other_facts = np.delete(fact_p, top)
        fact = self.corpus.facts[self.labels[top].partition(":")[2]]
        own_near = self._near_of.get(self.labels[top])
        coverage, best, foreign, count = self._coverage(question, self.labels[top])
        places = self.corpus.names.places(question)
        not_facts = np.where(self.kinds == "fact", -np.inf, scores.fused)
        return np.asarray(
            [
                scores.fused[top],
                encoder[top],
                scores.characters[top],
                scores.fused[top] - others.max(initial=-30),
                scores.fused[top] - np.log(other_facts.max(initial=0) + 1e-9),
                fact_p.sum(),
                p[self.kinds == "unknown"].sum(),
                p[(self.kinds == "near") | (self.kinds == "grid")].sum(),
                p[self.kinds == "talk"].sum(),
                -(p * scores.fused).sum(),
                encoder.argmax() == top,
                scores.characters.argmax() == top,
                p[self.objects == self.objects[top]].sum(),
                p[self.aspects == self.aspects[top]].sum(),
                coverage,
                coverage - best,
                foreign,
                np.log1p(count),
                bool(places) and not places & set(fact.place),
                bool(self.corpus.names.companies(question)),
                any(year > fact.as_of.year for year in years(question)),
                max(float(not_facts.max()), -30.0),
                p[own_near] if own_near is not None else 0.0,
            ],
            dtype=np.float64,
        )

    @cached_property
    def _near_of(self) -> Mapping[str, int]:
        """A fact's label to the position of its near-misses."""
        return {"fact:" + label[5:]: i for i, label in enumerate(self.labels) if label.startswith("near:")}

    def _coverage(self, question: str, label: str) -> tuple[float, float, float, int]:
        """Weighted share of the question's words that the entry has, the best share of any fact, unknown words, count."""
        found = stems(question)
        rare = float(np.log(len(self.stems_of) + 1))
        weights = {stem: self.idf.get(stem, rare) for stem in found}
        whole = sum(weights.values())
        if not whole:
            return 0.0, 0.0, 0.0, 0
        shares = {
            other: sum(weight for stem, weight in weights.items() if stem in known) / whole
            for other, known in self.stems_of.items()
            if other.startswith("fact:")
        }
        foreign = sum(stem not in self.idf for stem in found) / len(found)
        return shares.get(label, 0.0), max(shares.values()), foreign, len(found)
