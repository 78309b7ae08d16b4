"""What a page or feed lists, to drafts: one a publication and one a claim, of what is new or changed alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from bot.base import Base
from bot.intake.claims import claim_tree
from bot.intake.drafts import Draft, declined_of, drafts_of, names_of, new_id, place_of
from bot.intake.found import Found, Leftover, Publication
from bot.intake.known import address_of, credit, match, publications_of, whole
from bot.intake.ledger import Ledger, mark
from bot.intake.shelf import published
from bot.intake.writing import changed, dumped, write

CHANGED = "changed at the source since it was imported"
LONGEST_CLAIM = 300
Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Imported:
    """Ids of drafts that were made anew, of those for what changed, how many publications were known, and what was left."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    known: int
    doubts: tuple[tuple[str, str], ...]
    leftover: tuple[Leftover, ...]


class Importer:
    """One import into one folder. `collected`: `facts.DOSSIER` where it is the folder's own dossier that is imported."""

    def __init__(self, folder: Path, base: Base, collected: str | None = None) -> None:
        self._folder, self._collected = folder, collected
        self._drafts, _ = drafts_of(folder)
        self._ledger = Ledger.of(folder)
        self._trees = publications_of(folder, base.items.values(), self._drafts.values())
        self._taken = {*self._drafts, *self._trees, *base.facts, *base.unknowns, *declined_of(folder), *names_of(folder)}

    def known(self, publication: Publication) -> str | None:
        """The id under which a publication is known."""
        return match((publication,), self._trees, self._ledger).get(publication)

    def take(self, found: Found) -> Imported:
        """Write the drafts; what is known and unchanged is left alone."""
        new: list[str] = []
        altered: list[str] = []
        ids: list[str] = []
        known, unchanged = match(found.publications, self._trees, self._ledger), 0
        for publication in found.publications:
            id = known.get(publication)
            if id is None:
                id = known[publication] = self._take_id(publication.title or publication.outlet)
                new += self._draft(id, publication, None if publication.part_of is None else ids[publication.part_of])
            elif self._is_news(id, publication):
                altered += self._redraft(id, publication)
            else:
                unchanged += 1
            self._ledger.note(id, (credit(publication), whole(publication), *map(mark, publication.claims)))
            ids.append(id)
        self._ledger.save(self._folder)
        doubts = tuple((id, doubt) for id, one in zip(ids, found.publications, strict=True) for doubt in one.doubts)
        return Imported(tuple(new), tuple(altered), unchanged, doubts, found.leftover)

    def _is_news(self, id: str, publication: Publication) -> bool:
        """Whether it was not offered like this before. What no page ever brought is known as it is, but for an address."""
        offered = self._ledger.pages.get(id)
        if offered is None:
            return publication.url is not None and not self._trees[id].get("url")
        return whole(publication) not in offered

    def _draft(self, id: str, publication: Publication, part_of: str | None) -> list[str]:
        tree = _item_tree(id, publication, part_of, self._collected)
        tree["doubts"] += self._twins(publication)
        # Last, so that after a kill the next import finds no publication without its claims.
        claims = self._claims(id, publication, ())
        write(place_of(self._folder, id, tree), dumped(tree))
        self._trees[id] = tree
        return [id, *claims]

    def _twins(self, publication: Publication) -> list[str]:
        address = address_of(publication.url)
        return [
            f"{id} has the same address"
            for id, tree in self._trees.items()
            if address and address_of(tree.get("url")) == address
        ]

    def _redraft(self, id: str, publication: Publication) -> list[str]:
        """The draft as it stands, or what is published, with the new passage; nothing that was written is lost."""
        draft, offered = self._drafts.get(id), self._ledger.pages.get(id, [])
        path = draft.path if draft else place_of(self._folder, id, self._trees[id])
        text = path.read_text(encoding="utf-8") if draft else dumped(self._trees[id])
        doubts = (CHANGED, *_moved(publication, offered), *publication.doubts)

        def change(tree: Any) -> None:
            tree["passage"] = publication.passage
            tree["doubts"] = list(dict.fromkeys([*(tree.get("doubts") or ()), *doubts]))
            if publication.url and not tree.get("url"):
                tree["url"] = publication.url

        write(path, changed(text, change))
        return [id, *self._claims(id, publication, offered)]

    def _claims(self, item: str, publication: Publication, offered: Collection[str]) -> list[str]:
        """A draft of each claim that was not offered before and is none yet, as after a kill it may be."""
        there = {str(one.tree.get("passage")) for one in self._drafts.values() if one.row.get("item") == item}
        made = []
        for claim in dict.fromkeys(publication.claims):
            if mark(claim) in offered or claim in there:
                continue
            id = self._numbered(item[:34])
            tree = claim_tree(id, item, publication.date, publication.country, claim)
            write(place_of(self._folder, id, tree), dumped(tree))
            made.append(id)
        return made

    def _numbered(self, item: str) -> str:
        id = next(id for number in count(1) if (id := f"{item}-{number}") not in self._taken)
        self._taken.add(id)
        return id

    def _take_id(self, words: str) -> str:
        id = new_id(words, frozenset(self._taken))
        self._taken.add(id)
        return id


def start(folder: Path, base: Base, publication: Publication) -> Draft:
    """The draft of one publication that a steward begins, with a claim to write beside it; the one there is if it is known."""
    importer = Importer(folder, base)
    known = importer.known(publication)
    if known is not None:
        return reopen(folder, known)
    claims = publication.claims or (publication.passage[:LONGEST_CLAIM] or publication.title or "…",)
    made = importer.take(Found((replace(publication, claims=claims),)))
    return drafts_of(folder)[0][made.new[0]]


def reopen(folder: Path, id: str) -> Draft:
    """The draft of what is published, else of what was put aside; the one there is if it is a draft already.

    :raises KeyError: where nothing has that id.
    """
    drafts, _ = drafts_of(folder)
    if id not in drafts:
        aside = None
        try:
            tree = published(folder, id)
        except KeyError:
            aside = declined_of(folder)[id]
            tree = aside.tree
        write(place_of(folder, id, tree), dumped({**tree, "published": None} if "id" in tree else tree))
        if aside is not None:
            aside.path.unlink(missing_ok=True)
        drafts, _ = drafts_of(folder)
    return drafts[id]


def _moved(publication: Publication, offered: Collection[str]) -> tuple[str, ...]:
    """What the source now says of author, day, outlet or title, where that is what changed."""
    if not offered or credit(publication) in offered:
        return ()
    says = (publication.title, publication.author, publication.outlet, publication.date)
    return (f"the source now says: {', '.join(str(one) for one in says if one)}",)


def _item_tree(id: str, publication: Publication, part_of: str | None, collected: str | None) -> Tree:
    language = publication.original or publication.language
    return {
        "id": id,
        "date": publication.date.isoformat() if publication.date else None,
        "title": {language or "de": publication.title} if publication.title else {},
        "summary": {},
        "outlet": publication.outlet or None,
        "author": publication.author or None,
        "cites": list(publication.cites),
        "url": publication.url,
        **({"collected": collected} if collected else {}),
        **({"language": language} if language else {}),
        "country": list(publication.country),
        "topics": [],
        "published": None,
        "withdrawn": None,
        **({"part_of": part_of} if part_of else {}),
        "passage": publication.passage,
        "doubts": list(publication.doubts),
    }
