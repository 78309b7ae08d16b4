"""What is searched: sayable facts, known unknowns, small talk, and the names that decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from bot.facts import Entry, Fact, Talk, Unknown
from bot.search.fold import fold
from bot.search.names import Names


@dataclass(frozen=True)
class Corpus:
    """By id; facts of withdrawn items are not in it. `asked_by_place`: aspects whose answer differs by country and year."""

    facts: Mapping[str, Fact]
    unknowns: Mapping[str, Unknown]
    talk: Mapping[str, Talk]
    names: Names
    asked_by_place: frozenset[str] = frozenset()

    def entries(self) -> Iterator[Entry]:
        """Facts, then unknowns, then talk."""
        yield from self.facts.values()
        yield from self.unknowns.values()
        yield from self.talk.values()

    @cached_property
    def by_variant(self) -> Mapping[str, Entry]:
        """Folded question variant to the entry that it asks for; what a fact's button says is typed as well."""
        asked: list[tuple[str, Entry]] = [(text, fact) for fact in self.facts.values() for text in fact.asks.values()]
        asked += [(text, entry) for entry in self.entries() for texts in entry.questions.values() for text in texts]
        return {folded: entry for text, entry in asked if (folded := fold(text))}

    @cached_property
    def near_misses(self) -> frozenset[str]:
        """Folded near-misses of every fact."""
        return frozenset(fold(text) for fact in self.facts.values() for texts in fact.near_misses.values() for text in texts)

    def successor(self, fact: Fact) -> Fact | None:
        """The fact that holds today instead of a superseded one."""
        newest: Fact | None = None
        while fact.superseded_by in self.facts:
            fact = newest = self.facts[str(fact.superseded_by)]
        return newest


def label_of(entry: Entry) -> str:
    """`kind:id` of an entry, as the model names it."""
    return f"{type(entry).__name__.lower()}:{entry.id}"


def texts_of(entry: Entry) -> Iterator[tuple[str, str]]:
    """Language and text of everything an entry is found by: its variants, and a fact's claim."""
    for language, variants in entry.questions.items():
        for variant in variants:
            yield language, variant
    if isinstance(entry, Fact):
        yield from entry.claim.items()
