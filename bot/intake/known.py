"""Which publication of ours a page's entry is: in the dossier, among the drafts, or declined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from bot.facts import Item
from bot.intake.drafts import DECLINED, FOLDER, Draft
from bot.intake.found import Publication
from bot.search.fold import fold
from bot.yaml_lines import read

Tree = dict[str, Any]
SAME_NAME = 0.9
"""Likeness from which two spellings are taken for one author: a steward may have mended what the page has wrong."""


def publications_of(folder: Path, items: Iterable[Item], drafts: Iterable[Draft]) -> dict[str, Tree]:
    """Every publication by id; a draft's word counts for more than the dossier's, what was declined for less."""
    trees: dict[str, Tree] = {}
    for path in sorted((folder / FOLDER / DECLINED).glob("*.yaml")):
        tree = read(path).tree or {}
        if "outlet" in tree:
            trees[str(tree["id"])] = tree
    trees |= {item.id: _tree_of(item) for item in items}
    return trees | {draft.id: draft.tree for draft in drafts if draft.kind == "item"}


def find(publication: Publication, trees: Mapping[str, Tree]) -> str | None:
    """The id of the publication that this is: the same address, or the same day and author, or day, outlet and title."""
    for id, tree in trees.items():
        if publication.url and tree.get("url") == publication.url:
            return id
    if publication.date is None:
        return None
    for id, tree in trees.items():
        if str(tree.get("date")) != publication.date.isoformat():
            continue
        author = str(tree.get("author") or "").casefold()
        if publication.author and SequenceMatcher(None, author, publication.author.casefold()).ratio() >= SAME_NAME:
            return id
        titles = {fold(title) for title in (tree.get("title") or {}).values()}
        if fold(str(tree.get("outlet") or "")) == fold(publication.outlet) and fold(publication.title) in titles:
            return id
    return None


def _tree_of(item: Item) -> Tree:
    return {
        "id": item.id,
        "date": item.date.isoformat(),
        "title": dict(item.title),
        "summary": dict(item.summary),
        "outlet": item.outlet,
        "author": item.author,
        "cites": list(item.cites),
        "url": item.url,
        "country": list(item.country),
        "topics": list(item.topics),
        "published": None,
        "withdrawn": None,
    }
