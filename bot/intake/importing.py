"""What a page or feed lists, to drafts: one a publication and one a claim, of what is new or changed alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from bot.base import Base
from bot.intake.claims import claim_tree
from bot.intake.drafts import DECLINED, FOLDER, Draft, drafts_of, new_id
from bot.intake.found import Found, Leftover, Publication
from bot.intake.known import find, publications_of
from bot.intake.ledger import Ledger, mark
from bot.intake.shelf import published
from bot.intake.writing import changed, dumped, write
from bot.yaml_lines import read

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
    """One import into one folder."""

    def __init__(self, folder: Path, base: Base) -> None:
        self._folder = folder
        self._drafts, _ = drafts_of(folder)
        self._ledger = Ledger.of(folder)
        self.trees = publications_of(folder, base.items.values(), self._drafts.values())
        declined = {path.stem for path in (folder / FOLDER / DECLINED).glob("*.yaml")}
        self._taken = {*self._drafts, *self.trees, *base.facts, *base.unknowns, *declined}

    def take(self, found: Found) -> Imported:
        """Write the drafts; what is known and unchanged is left alone."""
        new: list[str] = []
        altered: list[str] = []
        known, ids = 0, list[str]()
        for publication in found.publications:
            id, state = find(publication, self.trees), _state(publication)
            ids.append(id or self._take_id(publication.title or publication.outlet))
            if id is None:
                new += self._draft(ids[-1], publication, None if publication.part_of is None else ids[publication.part_of])
            elif self._ledger.pages.get(id, state) != state or (publication.url and not self.trees[id].get("url")):
                altered += self._redraft(id, publication)
            else:
                known += 1
            self._ledger.pages[ids[-1]] = state
        self._ledger.save(self._folder)
        doubts = tuple((id, doubt) for id, one in zip(ids, found.publications, strict=True) for doubt in one.doubts)
        return Imported(tuple(new), tuple(altered), known, doubts, found.leftover)

    def _draft(self, id: str, publication: Publication, part_of: str | None) -> list[str]:
        tree = _item_tree(id, publication, part_of)
        write(self._path(id, tree), dumped(tree))
        self.trees[id] = tree
        return [id, *self._claims(id, publication)]

    def _redraft(self, id: str, publication: Publication) -> list[str]:
        """The draft as it stands, or what is published, with the new passage; nothing that was written is lost."""
        draft = self._drafts.get(id)
        path = draft.path if draft else self._path(id, self.trees[id])
        text = path.read_text(encoding="utf-8") if draft else dumped(self.trees[id])

        def change(tree: Any) -> None:
            tree["passage"] = publication.passage
            tree["doubts"] = list(dict.fromkeys([*(tree.get("doubts") or ()), CHANGED, *publication.doubts]))
            if publication.url and not tree.get("url"):
                tree["url"] = publication.url

        write(path, changed(text, change))
        return [id, *self._claims(id, publication)]

    def _claims(self, item: str, publication: Publication) -> list[str]:
        """A draft of each claim that was never drafted before."""
        made = []
        for claim in publication.claims:
            name = f"{item}/{mark(claim)}"
            if name in self._ledger.pages:
                continue
            self._ledger.pages[name] = mark(claim)
            id = self._numbered(item[:34])
            write(
                self._folder / FOLDER / "facts" / f"{id}.yaml",
                dumped(claim_tree(id, item, publication.date, publication.country, claim)),
            )
            made.append(id)
        return made

    def _path(self, id: str, tree: Tree) -> Path:
        return self._folder / FOLDER / f"{tree.get('date') or 'undated'}-{id}.yaml"

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
    known = find(publication, importer.trees)
    if known is not None:
        return reopen(folder, known)
    claims = publication.claims or (publication.passage[:LONGEST_CLAIM] or publication.title or "…",)
    made = importer.take(Found((replace(publication, claims=claims),)))
    return drafts_of(folder)[0][made.new[0]]


def reopen(folder: Path, id: str) -> Draft:
    """The draft of what is published or was put aside; the one there is if it is a draft already.

    :raises KeyError: where nothing has that id.
    """
    drafts, _ = drafts_of(folder)
    if id not in drafts:
        tree = _put_aside(folder, id) or published(folder, id)
        kept = f"{tree['date']}-{id}.yaml" if "outlet" in tree else f"facts/{id}.yaml"
        write(folder / FOLDER / kept, dumped({**tree, "published": None} if "outlet" in tree else tree))
        drafts, _ = drafts_of(folder)
    return drafts[id]


def _put_aside(folder: Path, id: str) -> Tree | None:
    for path in sorted((folder / FOLDER / DECLINED).glob("*.yaml")):
        tree: Tree = read(path).tree or {}
        if tree.get("id") == id or path.stem == id:
            path.unlink()
            return tree
    return None


def _item_tree(id: str, publication: Publication, part_of: str | None) -> Tree:
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
        **({"language": language} if language else {}),
        "country": list(publication.country),
        "topics": [],
        "published": None,
        "withdrawn": None,
        **({"part_of": part_of} if part_of else {}),
        "passage": publication.passage,
        "doubts": list(publication.doubts),
    }


def _state(publication: Publication) -> str:
    cites = list(publication.cites)
    return mark([str(publication.date), publication.author, publication.outlet, cites, publication.url, publication.passage])
