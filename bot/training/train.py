"""The whole training: out-of-fold scores, a verifier a group, thresholds, the heads on everything, and the report."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.questions import Labelled
from bot.search.arrays import Model, group
from bot.search.corpus import Corpus
from bot.search.encoder import Vector
from bot.search.features import NAMES, Lexicon
from bot.search.verifier import Verifier
from bot.training import thresholds
from bot.training.fitting import ENCODER_WIDTH, MIX, Rows, fit_heads, score_rows
from bot.training.samples import Sample, folds_of
from bot.training.verify import fit_verifier

FOLDS = 5
GROUPS = ("de", "other")
"""One stands for its group of languages, as `group` has them; German and English share theirs."""
LEAST_RIGHT = 60
"""Right rows below which a base is too small for a verifier of its own."""
SHARES = {"fact": 0.66, "unknown": 0.13, "near": 0.15, "talk": 0.05, "grid": 0.01}


@dataclass(frozen=True)
class Dev:
    """Labelled questions that choose the thresholds, with their encoder rows (None without an encoder)."""

    questions: Sequence[Labelled]
    vectors: Vector | None


@dataclass(frozen=True)
class Trained:
    """The model, and the figures that its thresholds were chosen by."""

    model: Model
    report: Mapping[str, Any]


@dataclass(frozen=True)
class _Fold:
    corpus: Corpus
    samples: Sequence[Sample]
    vectors: Vector | None
    labels: tuple[str, ...]
    held: NDArray[np.bool_]


def train(corpus: Corpus, samples: Sequence[Sample], vectors: Vector | None, dev: Dev, before: Model | None = None) -> Trained:
    """Fit everything. Where the base is too small, the verifiers and thresholds of `before` are kept."""
    labels = tuple(sorted({sample.label for sample in samples}))
    held = folds_of(samples, vectors, FOLDS)
    folds = [_Fold(corpus, samples, vectors, labels, held == number) for number in range(FOLDS)]
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        unseen = list(pool.map(_score_fold, folds))
    whole = fit_heads(samples, vectors, labels, ENCODER_WIDTH if vectors is None else vectors.shape[1])
    modes = ("encoder", "characters") if vectors is not None else ("characters",)
    verifiers: dict[str, Verifier] = {}
    chosen: dict[str, Any] = {}
    report: dict[str, Any] = {"samples": len(samples), "labels": len(labels), "modes": {}}
    for mode in modes:
        rows = _joined([parts[mode] for parts in unseen], folds)
        if rows.right.sum() < LEAST_RIGHT:
            continue
        own = {
            "answer": _verifiers(rows.features, rows.right, samples),
            "offer": _verifiers(rows.features, _offered(rows.p, [_accepted(s) for s in samples], labels), samples),
        }
        verifiers |= {f"{mode}/{use}/{name}": one for use, both in own.items() for name, one in both.items()}
        dev_rows = _dev_rows(corpus, whole, dev, mode)
        chosen[mode], figures = _thresholds(rows, samples, own, dev_rows, dev.questions, labels)
        report["modes"][mode] = {**figures, "confused": confusions(samples, rows, labels)}
    if not verifiers and before is not None:
        return Trained(replace(whole, verifiers=before.verifiers, settings=before.settings), report)
    settings = {"mix": MIX, "thresholds": chosen}
    return Trained(replace(whole, verifiers=verifiers, settings=settings), {**report, "thresholds": chosen})


def _score_fold(fold: _Fold) -> dict[str, Rows]:
    """The held samples by heads and a lexicon of the others."""
    kept, held = np.flatnonzero(~fold.held).tolist(), np.flatnonzero(fold.held).tolist()
    seen = [fold.samples[i] for i in kept]
    width = ENCODER_WIDTH if fold.vectors is None else fold.vectors.shape[1]
    model = fit_heads(seen, None if fold.vectors is None else fold.vectors[kept], fold.labels, width)
    lexicon = Lexicon.of(fold.corpus, fold.labels, ((sample.label, sample.text) for sample in seen))
    texts = [(fold.samples[i].text, fold.samples[i].language) for i in held]
    accept = [_accepted(fold.samples[i]) for i in held]
    scored = {"characters": score_rows(lexicon, model, texts, None, accept)}
    if fold.vectors is not None:
        scored["encoder"] = score_rows(lexicon, model, texts, fold.vectors[held], accept)
    return scored


def _accepted(sample: Sample) -> frozenset[str]:
    kind, _, id = sample.label.partition(":")
    return frozenset([id]) if kind == "fact" else frozenset()


def _joined(parts: Sequence[Rows], folds: Sequence[_Fold]) -> Rows:
    """The folds' rows in the order of the samples."""
    order = np.argsort(np.concatenate([np.flatnonzero(fold.held) for fold in folds]))
    return Rows(
        *(np.concatenate([getattr(part, name) for part in parts])[order] for name in ("features", "right", "p", "tops"))
    )


