"""One message to its outcomes: two questions get two answers, and a bare follow-up is asked of the last fact said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.facts import Fact
from bot.search.fold import fold
from bot.search.matcher import Answer, Decline, Found, Matcher, NotKnown, Outcome, Suggest

_QUESTION_END = re.compile(r"(?<=[?？؟])\s+|\n+")
SETTLED = 0.95
"""How sure an answer must be that rests on an object which the question itself does not name."""
SHORT = 8
"""Words up to which a text may be a follow-up that leaves out its object."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Asked of the last fact: who says so, since when, or for more."""

    fact: Fact
    asks: Literal["source", "date", "more"]


@dataclass(frozen=True, slots=True)
class Heard:
    """A question and what is to be said to it."""

    question: str
    language: str
    outcome: Outcome | FollowUp


Objects = Mapping[str, Mapping[str, Sequence[str]]]
"""Object id to its names by language."""


def hear(matcher: Matcher, text: str, language: str | None, about: Fact | None, objects: Objects) -> list[Heard]:
    """The outcomes of a message, one a question; `about` is the last fact said in this chat, if it is known."""
    parts = [part.strip() for part in _QUESTION_END.split(text.strip()) if part.strip()]
    if len(parts) == 2 and parts[0][-1] in "?？؟" and all(len(fold(part).split()) > 1 for part in parts):
        first = _one(matcher, parts[0], language, about, objects)
        second = _one(matcher, parts[1], language, _fact_of(first) or about, objects)
        if _sure(first) and _sure(second) and _entry(first) != _entry(second):
            return [first, second]
    return [_one(matcher, text, language, about, objects)]


def _one(matcher: Matcher, text: str, language: str | None, about: Fact | None, objects: Objects) -> Heard:
    found = matcher.find(text, language)
    heard = Heard(found.question, found.language, found.outcome)
    words = len(fold(text).split())
    if about is None:
        return _of_everything(matcher, heard)
    if words > SHORT or (_sure(heard) and not _bare_source(found, words)):
        return heard
    return _follow(matcher, found, about) or _with_object(matcher, found, about, objects) or heard


def _of_everything(matcher: Matcher, heard: Heard) -> Heard:
    """ "Who says so?" of nothing in particular: where all facts come from, if a fact says that."""
    if isinstance(heard.outcome, Decline) and heard.outcome.talk == "followup-source":
        for fact in matcher.corpus.facts.values():
            if (fact.object, fact.aspect) == ("dossier", "source"):
                return Heard(heard.question, heard.language, Answer(fact, heard.outcome.score))
    return heard


def _bare_source(found: Found, words: int) -> bool:
    """ "Source?" alone is a fact of the dossier, but after an answer it means that answer."""
    return isinstance(found.outcome, Answer) and found.outcome.fact.object == "dossier" and words <= 4


def _follow(matcher: Matcher, found: Found, about: Fact) -> Heard | None:
    talk = found.outcome.talk if isinstance(found.outcome, Decline) else None
    if talk == "followup-place" or (talk is None and matcher.corpus.names.places(found.question)):
        places = matcher.corpus.names.places(found.question)
        if not places or len(fold(found.question).split()) > (4 if talk else 3):
            return None
        fact = _sibling(matcher, about, places) or about
        return Heard(found.question, found.language, matcher.said(fact, found.question, 1.0))
    if talk == "followup-source" or isinstance(found.outcome, Answer):
        return Heard(found.question, found.language, FollowUp(about, "source"))
    if talk == "followup-date":
        return Heard(found.question, found.language, FollowUp(about, "date"))
    if talk == "followup-more":
        return Heard(found.question, found.language, FollowUp(about, "more"))
    return None


def _sibling(matcher: Matcher, about: Fact, places: frozenset[str]) -> Fact | None:
    """The one other fact of the same object and kind of aspect that is documented there."""
    side = about.aspect.partition("-")[0]
    found = [
        fact
        for fact in matcher.corpus.facts.values()
        if fact.object == about.object and fact.aspect.partition("-")[0] == side and places <= set(fact.place)
    ]
    return found[0] if len(found) == 1 else None


def _with_object(matcher: Matcher, found: Found, about: Fact, objects: Objects) -> Heard | None:
    """Asked again with the last fact's object named: kept only where that makes sure of a fact that was offered anyway."""
    if not isinstance(found.outcome, Suggest):
        return None
    names = objects.get(about.object, {})
    name = next(iter(names.get(found.language) or names.get("en") or ()), None)
    if name is None:
        return None
    again = matcher.find(f"{found.question.rstrip('?.! ')} ({name})?", found.language)
    match again.outcome:
        case Answer(fact=fact, score=score) if score >= SETTLED and fact.object == about.object:
            if fact in found.outcome.facts:
                return Heard(found.question, found.language, again.outcome)
    return None


def _sure(heard: Heard) -> bool:
    return isinstance(heard.outcome, (Answer, NotKnown, FollowUp))


def _entry(heard: Heard) -> str:
    outcome = heard.outcome
    return outcome.unknown.id if isinstance(outcome, NotKnown) else getattr(_fact_of(heard), "id", "")


def _fact_of(heard: Heard) -> Fact | None:
    return heard.outcome.fact if isinstance(heard.outcome, (Answer, FollowUp)) else None
