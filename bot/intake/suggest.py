"""Suggestions for who writes a fact: what it stands against, how it may be asked. Nothing is taken over by itself. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from bot.base import Base
from bot.facts import Entry, Fact, Localized, Talk, Unknown
from bot.search.features import stems
from bot.search.fold import fold

SAME_OBJECT_SHARE, ANY_OBJECT_SHARE = 0.35, 0.6
"""Shares of the rarer words that two statements must have in common; with another object more, as more is said of it."""
GUESS_SHARE = 0.2
"""From which a statement is likely to be about the same thing: a guess that somebody sees, no finding."""
FEWEST_SHARED = 3
MOST_VARIANTS = 12

Reason = Literal["same-side", "same-object", "same-words"]
Kind = Literal["fact", "unknown", "talk", "near-miss"]
_KINDS: dict[type[Entry], Kind] = {Fact: "fact", Unknown: "unknown", Talk: "talk"}


@dataclass(frozen=True, slots=True)
class Near:
    """What a new fact may contradict, supersede or, where it is an unknown, answer.

    `share` of the rarer words, 0 to 1. `elsewhere`: no country in common. `days` from this one to the new.
    """

    entry: Fact | Unknown
    reason: Reason
    share: float
    elsewhere: bool = False
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Collision:
    """A variant that is another entry's already, or a near-miss of fact `id` and so a question that it does not answer."""

    variant: str
    id: str
    kind: Kind


def near(
    base: Base, text: str, object: str, aspect: str, country: Sequence[str] = (), as_of: date | None = None, own_id: str = ""
) -> tuple[Near, ...]:
    """Sayable facts and unknowns near a claim or passage, nearest first; what is superseded already is left out.

    `object` and `aspect` may be empty while nobody has chosen them.
    """
    corpus = base.corpus
    current = [fact for fact in corpus.facts.values() if fact.superseded_by is None]
    known: list[Fact | Unknown] = [*current, *corpus.unknowns.values()]
    entries = [entry for entry in known if entry.id != own_id]
    weights = _weights(entries)
    own = frozenset(stems(text))
    found = []
    for entry in entries:
        share = max((_share(own, frozenset(stems(said)), weights) for said in _said(entry).values()), default=0.0)
        reason = _reason(entry, object, aspect, share)
        if reason is not None:
            found.append(_near(entry, reason, share, country, as_of))
    order = ("same-side", "same-object", "same-words")
    return tuple(sorted(found, key=lambda one: (order.index(one.reason), -one.share)))


def guesses(base: Base, text: str, own_id: str = "") -> tuple[Fact | Unknown, ...]:
    """What is most like a claim or passage, nearest first: whose object and side it may share. Nothing where nothing is."""
    known: list[Fact | Unknown] = [*base.corpus.facts.values(), *base.corpus.unknowns.values()]
    entries = [entry for entry in known if entry.id != own_id]
    weights, own = _weights(entries), frozenset(stems(text))
    shares = {
        entry.id: max((_share(own, frozenset(stems(said)), weights) for said in _said(entry).values()), default=0.0)
        for entry in entries
    }
    likely = [entry for entry in entries if shares[entry.id] >= GUESS_SHARE]
    return tuple(sorted(likely, key=lambda entry: -shares[entry.id]))


def variants(base: Base, object: str, aspect: str, language: str, names: Sequence[str] = ()) -> tuple[str, ...]:
    """Questions that the base has of the same aspect of other objects, with this object's name instead; none that it has.

    `names` are the object's in that language where the grid has none. They may need another article: somebody must read them.
    """
    objects = base.grid.get("objects") or {}
    own = [_bare(name) for name in names or (objects.get(object) or {}).get(language) or ()]
    if not own:
        return ()
    found: dict[str, str] = {}
    for text in _candidates(base, object, aspect, language, own):
        found.setdefault(fold(text), text)
    taken = {collision.variant for collision in collisions(base, tuple(found.values()), "")}
    return tuple(text for folded, text in found.items() if folded and text not in taken)[:MOST_VARIANTS]


