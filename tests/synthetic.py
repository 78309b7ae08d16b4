"""Many facts that nobody wrote: vectors drawn around real ones, texts mixed from real words."""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from typing import Any

import numpy as np
import psutil

from bot.app import App, open_app
from bot.config import Settings
from bot.facts import Fact
from bot.search.corpus import Corpus, texts_of
from bot.search.fold import fold
from bot.search.large import LARGE_FROM, Index, LargeMatcher, Line
from bot.training.large import centroids

__all__ = ["LARGE_FROM", "large_matcher"]
VARIANTS = 3
LINE = Line((12.0, 8.0, 4.0, 2.0, 0.1), -9.0, 0.9, 0.3)
"""For speed alone; accuracy at this size is not measured."""


def large_matcher(app: App, count: int) -> LargeMatcher:
    """A matcher over `count` synthetic facts of one claim and three variants each."""
    rng = np.random.default_rng(1)
    words = np.asarray(sorted({w for f in app.base.facts.values() for _, t in texts_of(f) for w in fold(t).split()}))
    weights = 1 / np.arange(1, len(words) + 1)
    weights /= weights.sum()
    real = app.model.encoder_weights.T
    real = real / np.linalg.norm(real, axis=1, keepdims=True)
    facts = [_fact(number, rng, words, weights) for number in range(count)]
    rows = np.empty((count, real.shape[1]), dtype=np.float32)
    for start in range(0, count, 5_000):
        size = min(5_000, count - start)
        around = real[rng.integers(len(real), size=size * (VARIANTS + 1))]
        drawn = around + rng.normal(scale=0.04, size=around.shape)
        owners = np.repeat(np.arange(size), VARIANTS + 1)
        rows[start : start + size] = centroids(drawn.astype(np.float32), owners, size)
    corpus = Corpus({fact.id: fact for fact in facts}, app.base.unknowns, app.base.talk, app.base.names)
    assert app.encoder is not None
    return LargeMatcher(corpus, app.model, app.encoder, Index(facts, rows), LINE)


def _fact(number: int, rng: np.random.Generator, words: Any, weights: Any) -> Fact:
    texts = [" ".join(rng.choice(words, size=7, p=weights)) for _ in range(VARIANTS + 1)]
    return Fact(
        id=f"synthetic-{number}", topic="synthetic", claim={"en": texts[0]}, status="reported", object="thing",
        aspect=f"side-{number}", place=("US",), as_of=date(2024, 1, 1), item=None, questions={"en": tuple(texts[1:])},
    )  # fmt: skip


def main() -> None:
    """Print p50, p99 in milliseconds and resident megabytes as one JSON line."""
    app = open_app(Settings())
    matcher = large_matcher(app, int(sys.argv[1]))
    questions = [fact.questions["en"][0] + " wann" for fact in list(matcher.corpus.facts.values())[:150]]
    questions += [q for fact in app.base.facts.values() for q in fact.questions["de"][:4]]
    times = []
    for text in questions:
        start = time.perf_counter()
        matcher.find(text + " bitte")
        times.append((time.perf_counter() - start) * 1_000)
    memory = psutil.Process().memory_info().rss / 2**20
    print(json.dumps({"p50": float(np.percentile(times, 50)), "p99": float(np.percentile(times, 99)), "memory": memory}))


if __name__ == "__main__":
    main()
