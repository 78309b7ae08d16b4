"""Which publication of ours a page's entry is: in the dossier, among the drafts, or declined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.facts import Item
from bot.intake.drafts import Draft, declined_of
from bot.intake.found import Publication
from bot.intake.ledger import Ledger, mark
from bot.search.fold import fold

Tree = dict[str, Any]
SAME_NAME = 0.9
"""Likeness from which two spellings are taken for one author: a steward may have mended what the page has wrong."""


def publications_of(folder: Path, items: Iterable[Item], drafts: Iterable[Draft]) -> dict[str, Tree]:
    """Every publication by id; a draft's word counts for more than the dossier's, what was declined for less."""
    trees = {id: draft.tree for id, draft in declined_of(folder).items() if draft.kind == "item"}
    trees |= {item.id: _tree_of(item) for item in items}
    return trees | {draft.id: draft.tree for draft in drafts if draft.kind == "item"}


def credit(publication: Publication) -> str:
    """A mark of who published it where, when and under which title, as the page says."""
    return mark(["credit", str(publication.date), publication.author, publication.outlet, publication.title])


def whole(publication: Publication) -> str:
    """A mark of all that the page says of it."""
    cites = list(publication.cites)
    return mark(["whole", credit(publication), cites, publication.url, publication.passage])


def match(publications: Iterable[Publication], trees: Mapping[str, Tree], ledger: Ledger) -> dict[Publication, str]:
    """Those that are known, with their ids.

    The surest sign goes first for all of them, and an id is given once: what one page or feed lists twice in different words
    are two publications.
    """
    free = {id: _ours(tree, ledger.pages.get(id) or ()) for id, tree in trees.items()}
    open_ = {publication: _theirs(publication) for publication in publications}
    found: dict[Publication, str] = {}
    for same in _SAME:
        for publication, theirs in list(open_.items()):
            id = next((id for id, ours in free.items() if same(ours, theirs)), None)
            if id is not None:
                found[publication] = id
                del free[id], open_[publication]
    return found


@dataclass(frozen=True, slots=True)
class _Signs:
    """By what a publication is recognised; `marks` of all that was offered of it, or of what is offered now."""

    marks: frozenset[str]
    address: str
    day: str
    author: str
    outlet: str
    titles: frozenset[str]


def _theirs(publication: Publication) -> _Signs:
    # What says nothing of itself is never the same: a steward begins many drafts with nothing in them.
    says = publication.title or publication.passage or publication.url
    return _Signs(
        frozenset((credit(publication), whole(publication)) if says else ()),
        address_of(publication.url),
        publication.date.isoformat() if publication.date else "",
        publication.author.casefold(),
        fold(publication.outlet),
        frozenset((fold(publication.title),)),
    )


def _ours(tree: Tree, marks: Iterable[str]) -> _Signs:
    titles = tree.get("title") or {}
    return _Signs(
        frozenset(marks),
        address_of(tree.get("url")),
        str(tree.get("date") or ""),
        str(tree.get("author") or "").casefold(),
        fold(str(tree.get("outlet") or "")),
        frozenset(fold(str(title)) for title in titles.values()),
    )


def address_of(url: object) -> str:
    """What of an address tells one page from another; nothing of a front page, which many share."""
    try:
        split = urlsplit(str(url or ""))
    except ValueError:
        return str(url)
    page = split.path.rstrip("/") + (f"?{split.query}" if split.query else "")
    page += f"#{split.fragment}" if split.fragment else ""
    return split.netloc.lower().removeprefix("www.") + page if page else ""


def _one_page(ours: _Signs, theirs: _Signs) -> bool:
    return not ours.address or not theirs.address or ours.address == theirs.address


def _as_offered(ours: _Signs, theirs: _Signs) -> bool:
    return theirs.marks <= ours.marks and bool(theirs.marks)


def _by_address(ours: _Signs, theirs: _Signs) -> bool:
    return bool(theirs.address) and ours.address == theirs.address


def _by_credit(ours: _Signs, theirs: _Signs) -> bool:
    """Whatever a steward has corrected since."""
    return bool(ours.marks & theirs.marks) and _one_page(ours, theirs)


def _by_title(ours: _Signs, theirs: _Signs) -> bool:
    same = bool(theirs.day) and (ours.day, ours.outlet) == (theirs.day, theirs.outlet)
    return same and bool(ours.titles & theirs.titles) and _one_page(ours, theirs)


def _by_author(ours: _Signs, theirs: _Signs) -> bool:
    if not theirs.day or ours.day != theirs.day or not theirs.author or not _one_page(ours, theirs):
        return False
    return bool(get_close_matches(ours.author, [theirs.author], 1, SAME_NAME))


_SAME: tuple[Callable[[_Signs, _Signs], bool], ...] = (_as_offered, _by_address, _by_credit, _by_title, _by_author)
"""The surest first."""


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
        **({"collected": item.collected} if item.collected else {}),
    }
