"""What lives in memory only: a chat's chosen language and the last fact said in it. Gone at a restart."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from bot.messages import Address

Value = TypeVar("Value")

FACT_LIFETIME = timedelta(minutes=10)
MOST_CHATS = 10_000


@dataclass(slots=True)
class Memory:
    """Keyed by an HMAC of the address with a key made at start, so that a dump names no chat."""

    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _languages: dict[bytes, str] = field(default_factory=dict, repr=False)
    _facts: dict[bytes, tuple[str, datetime]] = field(default_factory=dict, repr=False)

    def language(self, address: Address) -> str | None:
        """The language that was chosen in this chat."""
        return self._languages.get(self._name(address))

    def choose_language(self, address: Address, language: str) -> None:
        _keep(self._languages, self._name(address), language)

    def fact(self, address: Address, now: datetime) -> str | None:
        """The id of the last fact said in this chat within ten minutes."""
        id, said = self._facts.get(self._name(address), ("", datetime.min))
        return id if id and now.replace(tzinfo=None) - said <= FACT_LIFETIME else None

    def said(self, address: Address, fact: str, now: datetime) -> None:
        """A fact was said; what is older than its lifetime is dropped from all chats."""
        moment = now.replace(tzinfo=None)
        for name in [name for name, (_, said) in self._facts.items() if moment - said > FACT_LIFETIME]:
            del self._facts[name]
        _keep(self._facts, self._name(address), (fact, moment))

    def forget(self, address: Address) -> None:
        """Everything of this chat."""
        self._languages.pop(self._name(address), None)
        self._facts.pop(self._name(address), None)

    def _name(self, address: Address) -> bytes:
        return hmac.digest(self._key, str(address).encode(), "sha256")


def _keep(kept: dict[bytes, Value], name: bytes, value: Value) -> None:
    kept.pop(name, None)
    kept[name] = value
    while len(kept) > MOST_CHATS:
        del kept[next(iter(kept))]
