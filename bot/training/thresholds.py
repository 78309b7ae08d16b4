"""Thresholds: chosen on questions that the heads have not seen, one set a group of languages, never one a fact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

WRONG_CAP = {"de": 0.011, "other": 0.014}
"""Wrong answers among all questions, of which a third are unanswerable; by group of languages."""
MISSED_CAP = 0.01
"""Answerable questions that get neither the right answer nor an offer with it."""
OFFERED_CAP = {"de": 0.18, "other": 0.22}
"""Unanswerable questions that may be offered something, where the two caps cannot both be held."""
DISTRESS_CAUGHT = 0.955
NOT_COUNTED = ("distress", "danger", "angry", "greeting")
"""Kinds of messages that are no questions: they choose the distress threshold and nothing else."""


@dataclass(frozen=True)
class Judged:
    """One row a message: how sure the best fact is and whether it is right; how likely an offer holds a right one, and does."""

    sure: NDArray[np.float64]
    right: NDArray[np.bool_]
    offered: NDArray[np.bool_]
    offer: NDArray[np.float64]
    allowed: NDArray[np.bool_]
    talk: NDArray[np.bool_]
    answerable: NDArray[np.bool_]
    counted: NDArray[np.bool_]


def choose(judged: Judged, name: str) -> dict[str, float]:
    """The lowest threshold with few enough wrong answers, then the highest for offers with few enough missed."""
    answer = _answer(judged, WRONG_CAP[name])
    said = judged.allowed & (judged.sure >= answer)
    return {"answer": round(answer, 4), "suggest": round(_suggest(judged, said, OFFERED_CAP[name]), 4)}


def _answer(judged: Judged, cap: float) -> float:
    order = np.argsort(-judged.sure, kind="stable")
    order = order[judged.allowed[order] & judged.counted[order]]
    if not len(order):
        return 0.9
    wrong = np.cumsum(~judged.right[order]) / judged.counted.sum()
    fine = np.flatnonzero(wrong <= cap)
    if not len(fine):
        return 1.01
    last = int(fine[-1])
    if last + 1 == len(order):
        return float(judged.sure[order[last]])
    # Halfway to the first row that would break the cap: the next question is as likely above it as below.
    return float((judged.sure[order[last]] + judged.sure[order[last + 1]]) / 2)


def _suggest(judged: Judged, said: NDArray[np.bool_], cap: float) -> float:
    rest = judged.counted & ~said & ~judged.talk
    answerable = judged.counted & judged.answerable
    unanswerable = judged.counted & ~judged.answerable
    best = 0.5
    for limit in np.linspace(0.005, 0.9, 180):
        offers = rest & (judged.offer >= limit)
        missed = (answerable & ~said & ~(offers & judged.offered)).sum() / max(answerable.sum(), 1)
        offered = (unanswerable & offers).sum() / max(unanswerable.sum(), 1)
        if missed <= MISSED_CAP or offered >= cap:
            best = float(limit)
    return best


def figures(judged: Judged, limits: Mapping[str, float]) -> dict[str, Any]:
    """What these thresholds do on the questions that they were chosen by."""
    said = judged.counted & judged.allowed & (judged.sure >= limits["answer"])
    offers = judged.counted & ~said & ~judged.talk & (judged.offer >= limits["suggest"])
    answerable = judged.counted & judged.answerable
    unanswerable = judged.counted & ~judged.answerable
    return {
        "questions": int(judged.counted.sum()),
        "right": _share((said & judged.right).sum(), answerable.sum()),
        "right_or_offered": _share((answerable & ((said & judged.right) | (offers & judged.offered))).sum(), answerable.sum()),
        "wrong": _share((said & ~judged.right).sum(), judged.counted.sum()),
        "unanswerable_offered": _share((offers & unanswerable).sum(), unanswerable.sum()),
    }


def catching(scores: Sequence[float] | NDArray[np.float32], share: float = DISTRESS_CAUGHT) -> float:
    """The threshold that this share of the scores reaches."""
    return round(float(np.quantile(np.asarray(scores), 1 - share)), 4) if len(scores) else 0.5


def _share(part: int, whole: int) -> float:
    return round(float(part) / max(int(whole), 1), 4)
