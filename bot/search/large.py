"""Bases of many facts: candidates first, from one centroid a fact and from full text, then a calibrated line over them.

One head row a fact is too much to train from some thousand facts on; small talk, distress and known unknowns stay with
the trained heads, only the facts' part is taken over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.facts import Fact
from bot.search.arrays import Floats, Model, OldArrays, Scores
from bot.search.corpus import Corpus, texts_of
from bot.search.encoder import Encoder, Vector
from bot.search.features import stems
from bot.search.matcher import OFFERED, Matcher, Outcome, Suggest, with_others

LARGE_FROM = 2_000
"""Facts from which on candidates come first."""
CANDIDATES = 32
INDEX = "large.npz"
_RARE_SHARE = 0.02
"""Stems that more of the facts have than this say nothing and are left out of the full text."""


@dataclass(frozen=True)
class Line:
    """Weights over (cosine, its margin, coverage, its margin, log of words), a bias, and the two thresholds."""

    weights: tuple[float, ...]
    bias: float
    answer: float
    offer: float

    def sure(self, row: Floats) -> float:
        return float(1 / (1 + np.exp(-np.clip(row @ np.asarray(self.weights) + self.bias, -30, 30))))


class Index:
    """One row a fact and an inverted index of word stems; `rows` are centred centroids of unit length."""

    def __init__(self, facts: Sequence[Fact], rows: Vector) -> None:
        self.facts, self.rows = list(facts), rows
        held: dict[str, list[int]] = defaultdict(list)
        for i, fact in enumerate(self.facts):
            for stem in {stem for _, text in texts_of(fact) for stem in stems(text)}:
                held[stem].append(i)
        self._total = len(self.facts)
        self._postings: Mapping[str, NDArray[np.int32]] = {
            stem: np.asarray(found, dtype=np.int32) for stem, found in held.items()
        }

    def ranked(self, question: str, row: Floats) -> tuple[NDArray[np.int64], Floats]:
        """Candidates, best first, and for each (cosine, coverage)."""
        cosines = self.rows @ row
        wanted = min(CANDIDATES, self._total)
        near = np.argpartition(-cosines, wanted - 1)[:wanted]
        coverage = self.coverage(question)
        told = np.fromiter(sorted(coverage, key=lambda i: -coverage[i])[:CANDIDATES], dtype=np.int64)
        found = np.unique(np.concatenate([near, told])) if len(told) else np.unique(near)
        covered = np.asarray([coverage.get(int(i), 0.0) for i in found], dtype=np.float32)
        order = np.argsort(-(cosines[found] + 0.5 * covered), kind="stable")
        return found[order], np.stack([cosines[found][order], covered[order]], axis=1)

    def coverage(self, question: str) -> dict[int, float]:
        """Weighted share of the question's stems by fact, of facts that have any rare one."""
        shares: dict[int, float] = defaultdict(float)
        whole = 0.0
        for stem in set(stems(question)):
            found = self._postings.get(stem)
            weight = float(np.log((self._total + 1) / ((len(found) if found is not None else 0) + 0.5)))
            whole += max(weight, 0.0)
            if found is not None and len(found) <= max(8, _RARE_SHARE * self._total):
                for i in found.tolist():
                    shares[i] += weight
        return {i: share / whole for i, share in shares.items()} if whole else {}


def line_row(best: Floats, question: str) -> Floats:
    """The line's features from the ranked candidates' (cosine, coverage)."""
    second = best[1] if len(best) > 1 else np.zeros(2, dtype=np.float32)
    margin = best[0] - second
    return np.asarray([best[0, 0], margin[0], best[0, 1], margin[1], np.log1p(len(stems(question)))], dtype=np.float32)


def save_index(folder: Path, index: Index, line: Line) -> None:
    """Rows as bytes beside the model's arrays."""
    rows = np.round(index.rows * 127).astype(np.int8)
    ids = np.frombuffer("\n".join(fact.id for fact in index.facts).encode(), dtype=np.uint8)
    values = np.asarray([*line.weights, line.bias, line.answer, line.offer])
    np.savez_compressed(folder / INDEX, rows=rows, ids=ids, line=values)


def load_index(folder: Path, corpus: Corpus) -> tuple[Index, Line]:
    """The index of a folder, without facts that are gone.

    :raises OldArrays: where there is none that this program reads.
    """
    file = folder / INDEX
    try:
        with np.load(file) as stored:
            ids = stored["ids"].tobytes().decode().split("\n")
            rows, values = stored["rows"].astype(np.float32) / 127, stored["line"].tolist()
    except (OSError, KeyError, ValueError, EOFError) as error:
        raise OldArrays(f"{file} cannot be read ({error}): run `train`") from error
    kept = [i for i, id in enumerate(ids) if id in corpus.facts]
    facts = [corpus.facts[ids[i]] for i in kept]
    return Index(facts, rows[kept]), Line(tuple(values[:-3]), *values[-3:])


class LargeMatcher(Matcher):
    """A matcher whose facts come from an index; everything else is the heads'."""

    def __init__(self, corpus: Corpus, model: Model, encoder: Encoder, index: Index, line: Line) -> None:
        super().__init__(corpus, model, encoder)
        self.index, self.line = index, line

    def facts_outcome(self, question: str, language: str, scores: Scores, may_answer: bool) -> Outcome | None:
        """An answer, an offer, or None where no fact is near enough."""
        assert scores.row is not None
        found, best = self.index.ranked(question, scores.row)
        sure = self.line.sure(line_row(best, question))
        facts = [self.index.facts[i] for i in found[:OFFERED]]
        if may_answer and sure >= self.line.answer:
            return with_others(self.said(facts[0], question, sure), tuple(facts))
        return Suggest(tuple(facts), sure) if sure >= self.line.offer else None
