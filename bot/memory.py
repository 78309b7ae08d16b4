"""What lives in memory only: a chat's chosen language, the last fact said, ids of the bot's own messages. Gone at a restart."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from bot.lifetimes import FACT, OWN, REPORT
from bot.messages import Address, Choices

Value = TypeVar("Value")

MOST_OWN = 1_000
MOST_CHATS = 10_000
MOST_OF_A_CHAT = 3
MOST_PASSED_ON = 30
"""Questions an hour that one chat, and all together, may pass on to the stewards."""


@dataclass(frozen=True, slots=True)
class _Own:
    id: str
    to: bytes
    by: bytes
    sent: datetime
    draft: str | None = None


@dataclass(frozen=True, slots=True)
class _Said:
    fact: str
    at: datetime
    private: bool


@dataclass(frozen=True, slots=True)
class _Offered:
    choices: Choices
    at: datetime
    private: bool


@dataclass(slots=True)
class Memory:
    """Under a keyed hash of the address, with a key made at start, so that a dump names no chat."""

    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _languages: dict[bytes, str] = field(default_factory=dict, repr=False)
    _facts: dict[bytes, _Said] = field(default_factory=dict, repr=False)
    _own: dict[bytes, list[_Own]] = field(default_factory=dict, repr=False)
    _choices: dict[bytes, _Offered] = field(default_factory=dict, repr=False)
    _reports: dict[str, datetime] = field(default_factory=dict, repr=False)
    _passed_on: list[tuple[bytes, datetime]] = field(default_factory=list, repr=False)

    def language(self, address: Address) -> str | None:
        """The language that was chosen in this chat."""
        return self._languages.get(self._name(address))

    def choose_language(self, address: Address, language: str) -> None:
        _keep(self._languages, self._name(address), language)

    def fact(self, address: Address, now: datetime) -> str | None:
        """The id of the last fact said in this chat within ten minutes."""
        said = self._facts.get(self._name(address))
        return said.fact if said and now - said.at <= FACT else None

    def said(self, address: Address, fact: str, now: datetime, *, private: bool = True) -> None:
        """A fact was said; what is older than its lifetime is dropped from all chats."""
        for name in [name for name, said in self._facts.items() if now - said.at > FACT]:
            del self._facts[name]
        _keep(self._facts, self._name(address), _Said(fact, now, private))

    def offered(self, address: Address, choices: Choices, now: datetime, *, private: bool = True) -> None:
        """What the numbers of the last answer mean, where there are no buttons; kept as long as the answer."""
        self._choices.pop(self._name(address), None)
        if choices.says:
            _keep(self._choices, self._name(address), _Offered(choices, now, private))

    def choices(self, address: Address, now: datetime) -> Choices:
        """What the numbers of the last answer mean."""
        kept = self._choices.get(self._name(address))
        return kept.choices if kept and now - kept.at <= FACT else Choices()

    def sent(self, address: Address, id: str, to: str, now: datetime, by: str = "", draft: str | None = None) -> None:
        """The bot sent message `id` in answer to message `to` of `by`; it shows a draft.

        One that it changed in place still answers what it did, and stays as old as it is.
        """
        name = self._name(address)
        fresh = [own for own in self._own.get(name, ()) if now - own.sent <= OWN]
        before = next((own for own in fresh if own.id == id), _Own(id, self._mark(to), self._mark(by), now))
        others = [own for own in fresh if own.id != id]
        _keep(self._own, name, [*others, replace(before, draft=draft)][-MOST_OWN:])

    def own(self, address: Address, now: datetime) -> tuple[str, ...]:
        """The ids of the bot's own messages in this chat that are still remembered, oldest first."""
        kept = [own for own in self._own.get(self._name(address), ()) if now - own.sent <= OWN]
        return tuple(own.id for own in kept)

    def answers_to(self, address: Address, id: str, now: datetime, by: str | None = None) -> tuple[str, ...]:
        """The ids of the bot's messages that answered message `id`; of `by` alone where one is named."""
        mark = self._mark(id)
        kept = self._own.get(self._name(address), ())
        asker = None if by is None else self._mark(by)
        fresh = [own for own in kept if own.to == mark and now - own.sent <= OWN]
        return tuple(own.id for own in fresh if asker is None or own.by == asker)

    def draft_of(self, address: Address, id: str | None, now: datetime) -> str | None:
        """The draft that the bot's message `id` shows."""
        kept = self._own.get(self._name(address), ())
        return next((own.draft for own in kept if own.id == id and now - own.sent <= OWN), None)

    def taken_back(self, address: Address, id: str) -> None:
        """The bot's message `id` in this chat is no longer there."""
        name = self._name(address)
        kept = [own for own in self._own.pop(name, ()) if own.id != id]
        if kept:
            self._own[name] = kept

    def deleted(self, address: Address) -> None:
        """The bot's own messages in this chat were deleted."""
        self._own.pop(self._name(address), None)

    def purge(self, now: datetime) -> None:
        """Drop what is older than its lifetime, in every chat."""
        for name, kept in list(self._own.items()):
            self._own[name] = [own for own in kept if now - own.sent <= OWN]
            if not self._own[name]:
                del self._own[name]
        for name, offered in list(self._choices.items()):
            if now - offered.at > FACT:
                del self._choices[name]
        self._passed_on = [(name, at) for name, at in self._passed_on if now - at <= REPORT]
        self._reports = {id: at for id, at in self._reports.items() if now - at <= REPORT}
        for name, said in list(self._facts.items()):
            if now - said.at > FACT:
                del self._facts[name]

    def reported(self, fact: str, now: datetime) -> None:
        """A fact was reported; kept of the fact alone, not of who did."""
        self._reports = {id: at for id, at in self._reports.items() if now - at <= REPORT} | {fact: now}

    def was_reported(self, fact: str, now: datetime) -> bool:
        """Whether a fact was reported within the hour."""
        return fact in self._reports and now - self._reports[fact] <= REPORT

    def pass_on(self, address: Address, now: datetime) -> bool:
        """Count a question that this chat passes on, unless it or all chats together did so too often within the hour."""
        self._passed_on = [(name, at) for name, at in self._passed_on if now - at <= REPORT]
        if len(self._passed_on) >= MOST_PASSED_ON or self.passed_on(address, now) >= MOST_OF_A_CHAT:
            return False
        self._passed_on.append((self._name(address), now))
        return True

    def not_passed_on(self, address: Address) -> None:
        """The last one did not arrive and does not count."""
        name = self._name(address)
        last = next((number for number, (own, _) in reversed([*enumerate(self._passed_on)]) if own == name), None)
        if last is not None:
            del self._passed_on[last]

    def passed_on(self, address: Address, now: datetime) -> int:
        """How many questions this chat passed on within the hour."""
        name = self._name(address)
        return sum(own == name and now - at <= REPORT for own, at in self._passed_on)

    def forget(self, address: Address) -> None:
        """Everything of this chat."""
        self._languages.pop(self._name(address), None)
        self._facts.pop(self._name(address), None)
        self._own.pop(self._name(address), None)
        self._choices.pop(self._name(address), None)
        self._pass_on_by_nobody(address)

    def others_read(self, address: Address) -> None:
        """Others read in this chat now: what was said while it was private is not for them."""
        name = self._name(address)
        if name in self._facts and self._facts[name].private:
            del self._facts[name]
        if name in self._choices and self._choices[name].private:
            del self._choices[name]
        self._pass_on_by_nobody(address)

    def _pass_on_by_nobody(self, address: Address) -> None:
        # How many all chats passed on still counts, from whom no more.
        self._passed_on = [(b"" if name == self._name(address) else name, at) for name, at in self._passed_on]

    def _mark(self, id: str) -> bytes:
        return hashlib.blake2b(id.encode(), key=self._key, digest_size=8).digest()

    def _name(self, address: Address) -> bytes:
        return hashlib.blake2b(str(address).encode(), key=self._key, digest_size=32).digest()


def _keep(kept: dict[bytes, Value], name: bytes, value: Value) -> None:
    kept.pop(name, None)
    kept[name] = value
    while len(kept) > MOST_CHATS:
        del kept[next(iter(kept))]
