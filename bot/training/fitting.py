"""The heads over a set of samples, and how they score texts that they have not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bot.search.arrays import Floats, Model, Scores
from bot.search.encoder import Vector
from bot.search.features import Lexicon
from bot.search.fold import readable
from bot.training import heads
from bot.training.samples import Sample

MIX = {"de": 0.75, "other": 0.6}
ENCODER_WIDTH = 384
AGAIN_STEPS = 15
"""Steps of the character head when it is fitted again; the encoder's gets twice as many. Measured: docs/design.md."""


@dataclass(frozen=True)
class Rows:
    """One row a text: features of its best fact, whether that is right, probabilities, and the best fact's position."""

    features: NDArray[np.float64]
    right: NDArray[np.bool_]
    p: NDArray[np.float32]
    tops: NDArray[np.int64]


def fit_heads(
    samples: Sequence[Sample], vectors: Vector | None, labels: tuple[str, ...], size: int, before: Model | None = None
) -> Model:
    """The heads over the labels; the verifier and the thresholds are still to come. `size` is the encoder's width.

    From the heads of `before`, fewer steps are enough.
    """
    position = {label: i for i, label in enumerate(labels)}
    y = np.asarray([position[sample.label] for sample in samples])
    texts = [sample.text for sample in samples]
    idf = heads.inverse_frequencies(texts)
    start = (
        None
        if before is None
        else _start(before.character_weights * before.character_scale, before.character_bias, before, labels)
    )
    steps = heads.CHARACTER_STEPS if start is None else AGAIN_STEPS
    character = heads.fit(heads.character_rows(texts, idf), y, len(labels), heads.CHARACTER_C, steps, start)
    languages = tuple(sorted({sample.language for sample in samples}))
    spoken = np.asarray([languages.index(sample.language) for sample in samples])
    language = heads.fit(heads.language_rows(texts), spoken, len(languages), heads.LANGUAGE_C, heads.LANGUAGE_STEPS)
    small, scale = heads.as_bytes(character.weights)
    bare = Model(
        labels=labels,
        centre=np.zeros(size, dtype=np.float32) if vectors is None else vectors.mean(axis=0),
        encoder_weights=np.zeros((size, len(labels)), dtype=np.float32),
        encoder_bias=np.zeros(len(labels), dtype=np.float32),
        idf=idf.astype(np.float16).astype(np.float32),
        character_weights=small,
        character_scale=scale,
        character_bias=character.bias,
        languages=languages,
        language_weights=language.weights,
        language_bias=language.bias,
        settings={"mix": MIX},
    )
    if vectors is None:
        return bare
    start = None if before is None else _start(before.encoder_weights, before.encoder_bias, before, labels)
    steps = heads.ENCODER_STEPS if start is None else 2 * AGAIN_STEPS
    encoder = heads.fit(bare.centred(vectors), y, len(labels), heads.ENCODER_C, steps, start)
    return replace(bare, encoder_weights=encoder.weights, encoder_bias=encoder.bias)


def _start(weights: Floats, bias: Floats, before: Model, labels: tuple[str, ...]) -> heads.Line:
    """Weights of the labels that were there before, nothing for new ones."""
    known = {label: i for i, label in enumerate(before.labels)}
    columns = [known.get(label, -1) for label in labels]
    found = np.asarray([column >= 0 for column in columns])
    made = np.where(found, weights[:, columns], 0.0).astype(np.float32)
    return heads.Line(made, np.where(found, bias[columns], float(bias.mean())).astype(np.float32))


def score_rows(
    lexicon: Lexicon,
    model: Model,
    texts: Sequence[tuple[str, str]],
    vectors: Vector | None,
    accept: Sequence[frozenset[str]],
) -> Rows:
    """Texts with their language; `accept` are the fact ids that are right for each."""
    facts = np.asarray([label.startswith("fact:") for label in model.labels])
    features, right, p, tops = [], [], [], []
    for i, (text, language) in enumerate(texts):
        scores: Scores = model.scores(readable(text), None if vectors is None else vectors[i], language)
        top = int(np.where(facts, scores.fused, -np.inf).argmax())
        features.append(lexicon.features(readable(text), scores, top))
        right.append(model.labels[top].partition(":")[2] in accept[i])
        p.append(np.exp(scores.fused))
        tops.append(top)
    return Rows(np.asarray(features), np.asarray(right), np.asarray(p, dtype=np.float32), np.asarray(tops))


def refit(samples: Sequence[Sample], vectors: Vector | None, before: Model) -> Model:
    """Heads for a changed base; verifiers and thresholds stay as they were chosen."""
    labels = tuple(sorted({sample.label for sample in samples}))
    fitted = fit_heads(samples, vectors, labels, ENCODER_WIDTH if vectors is None else vectors.shape[1], before)
    return replace(fitted, verifiers=before.verifiers, settings=before.settings)
