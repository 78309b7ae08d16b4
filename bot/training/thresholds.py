"""Thresholds: chosen on questions that the heads have not seen, one set a group of languages, never one a fact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

import numpy as np
from numpy.typing import NDArray

WRONG_CAP = 0.009
"""Wrong answers among all questions, of which a third are unanswerable."""
MISSED_CAP = 0.01
"""Answerable questions that get neither the right answer nor an offer with it."""
OFFERED_CAP = 0.22
"""Unanswerable questions that may be offered something, where the two caps cannot both be held."""
DISTRESS_CAUGHT = 0.97


@dataclass(frozen=True)
class Judged:
    """One row a question: how sure the best fact is, whether it is right, whether an offer would hold it."""

    sure: NDArray[np.float64]
    right: NDArray[np.bool_]
    offered: NDArray[np.bool_]
    mass: NDArray[np.float64]
    allowed: NDArray[np.bool_]
    answerable: NDArray[np.bool_]
    weight: NDArray[np.float64]


def choose(judged: Judged, cap: float = WRONG_CAP) -> dict[str, float]:
    """The lowest threshold with few enough wrong answers, then the highest mass with few enough missed."""
    answer = _answer(judged, cap)
    said = judged.allowed & (judged.sure >= answer)
    return {"answer": round(answer, 4), **_suggest(judged, said)}


def _answer(judged: Judged, cap: float) -> float:
    order = np.argsort(-judged.sure, kind="stable")
    order = order[judged.allowed[order]]
    wrong = np.cumsum(~judged.right[order] * judged.weight[order]) / judged.weight.sum()
    fine = np.flatnonzero(wrong <= cap)
    if not len(fine):
        return 1.01
    last = int(fine[-1])
    if last + 1 == len(order):
        return float(judged.sure[order[last]])
    # Halfway to the first row that would break the cap: the next question is between them as likely as not.
    return float((judged.sure[order[last]] + judged.sure[order[last + 1]]) / 2)


def _suggest(judged: Judged, said: NDArray[np.bool_]) -> dict[str, float]:
    open_rows = judged.answerable & ~said
    total = judged.weight[judged.answerable].sum()
    unanswerable = judged.weight[~judged.answerable].sum()
    best = 0.5
    for mass in np.linspace(0.02, 0.9, 89):
        missed = (judged.weight * (open_rows & ~((judged.mass >= mass) & judged.offered))).sum() / total
        offered = (judged.weight * (~judged.answerable & ~said & (judged.mass >= mass))).sum() / max(unanswerable, 1e-9)
        if missed <= MISSED_CAP or offered >= OFFERED_CAP:
            best = float(mass)
    return {"suggest": round(best, 3)}


def catching(scores: Sequence[float], share: float = DISTRESS_CAUGHT) -> float:
    """The threshold that this share of the scores reaches."""
    return round(float(np.quantile(np.asarray(scores), 1 - share)), 4)
