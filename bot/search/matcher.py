"""How a question finds its fact, or honestly does not. Pure: no input or output after it is made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bot.facts import Entry, Fact, Talk, Unknown
from bot.search.arrays import Floats, Model, Scores, group, log_softmax
from bot.search.corpus import Corpus
from bot.search.encoder import Encoder
from bot.search.features import Lexicon
from bot.search.fold import fold, readable
from bot.search.names import years
from bot.search.recent import Recent

Kind = Literal["none", "country", "older", "advice", "distress", "greeting", "unreadable"]
OFFERED = 3
LONGEST = 1_000
DANGER = 0.2
"""Share of danger in what is heard of distress from which the emergency number comes first: rather once too often."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A fact answers. `kind` says what must be said first: that it is of another country than asked, or older.

    `others` are the next best, for somebody who meant something else.
    """

    fact: Fact
    score: float
    kind: Literal["country", "older"] | None = None
    asked: frozenset[str] = frozenset()
    others: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggest:
    """Not sure enough: up to three facts, said as the questions that they answer."""

    facts: tuple[Fact, ...]
    score: float


@dataclass(frozen=True, slots=True)
class NotKnown:
    """A known unknown matched: what the dossier does not say."""

    unknown: Unknown
    score: float


@dataclass(frozen=True, slots=True)
class Decline:
    """No answer, and which kind of no. `talk` is the class of small talk, `facts` what the text points to."""

    kind: Kind
    score: float = 0.0
    facts: tuple[Fact, ...] = ()
    talk: str | None = None
    asked: frozenset[str] = frozenset()
    company: str | None = None


Outcome = Answer | Suggest | NotKnown | Decline


@dataclass(frozen=True, slots=True)
class Found:
    """The outcome for one question and the language it is in ("" where none could be told)."""

    question: str
    language: str
    outcome: Outcome


class Matcher:
    """Questions to outcomes over one corpus with one model. Thread-safe."""

    def __init__(self, corpus: Corpus, model: Model, encoder: Encoder | None) -> None:
        self.corpus, self.model, self.encoder = corpus, model, encoder
        self.lexicon = Lexicon.of(corpus, model.labels)
        known = {"fact": corpus.facts, "near": corpus.facts, "unknown": corpus.unknowns, "talk": corpus.talk}
        ids = [label.split(":", 1) for label in model.labels]
        # Labels whose entry was removed or withdrawn since training are never found again.
        gone = [kind in known and id not in known[kind] for kind, id in ids]
        self._gone = np.where(gone, -60.0, 0.0).astype(np.float32)
        self._facts = np.asarray([kind == "fact" and not out for (kind, _), out in zip(ids, gone)])
        self._kinds = np.asarray([kind for kind, _ in ids])
        self._ids = [id for _, id in ids]
        mode = "encoder" if encoder else "characters"
        self._verifiers = {
            (use, name): model.verifiers[f"{mode}/{use}/{name}"] for use in ("answer", "offer") for name in ("de", "other")
        }
        self._thresholds = model.settings["thresholds"][mode]
        self._recent: Recent[Outcome] = Recent()

    def find(self, text: str, language: str | None = None) -> Found:
        """The outcome for a text; `language` where it is known."""
        question = readable(text)
        if not fold(question) or not any(c.isalpha() for c in question):
            return Found(question, language or "", Decline("unreadable"))
        told = language or self.model.language(question)[0]
        if len(text) > LONGEST:
            return Found(question, told, Decline("unreadable", talk="too-long"))
        entry = self.corpus.by_variant.get(fold(question))
        if entry is not None:
            return Found(question, told, self.said(entry, question, 1.0))
        decided = self._recent.get(question, told)
        if decided is None:
            decided = self._decide(question, told)
            self._recent.put(question, told, decided)
        return Found(question, told, decided)

    def scored(self, question: str, language: str) -> Scores:
        """The heads on one readable question, without labels that are gone."""
        vector = self.encoder.encode([question])[0] if self.encoder else None
        scores = self.model.scores(question, vector, language)
        return replace(scores, fused=log_softmax(scores.fused + self._gone))

    def confidence(self, question: str, language: str, scores: Scores) -> tuple[int, float, float]:
        """The best fact's position, how likely it answers, and how likely one of the best three does."""
        top = int(np.where(self._facts, scores.fused, -np.inf).argmax())
        features = self.lexicon.features(question, scores, top)
        answer, offer = (self._verifiers[use, group(language)].probability(features) for use in ("answer", "offer"))
        return top, answer, offer

    def _decide(self, question: str, language: str) -> Outcome:
        scores = self.scored(question, language)
        p = np.exp(scores.fused)
        distress = sum(float(p[i]) for i in self._talk("distress", "danger"))
        if distress >= self._thresholds["distress"]:
            danger = sum(float(p[i]) for i in self._talk("danger"))
            return Decline("distress", distress, talk="danger" if danger >= distress * DANGER else "distress")
        talk = self._talk_wins(p)
        may_answer = self._kinds[int(p.argmax())] != "talk"
        if talk is not None:
            return self.said(talk, question, float(p.max()))
        return self.facts_outcome(question, language, scores, may_answer) or self._no(question, p)

    def facts_outcome(self, question: str, language: str, scores: Scores, may_answer: bool) -> Outcome | None:
        """The best fact where it is sure and may be said, else an offer, else None."""
        if not self._facts.any():
            return None
        limits = self._thresholds[group(language)]
        top, sure, offer = self.confidence(question, language, scores)
        best = self._best_facts(np.exp(scores.fused))
        if may_answer and sure >= limits["answer"]:
            return with_others(self.said(self.corpus.facts[self._ids[top]], question, sure), best)
        return Suggest(best, offer) if offer >= limits["suggest"] else None

    def _no(self, question: str, p: Floats) -> Outcome:
        companies = self.corpus.names.companies(question)
        best = int(p.argmax())
        unknown = int(np.where(self._kinds == "unknown", p, -1).argmax())
        if self._kinds[best] == "unknown" or p[unknown] >= 0.3:
            return NotKnown(self.corpus.unknowns[self._ids[unknown]], float(p[unknown]))
        if companies:
            return Decline("none", float(p[best]), company=companies[0])
        near = self._ids[best] if self._kinds[best] == "near" else None
        return Decline("none", float(p[best]), (self.corpus.facts[near],) if near else ())

    def said(self, entry: Entry, question: str, score: float) -> Outcome:
        """An entry as the outcome of a question that asks for it, with the place and the year that it names."""
        if isinstance(entry, Unknown):
            return NotKnown(entry, score)
        if isinstance(entry, Talk):
            return Decline(entry.kind, score, talk=entry.id)  # type: ignore[arg-type]  # the schema allows only kinds
        asked = self.corpus.names.places(question)
        elsewhere = bool(asked and entry.place and not asked & set(entry.place))
        later = any(year > entry.as_of.year for year in years(question))
        if elsewhere or later:
            kind: Literal["country", "older"] = "country" if elsewhere else "older"
            if entry.aspect in self.corpus.asked_by_place:
                return Decline(kind, score, (entry,), asked=asked)
            return Answer(entry, score, kind, asked)
        return Answer(entry, score)

    def _talk(self, *ids: str) -> list[int]:
        return [i for i, (kind, id) in enumerate(zip(self._kinds, self._ids)) if kind == "talk" and id in ids]

    def _talk_wins(self, p: Floats) -> Talk | None:
        best = int(p.argmax())
        return self.corpus.talk[self._ids[best]] if self._kinds[best] == "talk" and p[best] >= 0.5 else None

    def _best_facts(self, p: Floats) -> tuple[Fact, ...]:
        order = np.argsort(-np.where(self._facts, p, -1), kind="stable")[:OFFERED]
        return tuple(self.corpus.facts[self._ids[i]] for i in order if self._facts[i])


def with_others(outcome: Outcome, best: tuple[Fact, ...]) -> Outcome:
    """An answer with the next best beside it."""
    if not isinstance(outcome, Answer):
        return outcome
    return replace(outcome, others=tuple(fact for fact in best if fact.id != outcome.fact.id))