def collisions(base: Base, variants: Sequence[str], own_id: str) -> tuple[Collision, ...]:
    """The variants that mean something else already, in their order. Withdrawn facts keep theirs."""
    corpus, withdrawn, found = base.corpus, _withdrawn(base), []
    for variant in variants:
        folded = fold(variant)
        owner = corpus.by_variant.get(folded) or withdrawn.get(folded)
        if owner is not None and owner.id != own_id:
            found.append(Collision(variant, owner.id, _KINDS[type(owner)]))
        if folded in corpus.near_misses:
            found.append(Collision(variant, _missed_by(base, folded), "near-miss"))
    return tuple(found)


def _said(entry: Fact | Unknown) -> Localized:
    return entry.claim if isinstance(entry, Fact) else entry.says


def _weights(entries: Sequence[Fact | Unknown]) -> dict[str, float]:
    """How rare the words of what is said are: 0 for one that stands everywhere."""
    counts = Counter(stem for entry in entries for stem in {s for said in _said(entry).values() for s in stems(said)})
    return {stem: math.log((len(entries) + 1) / count) for stem, count in counts.items()}


def _share(one: frozenset[str], other: frozenset[str], weights: dict[str, float]) -> float:
    """Shared weight over the smaller whole, so that a passage may be longer than a claim; 0 below three shared words."""
    both = one & other
    if len(both) < FEWEST_SHARED:
        return 0.0
    rarest = max(weights.values(), default=1.0)
    whole = min(sum(weights.get(stem, rarest) for stem in side) for side in (one, other))
    return sum(weights.get(stem, rarest) for stem in both) / whole if whole else 0.0


def _reason(entry: Fact | Unknown, object: str, aspect: str, share: float) -> Reason | None:
    if object and entry.object == object:
        if aspect and entry.aspect == aspect:
            return "same-side"
        return "same-object" if share >= SAME_OBJECT_SHARE else None
    return "same-words" if share >= ANY_OBJECT_SHARE else None


def _near(entry: Fact | Unknown, reason: Reason, share: float, country: Sequence[str], as_of: date | None) -> Near:
    if isinstance(entry, Unknown):
        return Near(entry, reason, share)
    elsewhere = bool(country) and bool(entry.place) and not set(country) & set(entry.place)
    return Near(entry, reason, share, elsewhere, (as_of - entry.as_of).days if as_of else None)


_ARTICLES = re.compile(
    r"^(?:der|die|das|den|dem|des|the|a|an|le|la|les|l['’]|el|los|las|il|lo|gli|i|de|het)(?:\s+|(?<=['’]))", re.IGNORECASE
)


def _bare(name: str) -> str:
    return _ARTICLES.sub("", name.strip())


def _candidates(base: Base, object: str, aspect: str, language: str, own: Sequence[str]) -> Iterator[str]:
    """The grid's phrasings of the aspect, then other objects' variants in which a name of theirs stands."""
    phrasings = ((base.grid.get("aspects") or {}).get(aspect) or {}).get(language) or ()
    whole = ((base.grid.get("objects") or {}).get(object) or {}).get(language) or own
    yield from (phrasing.replace("{object}", name) for phrasing in phrasings for name in whole)
    others: list[Fact | Unknown] = [*base.corpus.facts.values(), *base.corpus.unknowns.values()]
    for entry in others:
        if entry.aspect != aspect or entry.object == object:
            continue
        names = ((base.grid.get("objects") or {}).get(entry.object) or {}).get(language) or ()
        for name in sorted(map(_bare, names), key=len, reverse=True):
            pattern = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
            for text in entry.questions.get(language, ()):
                if pattern.search(text):
                    yield pattern.sub(lambda _: own[0], text)


def _withdrawn(base: Base) -> dict[str, Fact]:
    """Folded variant to the fact of a withdrawn item that it belongs to."""
    gone = (fact for fact in base.facts.values() if fact.id not in base.corpus.facts)
    return {fold(text): fact for fact in gone for texts in fact.questions.values() for text in texts}


def _missed_by(base: Base, folded: str) -> str:
    """The fact whose near-miss a folded text is."""
    facts = base.corpus.facts.values()
    return next(fact.id for fact in facts for texts in fact.near_misses.values() for text in texts if fold(text) == folded)
