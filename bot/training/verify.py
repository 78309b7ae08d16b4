"""Fitting the verifier on out-of-fold scores, and turning it into arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from bot.search.verifier import Verifier

TREES, DEPTH, RATE, SHARE = 120, 4, 0.08, 0.7


def fit_verifier(features: NDArray[np.float64], right: NDArray[np.bool_], weights: NDArray[np.float64]) -> Verifier:
    """From rows of features to the chance that the best fact is right; `weights` balance the kinds of rows."""
    scaler = StandardScaler().fit(features, sample_weight=weights)
    line = LogisticRegression(C=1.0, max_iter=500).fit(scaler.transform(features), right, sample_weight=weights)
    boosted = GradientBoostingClassifier(
        n_estimators=TREES, max_depth=DEPTH, learning_rate=RATE, subsample=SHARE, min_samples_leaf=20, random_state=0
    ).fit(features, right, sample_weight=weights)
    trees = [estimator.tree_ for estimator in boosted.estimators_.ravel()]
    nodes = max(tree.node_count for tree in trees)
    share = float(np.average(right, weights=weights))
    return Verifier(
        mean=scaler.mean_,
        scale=scaler.scale_,
        weights=line.coef_[0],
        bias=float(line.intercept_[0]),
        base=float(np.log(share / (1 - share))),
        rate=RATE,
        feature=_padded([tree.feature for tree in trees], nodes, -1),
        threshold=_padded([tree.threshold for tree in trees], nodes, 0.0),
        left=_padded([tree.children_left for tree in trees], nodes, 0),
        right=_padded([tree.children_right for tree in trees], nodes, 0),
        value=_padded([tree.value[:, 0, 0] for tree in trees], nodes, 0.0),
        depth=DEPTH,
    )


def _padded(rows: list[NDArray[Any]], width: int, filler: float) -> NDArray[Any]:
    padded = np.full((len(rows), width), filler, dtype=rows[0].dtype)
    for row, values in zip(padded, rows):
        row[: len(values)] = values
    return padded
