"""Simpler matchers on the same base and questions, each with the threshold that suits it best."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from bot.accuracy import Verdict
from bot.app import App
from bot.questions import Labelled
from bot.search.corpus import texts_of
from bot.search.fold import fold, readable
from bot.vectors import vectors_of

CAP = 0.01


def judged(app: App, questions: Sequence[Labelled]) -> dict[str, list[Verdict]]:
    """Name to verdicts: BM25 alone, the encoder's nearest neighbour alone."""
    found = {"BM25": _bm25(app, questions)}
    if app.encoder is not None:
        found["nearest neighbour (encoder)"] = _nearest(app, questions)
    return {name: _with_best_threshold(questions, ranked) for name, ranked in found.items()}


def _texts(app: App) -> list[tuple[str, str]]:
    return [(fact.id, text) for fact in app.base.corpus.facts.values() for _, text in texts_of(fact)]


def _bm25(app: App, questions: Sequence[Labelled], k: float = 1.2, b: float = 0.75) -> list[tuple[str, float]]:
    documents: dict[str, Counter[str]] = defaultdict(Counter)
    for id, text in _texts(app):
        documents[id].update(fold(text).split())
    lengths = {id: sum(words.values()) for id, words in documents.items()}
    mean = sum(lengths.values()) / len(lengths)
    holders = Counter(word for words in documents.values() for word in words)
    ranked = []
    for question in questions:
        words = fold(question.question).split()
        scores = {
            id: sum(
                math.log(1 + (len(documents) - holders[word] + 0.5) / (holders[word] + 0.5))
                * (found[word] * (k + 1) / (found[word] + k * (1 - b + b * lengths[id] / mean)))
                for word in words
                if found[word]
            )
            for id, found in documents.items()
        }
        best = max(scores, key=lambda id: scores[id])
        ranked.append((best, scores[best]))
    return ranked


def _nearest(app: App, questions: Sequence[Labelled]) -> list[tuple[str, float]]:
    assert app.encoder is not None
    texts = _texts(app)
    rows = vectors_of([text for _, text in texts], app.encoder, app.settings.state)
    centre = rows.mean(axis=0)
    rows = (rows - centre) / np.linalg.norm(rows - centre, axis=1, keepdims=True)
    ranked = []
    for question in questions:
        row = app.encoder.encode([readable(question.question)])[0] - centre
        scores = rows @ (row / np.linalg.norm(row))
        best = int(scores.argmax())
        ranked.append((texts[best][0], float(scores[best])))
    return ranked


def _with_best_threshold(questions: Sequence[Labelled], ranked: Sequence[tuple[str, float]]) -> list[Verdict]:
    verdicts: list[Verdict] = [Verdict(question, "decline", "none", ()) for question in questions]
    for group in (True, False):
        picked = [i for i, q in enumerate(questions) if (q.language in ("de", "en")) == group]
        order = sorted(picked, key=lambda i: -ranked[i][1])
        wrong, last = 0, 0
        for position, i in enumerate(order, 1):
            wrong += ranked[i][0] not in questions[i].acceptable
            if wrong <= CAP * len(picked):
                last = position
        for i in order[:last]:
            verdicts[i] = Verdict(questions[i], "answer", None, (ranked[i][0],))
    return verdicts
