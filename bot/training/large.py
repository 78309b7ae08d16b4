"""Fitting the line of a large base: every sampled text is scored against centroids that leave it out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from bot.facts import Fact
from bot.search.arrays import Floats
from bot.search.corpus import texts_of
from bot.search.encoder import Vector
from bot.search.large import Index, Line, line_row

SAMPLED = 1_500
WRONG_CAP, OFFERED_CAP = 0.01, 0.2


def centroids(rows: Vector, owners: NDArray[np.int64], count: int) -> Vector:
    """The mean row of each owner, of unit length."""
    sums = np.zeros((count, rows.shape[1]), dtype=np.float32)
    np.add.at(sums, owners, rows)
    return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def fit_line(facts: Sequence[Fact], rows: Vector, owners: NDArray[np.int64]) -> tuple[Index, Line]:
    """`rows` are centred rows of all texts of the facts, in the order of `texts_of`, `owners` the fact of each."""
    index = Index(facts, centroids(rows, owners, len(facts)))
    texts = [text for fact in facts for _, text in texts_of(fact)]
    picked = np.random.default_rng(0).choice(len(texts), size=min(SAMPLED, len(texts)), replace=False)
    features, right, known = [], [], []
    for i in picked.tolist():
        owner = int(owners[i])
        whole = index.rows[owner].copy()
        rest = (owners == owner) & (np.arange(len(owners)) != i)
        left = rows[rest].sum(axis=0)
        for gone in (False, True):
            # Asked as it is, and once more as if its fact did not exist: then every answer would be wrong.
            index.rows[owner] = 0 if gone else left / max(float(np.linalg.norm(left)), 1e-9)
            found, best = index.ranked(texts[i], rows[i])
            if gone:
                kept = found != owner
                found, best = found[kept], best[kept]
            features.append(line_row(best, texts[i]))
            right.append(not gone and int(found[0]) == owner)
            known.append(not gone)
        index.rows[owner] = whole
    return index, _line(np.asarray(features), np.asarray(right), np.asarray(known))


def _line(features: Floats, right: NDArray[np.bool_], known: NDArray[np.bool_]) -> Line:
    weights = np.where(known, 2.0, 1.0)
    fitted = LogisticRegression(max_iter=500).fit(features, right, sample_weight=weights)
    line = Line(tuple(float(w) for w in fitted.coef_[0]), float(fitted.intercept_[0]), 1.01, 1.01)
    sure = np.asarray([line.sure(row) for row in features])
    order = np.argsort(-sure)
    wrong = np.cumsum(np.where(right[order], 0.0, weights[order])) / weights.sum()
    offered = np.cumsum(np.where(known[order], 0.0, 1.0)) / max((~known).sum(), 1)
    return Line(line.weights, line.bias, _last(sure[order], wrong <= WRONG_CAP), _last(sure[order], offered <= OFFERED_CAP))


def _last(sure: NDArray[np.float64], fine: NDArray[np.bool_]) -> float:
    found = np.flatnonzero(fine)
    return float(sure[found[-1]]) if len(found) else 1.01
