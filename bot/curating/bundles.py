"""What goes out together, a publication and the claims that rest on it, and why something does not. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot.base import Base
from bot.intake.drafts import Draft, facts_for

MOST_TOGETHER = 20
"""Entries that go out together: no more than one steward may publish in an hour."""


class Refused(Exception):
    """Nothing was done: the key of the phrase that says why and what to do, and its values."""

    def __init__(self, key: str, **values: str) -> None:
        super().__init__(key)
        self.key, self.values = key, values


@dataclass(frozen=True, slots=True)
class Published:
    """What is said from now on; `waits_for` another steward where nothing is yet; `held` is how long posts wait for it.

    `again`: the same steward had said so before, and nothing is new.
    """

    ids: tuple[str, ...]
    left: tuple[str, ...] = ()
    waits_for: bool = False
    held: timedelta = timedelta(0)
    again: bool = False


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Said no more. `reviewed`: posts show why, after `held`; else once a second steward gives the same reason.

    `aside` are the ids of drafts that would have said it again.
    """

    reviewed: bool
    held: timedelta = timedelta(0)
    aside: tuple[str, ...] = ()


def family(id: str, drafts: Mapping[str, Draft]) -> tuple[Draft, ...]:
    """A draft, and where it is a publication the claims that rest on it.

    :raises Refused: where there is no such draft.
    """
    if id not in drafts:
        raise Refused("draft.unknown", id=id[:40])
    draft = drafts[id]
    return (draft, *(facts_for(draft, drafts) if draft.kind == "item" else ()))


def bundle(id: str, drafts: Mapping[str, Draft], base: Base) -> tuple[tuple[Draft, ...], tuple[str, ...]]:
    """What is published with a draft, and the ids of claims that stay drafts: not complete yet, or too many.

    :raises Refused: where the draft itself is not complete, rests on what is not published, or supersedes no fact.
    """
    draft, *claims = family(id, drafts)
    if missing := draft.missing(base):
        raise Refused("publish.missing", id=id, fields=", ".join(missing))
    if draft.kind == "fact" and str(draft.row["item"]) not in base.items:
        raise Refused("publish.item-first", id=id, item=str(draft.row["item"]))
    complete = [claim for claim in claims if not claim.missing(base)]
    for one in (draft, *complete):
        former = str(one.tree.get("supersedes") or "")
        if former and former not in base.facts:
            raise Refused("publish.no-former", id=one.id, former=former)
    taken = complete[: MOST_TOGETHER - 1]
    return (draft, *taken), tuple(claim.id for claim in claims if claim not in taken)
