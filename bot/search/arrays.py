"""The trained model as arrays: two heads, a language head, a verifier and its thresholds. NumPy only."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.refusal import Refusal
from bot.search.characters import buckets, weigh
from bot.search.encoder import Vector
from bot.search.language import count_weights, language_buckets
from bot.search.verifier import Verifier

Floats = NDArray[np.float32]
FORMAT = 1
ARRAYS, REPORT = "arrays.npz", "report.json"


class OldArrays(Refusal):
    """The model's files are missing, or of another format than this program reads."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Log-probabilities over the model's labels: of the encoder's head (None without one), of the character head, of both.

    `row` is the question's centred encoder row.
    """

    encoder: Floats | None
    characters: Floats
    fused: Floats
    row: Floats | None = None


@dataclass(frozen=True)
class Model:
    """What `train` fits. A label is `kind:id`, with kind fact, unknown, talk, near or grid.

    The character weights are bytes with one scale a label, so that the whole stays small on disk and in memory.
    """

    labels: tuple[str, ...]
    centre: Floats
    encoder_weights: Floats
    encoder_bias: Floats
    idf: Floats
    character_weights: NDArray[np.int8]
    character_scale: Floats
    character_bias: Floats
    languages: tuple[str, ...]
    language_weights: Floats
    language_bias: Floats
    settings: Mapping[str, Any]
    verifiers: Mapping[str, Verifier] = field(default_factory=dict)

    def centred(self, vectors: Vector) -> Vector:
        """Encoder rows moved to the curated texts' mean, of unit length again."""
        moved = vectors - self.centre
        return np.asarray(moved / np.maximum(np.linalg.norm(moved, axis=-1, keepdims=True), 1e-9), dtype=np.float32)

    def scores(self, question: str, vector: Vector | None, language: str) -> Scores:
        """Both heads on one question; `vector` is the encoder's row of it."""
        index, weights = weigh(buckets(question), self.idf)
        raw = weights @ self.character_weights[index] if len(index) else np.zeros(len(self.labels), dtype=np.float32)
        characters = log_softmax(raw * self.character_scale + self.character_bias)
        if vector is None:
            return Scores(None, characters, characters)
        row = self.centred(vector)
        encoder = log_softmax(row @ self.encoder_weights + self.encoder_bias)
        return Scores(encoder, characters, self.fuse(encoder, characters, language), row)

    def fuse(self, encoder: Floats, characters: Floats, language: str) -> Floats:
        """The heads' product of experts, with the character head's weight for the language's group."""
        return log_softmax(encoder + float(self.settings["mix"][group(language)]) * characters)

    def language(self, question: str) -> tuple[str, float]:
        """The question's most likely language and its probability."""
        index, weights = count_weights(language_buckets(question))
        if not len(index):
            return "", 0.0
        found = log_softmax(weights @ self.language_weights[index] + self.language_bias)
        best = int(found.argmax())
        return self.languages[best], float(np.exp(found[best]))


def group(language: str) -> str:
    """Which thresholds a language goes by: German and English have data enough for their own, the others share theirs."""
    return "de" if language in ("de", "en") else "other"


def log_softmax(raw: NDArray[Any]) -> Floats:
    """Along the last axis, in float32."""
    shifted = raw - raw.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), dtype=np.float32)


_HALVES = ("centre", "encoder_weights", "encoder_bias", "idf", "character_bias", "language_weights", "language_bias")


def save(model: Model, folder: Path, report: Mapping[str, Any]) -> None:
    """Write the arrays and the readable report; the same model gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    head = {
        "format": FORMAT,
        "labels": model.labels,
        "languages": model.languages,
        "settings": dict(model.settings),
        "verifiers": {name: verifier.as_dict() for name, verifier in model.verifiers.items()},
    }
    arrays: dict[str, NDArray[Any]] = {name: getattr(model, name).astype(np.float16) for name in _HALVES}
    arrays["character_scale"] = model.character_scale.astype(np.float32)
    arrays["character_weights"] = model.character_weights
    arrays["head"] = np.frombuffer(json.dumps(head, sort_keys=True).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # numpy's stub takes a name for a flag
    (folder / ARRAYS).write_bytes(buffer.getvalue())
    text = json.dumps(report, indent=1, ensure_ascii=False, sort_keys=True)
    (folder / REPORT).write_text(text + "\n", encoding="utf-8")


def load(folder: Path) -> Model:
    """The model of a folder.

    :raises OldArrays: where there is none that this program reads.
    """
    file = folder / ARRAYS
    try:
        with np.load(file) as stored:
            head = json.loads(stored["head"].tobytes())
            if head.get("format") != FORMAT:
                raise OldArrays(f"{file} has format {head.get('format')}, this program reads {FORMAT}: run `train`")
            halves = {name: stored[name].astype(np.float32) for name in _HALVES}
            return Model(
                labels=tuple(head["labels"]),
                languages=tuple(head["languages"]),
                settings=head["settings"],
                verifiers={name: Verifier.from_dict(tree) for name, tree in head["verifiers"].items()},
                character_scale=stored["character_scale"],
                character_weights=stored["character_weights"],
                **halves,
            )
    except OldArrays:
        raise
    except (OSError, KeyError, ValueError, EOFError) as error:
        raise OldArrays(f"{file} cannot be read ({error}): run `train`") from error
