"""The cache of encoder rows in the state folder, by content: a changed base embeds only what changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bot.search.encoder import Encoder, Vector
from bot.search.fold import readable

_BATCH = 256
_KEPT = 32
"""Batches after which what is done so far is written down: a process that is stopped does not begin anew."""
_NOT_A_NAME = str.maketrans(dict.fromkeys("/\\ :", "-"))


def vectors_of(texts: Sequence[str], encoder: Encoder, state: Path | None) -> Vector:
    """One row a text, from the cache where it is there. Only curated texts pass here, never a person's question."""
    known = _load(state, encoder)
    keys = [_key(text) for text in texts]
    missing = {key: readable(text) for key, text in zip(keys, texts) if key not in known}
    wanted = list(missing.items())
    batches = [wanted[start : start + _BATCH] for start in range(0, len(wanted), _BATCH)]
    for number, batch in enumerate(batches, start=1):
        for (key, _), row in zip(batch, encoder.encode([text for _, text in batch])):
            known[key] = row.astype(np.float16)
        if state is not None and (number % _KEPT == 0 or number == len(batches)):
            _save(state, encoder, {key: known[key] for key in dict.fromkeys(keys) if key in known})
    rows = [known[key] for key in keys]
    return np.asarray(rows, dtype=np.float32).reshape(len(rows), encoder.dimensions)


def _key(text: str) -> bytes:
    return hashlib.sha256(readable(text).encode()).digest()[:16]


def _file(state: Path, encoder: Encoder) -> Path:
    return state / f"vectors-{encoder.name.translate(_NOT_A_NAME)}.npz"


def _load(state: Path | None, encoder: Encoder) -> dict[bytes, Vector]:
    if state is None:
        return {}
    try:
        with np.load(_file(state, encoder)) as stored:
            return {key.tobytes(): row for key, row in zip(stored["keys"], stored["rows"])}
    except (OSError, KeyError, ValueError, EOFError):
        return {}


def _save(state: Path, encoder: Encoder, known: dict[bytes, Vector]) -> None:
    state.mkdir(parents=True, exist_ok=True)
    file = _file(state, encoder)
    draft = file.with_suffix(f".{os.getpid()}.tmp")
    keys = np.frombuffer(b"".join(known), dtype=np.uint8).reshape(len(known), 16)
    with draft.open("wb") as out:
        np.savez(out, keys=keys, rows=np.asarray(list(known.values())))
    os.replace(draft, file)
