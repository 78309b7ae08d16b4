"""Fitting the heads: multinomial logistic regression on encoder rows, on character n-grams, and for the language."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from bot.search.arrays import Floats
from bot.search.characters import BUCKETS, buckets, weigh
from bot.search.encoder import Vector
from bot.search.language import BUCKETS as LANGUAGE_BUCKETS
from bot.search.language import count_weights, language_buckets

ENCODER_C, CHARACTER_C, LANGUAGE_C = 20.0, 60.0, 50.0
ENCODER_STEPS, CHARACTER_STEPS, LANGUAGE_STEPS = 150, 40, 60


@dataclass(frozen=True)
class Line:
    """Weights of shape (features, labels) and bias of one head; labels that its data lacked have weight 0 and bias -30."""

    weights: Floats
    bias: Floats


def fit(
    rows: Vector | sparse.csr_matrix, y: NDArray[np.int64], labels: int, c: float, steps: int, start: Line | None = None
) -> Line:
    """A multinomial logistic regression over label positions `y`, from the weights of `start` where there are some."""
    classes = np.unique(y)
    again = start is not None and len(classes) > 2
    line = LogisticRegression(C=c, max_iter=steps, warm_start=again)
    if start is not None and again:
        line.classes_, line.coef_ = classes, start.weights[:, classes].T.astype(np.float64)
        line.intercept_ = np.maximum(start.bias[classes], -5.0).astype(np.float64)
    with warnings.catch_warnings():
        # A fixed number of steps is wanted: more of them fit the training set and nothing else.
        warnings.simplefilter("ignore", ConvergenceWarning)
        line.fit(rows, y)
    weights = np.zeros((rows.shape[1], labels), dtype=np.float32)
    bias = np.full(labels, -30.0, dtype=np.float32)
    weights[:, line.classes_] = line.coef_.T
    bias[line.classes_] = line.intercept_
    return Line(weights, bias)


def inverse_frequencies(texts: Sequence[str]) -> Floats:
    """The IDF of every bucket."""
    seen = np.zeros(BUCKETS)
    for text in texts:
        seen[np.unique(buckets(text))] += 1
    return np.asarray(np.log((1 + len(texts)) / (1 + seen)) + 1, dtype=np.float32)


def character_rows(texts: Sequence[str], idf: Floats) -> sparse.csr_matrix:
    """One sparse row of weighted n-grams a text."""
    return _rows(texts, BUCKETS, lambda text: weigh(buckets(text), idf))


def language_rows(texts: Sequence[str]) -> sparse.csr_matrix:
    """One sparse row of n-gram counts a text."""
    return _rows(texts, LANGUAGE_BUCKETS, lambda text: count_weights(language_buckets(text)))


def _rows(
    texts: Sequence[str], width: int, weigh_text: Callable[[str], tuple[NDArray[np.int64], NDArray[np.float32]]]
) -> sparse.csr_matrix:
    pairs = [weigh_text(text) for text in texts]
    starts = np.cumsum([0, *(len(index) for index, _ in pairs)])
    columns = np.concatenate([index for index, _ in pairs]) if pairs else np.zeros(0, dtype=np.int64)
    values = np.concatenate([weights for _, weights in pairs]) if pairs else np.zeros(0, dtype=np.float32)
    return sparse.csr_matrix((values.astype(np.float32), columns, starts), shape=(len(texts), width))


def as_bytes(weights: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Weights as bytes and the scale of each label."""
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-6) / 127
    return np.round(weights / scale).astype(np.int8), scale.astype(np.float32)
