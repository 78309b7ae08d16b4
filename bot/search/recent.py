"""What was decided for the questions just asked, so that what many ask at once is searched once.

Of a question only an HMAC with a key made at start is in memory, beside the ids of what was found.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Generic, TypeVar

from bot.search import characters, language
from bot.search.fold import fold

Value = TypeVar("Value")
MOST = 4_096


def forget_words() -> None:
    """Drop what folding keeps of texts, once a question is answered: it would be the question itself."""
    fold.cache_clear()
    characters._word_grams.cache_clear()
    language._word_grams.cache_clear()


class Recent(Generic[Value]):
    """Question and language to what was decided; the oldest are dropped."""

    def __init__(self, most: int = MOST) -> None:
        self._key, self._most = secrets.token_bytes(32), most
        self._kept: dict[bytes, Value] = {}

    def get(self, question: str, language: str) -> Value | None:
        return self._kept.get(self._name(question, language))

    def put(self, question: str, language: str, value: Value) -> None:
        self._kept[self._name(question, language)] = value
        while len(self._kept) > self._most:
            self._kept.pop(next(iter(self._kept)), None)

    def _name(self, question: str, language: str) -> bytes:
        return hashlib.blake2b(f"{language}\n{question}".encode(), key=self._key, digest_size=16).digest()
