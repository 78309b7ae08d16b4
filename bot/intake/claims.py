"""Drafts of claims: begun beside a publication's, and found where a steward writes of the publication."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

from bot.base import Base
from bot.intake.drafts import FOLDER, Draft, drafts_of, facts_for
from bot.intake.writing import dumped, write

Tree = dict[str, Any]


def claim_tree(id: str, item: str, day: date | str | None, places: Sequence[str], passage: str) -> Tree:
    """A draft of a claim: what is known of it is filled in, what a steward must write is not."""
    row: Tree = {
        "id": id,
        "claim": {},
        "status": None,
        "object": id,
        "aspect": "says",
        "place": list(places),
        "as_of": str(day) if day else None,
        "item": item,
        "questions": {},
        "superseded_by": None,
    }
    return {"topic": None, "facts": [row], "passage": passage}


def claim_of(folder: Path, base: Base, item: Draft, is_new: bool) -> Draft:
    """The claim that is meant by what is written of a publication: where it says a claim the first that says none yet, else
    the first that lacks something; where there is none, a new one.
    """
    drafts, _ = drafts_of(folder)
    claims = facts_for(item, drafts)
    waiting = [one for one in claims if not one.row.get("claim")] if is_new else [one for one in claims if one.missing(base)]
    if waiting or (claims and not is_new):
        return (waiting or claims)[0]
    id = _new(item.id, drafts, base)
    path = folder / FOLDER / "facts" / f"{id}.yaml"
    row = item.row
    write(path, dumped(claim_tree(id, item.id, row.get("date"), row.get("country") or (), str(row.get("passage") or ""))))
    return drafts_of(folder)[0][id]


def _new(item: str, drafts: Mapping[str, Draft], base: Base) -> str:
    taken = {*drafts, *base.facts, *base.unknowns}
    return next(id for number in count(1) if (id := f"{item[:34]}-{number}") not in taken)
