"""Drafts: files of the same keys as the dossier's and the facts', in `drafts/`, with what they rest on. Reading them.

`drafts/DATE-ID.yaml` is a publication, `drafts/facts/ID.yaml` a claim or a known unknown in the form of a topic's file. Beside
the keys of the finished thing a draft has `passage` (what it rests on), `doubts` (for a steward to settle), `supersedes` (a
fact's id) and, where it changes what is published, `began_from`: the mark (`ledger.mark`) of the publication's tree or of the
fact's row as it was then. A draft whose mark is no longer that of what is published would undo a change, and is refused; one
without a mark is taken as it is.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.base import Base
from bot.findings import Finding
from bot.intake.shapes import BEGAN_FROM, Kind, misshapen
from bot.yaml_lines import BrokenYaml, read

Tree = dict[str, Any]
FOLDER, DECLINED = "drafts", "declined"
LONGEST_ID = 40
_TEXTS: Mapping[Kind, tuple[str, ...]] = {"item": ("title", "summary"), "fact": ("claim",), "unknown": ("says",)}
_NEEDED: Mapping[Kind, tuple[str, ...]] = {
    "item": ("date", "outlet", "author", "country", "topics"),
    "fact": ("status", "object", "aspect", "place", "as_of", "item"),
    "unknown": ("object", "aspect"),
}
_REMEDY = "give it an id and the keys of an item or of a topic's file"
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "o", "ł": "l"})


@dataclass(frozen=True, slots=True)
class Draft:
    """One file of `drafts/`; `row` is the publication, the fact or the unknown in it."""

    kind: Kind
    path: Path
    tree: Tree

    @property
    def row(self) -> Tree:
        return self.tree if self.kind == "item" else self.tree[f"{self.kind}s"][0]

    @property
    def id(self) -> str:
        return str(self.row["id"])

    @property
    def topic(self) -> str:
        topics = self.row.get("topics") or [""] if self.kind == "item" else [self.tree.get("topic") or ""]
        return str(topics[0])

    @property
    def began_from(self) -> str | None:
        """The mark of what is published that this is to change."""
        return self.tree.get(BEGAN_FROM)

    @property
    def mark(self) -> str:
        """A name of what would be published: it changes with every word of it."""
        kept = {key: value for key, value in self.tree.items() if key not in ("passage", "doubts")}
        return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()

    def missing(self, base: Base) -> tuple[str, ...]:
        """The fields that publishing still needs, as a steward writes them: `claim de`, `place`."""
        row, found = self.row, []
        for field in _TEXTS[self.kind]:
            texts = row.get(field) or {}
            found += [f"{field} {language}" for language in base.languages if not str(texts.get(language) or "").strip()]
        found += [field for field in _NEEDED[self.kind] if row.get(field) in (None, "", [])]
        if self.kind != "item":
            questions = row.get("questions") or {}
            found += [f"question {language}" for language in base.languages if not questions.get(language)]
            if not self.topic:
                found.append("topic")
            elif self.topic not in base.topics:
                names = self.tree.get("name") or {}
                found += [f"topic {language}" for language in base.languages if not names.get(language)]
        return tuple(found)


def drafts_of(folder: Path) -> tuple[dict[str, Draft], tuple[Finding, ...]]:
    """Every draft of a data folder by id, publications first, and what is wrong with the files that are none."""
    drafts: dict[str, Draft] = {}
    findings: list[Finding] = []
    for path in _files(folder):
        draft, found = _read(path, str(path.relative_to(folder)))
        if draft is not None and draft.id in drafts:
            problem = f"{draft.id} is a draft too in {drafts[draft.id].path.name}"
            found = (Finding(str(path.relative_to(folder)), 1, "id", problem, "keep one", "warning"),)
        elif draft is not None and not found:
            drafts[draft.id] = draft
        findings += found
    return drafts, tuple(findings)


def declined_of(folder: Path) -> dict[str, Draft]:
    """What was put aside, by id; a file that is no draft any more is passed over."""
    declined: dict[str, Draft] = {}
    for path in sorted((folder / FOLDER / DECLINED).glob("*.yaml")):
        try:
            draft = _draft(path, read(path).tree)
        except BrokenYaml:
            continue
        if draft is not None:
            declined.setdefault(draft.id, draft)
    return declined


def place_of(folder: Path, id: str, tree: Tree) -> Path:
    """Where a draft of this tree lies: a publication, or a topic's file with one fact or unknown."""
    is_item = "id" in tree
    return folder / FOLDER / (f"{tree.get('date') or 'undated'}-{id}.yaml" if is_item else f"facts/{id}.yaml")


def names_of(folder: Path) -> set[str]:
    """Ids in the names of drafts' files, also of those that cannot be read: nothing may be written over them."""
    return {re.sub(r"^(\d{4}-\d\d-\d\d|undated)-", "", path.stem) for path in _files(folder)}


def _read(path: Path, name: str) -> tuple[Draft | None, tuple[Finding, ...]]:
    """One file as a draft, and what is wrong with it."""
    try:
        document = read(path)
    except BrokenYaml as error:
        return None, (Finding(name, error.line, "", error.problem, "mend the YAML there", "warning"),)
    draft = _draft(path, document.tree)
    if draft is None:
        return None, (Finding(name, 1, "id", "this is no draft", _REMEDY, "warning"),)
    return draft, tuple(misshapen(name, document, draft.kind))


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted((folder / FOLDER).glob("*.yaml"))
    yield from sorted((folder / FOLDER / "facts").glob("*.yaml"))


def _draft(path: Path, tree: Any) -> Draft | None:
    if not isinstance(tree, dict):
        return None
    if _is_id(tree.get("id")):
        return Draft("item", path, tree)
    for kind in ("fact", "unknown"):
        rows = tree.get(f"{kind}s")
        if isinstance(rows, list) and len(rows) == 1 and isinstance(rows[0], dict) and _is_id(rows[0].get("id")):
            return Draft(kind, path, tree)
    return None


def _is_id(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[a-z0-9-]{3,40}", value) is not None


def facts_for(draft: Draft, drafts: Mapping[str, Draft]) -> tuple[Draft, ...]:
    """The drafts of facts that rest on a draft's publication."""
    return tuple(other for other in drafts.values() if other.kind == "fact" and other.row.get("item") == draft.id)


def new_id(words: str, taken: frozenset[str]) -> str:
    """An id out of a title's words that is not taken yet."""
    plain = unicodedata.normalize("NFKD", words.casefold().translate(_UMLAUTS)).encode("ascii", "ignore").decode()
    parts = re.findall(r"[a-z0-9]+", plain)
    id = ""
    for part in parts:
        if len(id) + len(part) + 1 > LONGEST_ID - 3:
            break
        id = f"{id}-{part}" if id else part
    id = (id or "draft").ljust(3, "0")[: LONGEST_ID - 3]
    number, found = 1, id
    while found in taken:
        number += 1
        found = f"{id}-{number}"
    return found
