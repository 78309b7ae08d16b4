"""The curated base as values: facts, known unknowns, items (publications) and small talk."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

Localized = Mapping[str, str]
"""Language code to text."""

DOSSIER = "dossier"
"""What `collected` of a publication says of one that the folder's dossier collected."""

Questions = Mapping[str, tuple[str, ...]]
"""Language code to question variants."""


@dataclass(frozen=True, slots=True)
class Item:
    """One publication: what digests carry and what answers name as their source.

    `collected`: `DOSSIER` where the dossier that base.yaml names brought it, None where it came any other way.
    """

    id: str
    date: datetime.date
    title: Localized
    summary: Localized
    outlet: str
    author: str
    cites: tuple[str, ...] = ()
    url: str | None = None
    country: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    published: datetime.date | None = None
    withdrawn: datetime.date | None = None
    reason: Localized = field(default_factory=dict)
    collected: str | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """What is watched for new publications, and what stewards call it."""

    url: str
    name: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One claim with its hedge, its place and date, and whom it is known from.

    `asks` is the question it answers, as an offer words it; `near_misses` look like it and are not answered by it.
    """

    id: str
    topic: str
    claim: Localized
    status: str
    object: str
    aspect: str
    place: tuple[str, ...]
    as_of: datetime.date
    item: str | None
    questions: Questions = field(repr=False)
    asks: Localized = field(default_factory=dict)
    near_misses: Questions = field(default_factory=dict, repr=False)
    saw: Localized = field(default_factory=dict)
    superseded_by: str | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """What people ask and the dossier does not say: an honest answer of its own."""

    id: str
    topic: str
    object: str
    aspect: str
    says: Localized
    nearest: tuple[str, ...]
    questions: Questions = field(repr=False)


@dataclass(frozen=True, slots=True)
class Talk:
    """A class of messages that no fact base answers: greetings, distress, pleas for advice, chatter."""

    id: str
    kind: str
    questions: Questions = field(repr=False)


Entry = Fact | Unknown | Talk


def in_language(text: Localized, *languages: str) -> tuple[str, str]:
    """The text in the first of the languages that it has, else in any, and which one that was."""
    for language in languages:
        if language in text:
            return text[language], language
    language = next(iter(text))
    return text[language], language