def _offered(p: NDArray[np.float32], accept: Sequence[frozenset[str]], labels: tuple[str, ...]) -> NDArray[np.bool_]:
    """Whether the best three facts hold an acceptable one."""
    facts = np.asarray([label.startswith("fact:") for label in labels])
    best = np.argsort(-np.where(facts, p, -1), axis=1)[:, :3]
    ids = [label.partition(":")[2] for label in labels]
    return np.asarray([any(ids[column] in ok for column in row) for ok, row in zip(accept, best, strict=True)])


def _verifiers(features: NDArray[np.float64], right: NDArray[np.bool_], samples: Sequence[Sample]) -> dict[str, Verifier]:
    """One a group of languages: German and English by their own rows, the others by all."""
    kinds = np.asarray([sample.label.partition(":")[0] for sample in samples])
    weights = np.zeros(len(samples))
    for kind, share in SHARES.items():
        weights[kinds == kind] = share / max((kinds == kind).sum(), 1)
    weights *= len(samples) / weights.sum()
    found = {}
    for name in GROUPS:
        chosen = np.asarray([group(sample.language) == group(name) or group(name) == "other" for sample in samples])
        found[group(name)] = fit_verifier(features[chosen], right[chosen], weights[chosen])
    return found


def _dev_rows(corpus: Corpus, whole: Model, dev: Dev, mode: str) -> Rows:
    texts = [(question.question, question.language) for question in dev.questions]
    vectors = dev.vectors if mode == "encoder" else None
    return score_rows(Lexicon.of(corpus, whole.labels), whole, texts, vectors, [q.acceptable for q in dev.questions])


def _thresholds(
    rows: Rows,
    samples: Sequence[Sample],
    verifiers: Mapping[str, Mapping[str, Verifier]],
    dev_rows: Rows,
    questions: Sequence[Labelled],
    labels: tuple[str, ...],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Per group on the dev questions; distress on everything that is labelled."""
    chosen: dict[str, Any] = {}
    figures: dict[str, Any] = {}
    distress = [i for i, label in enumerate(labels) if label in ("talk:distress", "talk:danger")]
    own = [sample.label in ("talk:distress", "talk:danger") for sample in samples]
    caught = np.concatenate(
        [
            rows.p[own][:, distress].sum(axis=1),
            dev_rows.p[[q.kind in ("distress", "danger") for q in questions]][:, distress].sum(axis=1),
        ]
    )
    chosen["distress"] = thresholds.catching(caught)
    for name in GROUPS:
        picked = np.flatnonzero([group(question.language) == group(name) for question in questions])
        pair = (verifiers["answer"][group(name)], verifiers["offer"][group(name)])
        judged = _judged(dev_rows, questions, picked, pair, labels, chosen["distress"], distress)
        limits = thresholds.choose(judged, group(name))
        chosen[group(name)] = limits
        figures[group(name)] = thresholds.figures(judged, limits)
    figures["features"] = list(NAMES)
    return chosen, figures


def _judged(
    rows: Rows,
    questions: Sequence[Labelled],
    picked: NDArray[np.int64],
    verifiers: tuple[Verifier, Verifier],
    labels: tuple[str, ...],
    distress_limit: float,
    distress: Sequence[int],
) -> thresholds.Judged:
    kinds = np.asarray([label.partition(":")[0] for label in labels])
    p = rows.p[picked]
    return thresholds.Judged(
        sure=np.asarray([verifiers[0].probability(row) for row in rows.features[picked]]),
        right=rows.right[picked],
        offered=_offered(p, [questions[i].acceptable for i in picked], labels),
        offer=np.asarray([verifiers[1].probability(row) for row in rows.features[picked]]),
        allowed=(p[:, list(distress)].sum(axis=1) < distress_limit) & (kinds[p.argmax(axis=1)] != "talk"),
        talk=np.asarray([kinds[row.argmax()] == "talk" and row.max() >= 0.5 for row in p]),
        answerable=np.asarray([bool(questions[i].acceptable) for i in picked]),
        counted=np.asarray([questions[i].kind not in thresholds.NOT_COUNTED for i in picked]),
    )


def confusions(samples: Sequence[Sample], rows: Rows, labels: tuple[str, ...]) -> list[dict[str, Any]]:
    """Facts whose unseen variants are given to one other fact, worst first, with two examples."""
    found = []
    for label in sorted({sample.label for sample in samples if sample.label.startswith("fact:")}):
        own = [i for i, sample in enumerate(samples) if sample.label == label]
        given = Counter(labels[rows.tops[i]] for i in own if labels[rows.tops[i]] != label)
        for other, count in given.most_common(1):
            examples = [samples[i].text for i in own if labels[rows.tops[i]] == other][:2]
            share = round(count / len(own), 3)
            found.append({"fact": label[5:], "given_to": other[5:], "share": share, "examples": examples})
    return sorted(found, key=lambda row: -row["share"])
