"""The verifier: how likely the best fact really answers. A logistic line and small boosted trees, averaged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Verifier:
    """`line` is (mean, scale, weights, bias); a tree is arrays of feature, threshold, left, right and value by node."""

    mean: Floats
    scale: Floats
    weights: Floats
    bias: float
    base: float
    rate: float
    feature: NDArray[np.int64]
    threshold: Floats
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: Floats
    depth: int

    def probability(self, features: NDArray[Any]) -> float:
        """Of one row of features, between 0 and 1."""
        line = float((features - self.mean) / self.scale @ self.weights) + self.bias
        trees = np.arange(len(self.feature))
        node = np.zeros(len(self.feature), dtype=np.int64)
        for _ in range(self.depth):
            tested = self.feature[trees, node]
            inner = tested >= 0
            goes_left = features[np.maximum(tested, 0)] <= self.threshold[trees, node]
            step = np.where(goes_left, self.left[trees, node], self.right[trees, node])
            node = np.where(inner, step, node)
        boosted = self.base + self.rate * float(self.value[trees, node].sum())
        return (_sigmoid(line) + _sigmoid(boosted)) / 2

    def as_dict(self) -> dict[str, Any]:
        """Plain lists, rounded to what decides nothing."""
        return {
            name: np.round(value, 6).tolist() if isinstance(value, np.ndarray) else value for name, value in vars(self).items()
        }

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Verifier:
        values: dict[str, Any] = dict(tree)
        for name, value in tree.items():
            if isinstance(value, list):
                values[name] = np.asarray(value, dtype=np.int64 if name in ("feature", "left", "right") else np.float64)
        return cls(**values)


def _sigmoid(value: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(value, -30, 30))))
