"""A union's own data folder out of the shipped one, and what a newer shipped base brings: drafts, never overwritten work.

The folder keeps the shipped base as it was taken over last, in `shipped/`: what changed since is what the product changed, all
else is a steward's work.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.intake.drafts import FOLDER, Draft, drafts_of, place_of
from bot.intake.found import NotTaken
from bot.intake.history import begin
from bot.intake.ledger import Ledger, mark
from bot.intake.merging import changes, merged
from bot.intake.shapes import BEGAN_FROM
from bot.intake.writing import dumped, parsed, write
from bot.yaml_lines import read

KEPT = "shipped"
CHANGED = "changed by the newer shipped base"
TAKEN_OUT = "changed in the newer shipped base; this folder has it no more"
_DRAFTED, _COMPARED = ("dossier", "facts"), ("talk", "names.yaml", "grid.yaml")
_OWN = ("published", "doubts")
Tree = dict[str, Any]
Key = tuple[str, str]
"""Kind (item, fact, unknown) and id."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Ids of the drafts that were made or changed, of what is shipped no more but still here, and files that differ.

    Files, below the folder, are those of which there are no drafts: they stay as they are, the shipped ones lie in `shipped/`.
    """

    drafts: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    differing: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    row: Tree
    topic: str = ""
    name: Tree | None = None


def init(folder: Path, shipped: Path, moment: datetime) -> None:
    """Copy the shipped folder, keep what it was, and put it under git.

    :raises NotTaken: where the folder is there already and is not empty, or cannot be made.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise NotTaken(f"{folder} is there already and is not empty", "name a folder that does not exist yet")
    try:
        shutil.copytree(shipped, folder, dirs_exist_ok=True)
        (folder / FOLDER).mkdir(exist_ok=True)
        _keep(folder, shipped)
        Ledger().save(folder)
        begin(folder, "Begin with the shipped base", moment)
    except OSError as error:
        raise NotTaken(f"{folder} cannot be made ({error.strerror})", "name a folder that this process may write to") from error


def import_shipped(folder: Path, shipped: Path) -> Upgrade:
    """Drafts of what the shipped base changed since this folder took it over last, with the stewards' words kept.

    What they took out comes again only if it changed.

    :raises NotTaken: where a draft that is concerned cannot be read.
    """
    differing = tuple(path for path in _files(shipped, _COMPARED) if _differs(folder, shipped, path))
    drafted = {*_files(shipped, _DRAFTED), *_files(folder / KEPT, _DRAFTED)}
    if all(_same(shipped / path, folder / KEPT / path) for path in drafted):
        _keep(folder, shipped)
        return Upgrade(differing=differing)
    before, ours, theirs = _rows(folder / KEPT), _rows(folder), _rows(shipped)
    drafts, _ = drafts_of(folder)
    offers = {key: _offer(key, before.get(key), ours.get(key), row, drafts.get(key[1])) for key, row in theirs.items()}
    for (_, id), tree in offers.items():
        if tree is not None:
            write(_place(folder, id, tree, drafts), dumped(tree))
    # Last, so that after a kill the next import goes on with what is not drafted yet.
    _keep(folder, shipped)
    made = tuple(id for (_, id), tree in offers.items() if tree is not None)
    return Upgrade(made, tuple(id for kind, id in before if (kind, id) in ours and (kind, id) not in theirs), differing)


def _offer(key: Key, before: _Row | None, ours: _Row | None, theirs: _Row, draft: Draft | None) -> Any:
    """The draft of one row, nothing where there is nothing to say."""
    kind, id = key
    if before is not None and before.row == theirs.row:
        return None
    if draft is not None:
        tree, own = parsed(draft.path.read_text(encoding="utf-8")), draft.row
    elif ours is not None:
        tree, own = _draft_of(kind, ours) | {BEGAN_FROM: mark(ours.row)}, ours.row
    else:
        return _draft_of(kind, theirs) | ({"doubts": [TAKEN_OUT]} if before else {})
    if draft is not None and draft.kind != kind:
        doubts: tuple[str, ...] = (f"the newer shipped base has {id} as {kind}",)
    else:
        new, conflicts = merged(_shared(before.row) if before else None, _shared(own), _shared(theirs.row))
        doubts = (*_bring_in(tree if kind == "item" else tree[f"{kind}s"][0], _shared(own), new), *conflicts)
    if not doubts:
        return None
    tree["doubts"] = list(dict.fromkeys((*(tree.get("doubts") or ()), *doubts)))
    return tree


def _bring_in(row: Any, ours: Tree, new: Tree) -> tuple[str, ...]:
    """Change the row of a draft to the new one, and say where."""
    for field in ours:
        if field not in new:
            del row[field]
    row.update({field: value for field, value in new.items() if field not in ours or ours[field] != value})
    fields = changes(ours, new)
    return (f"{CHANGED}: {', '.join(fields)}",) if fields else ()


def _draft_of(kind: str, row: _Row) -> Tree:
    if kind == "item":
        return {**row.row, "published": None}
    return {"topic": row.topic, **({"name": row.name} if row.name else {}), f"{kind}s": [row.row]}


def _shared(row: Tree) -> Tree:
    """What of a row is not this folder's own affair."""
    return {key: value for key, value in row.items() if key not in _OWN}


def _place(folder: Path, id: str, tree: Tree, drafts: Mapping[str, Draft]) -> Path:
    if id in drafts:
        return drafts[id].path
    path = place_of(folder, id, tree)
    if path.exists():
        raise NotTaken(f"{path} cannot be read", "mend it (`rueckspiegel check` says where) and import again")
    return path


def _differs(folder: Path, shipped: Path, path: Path) -> bool:
    """Whether the folder has another one; what of a part it has nothing of is the shipped one's anyway."""
    own = (folder / path).parent if path.parent.name else folder / path
    return own.exists() and not _same(shipped / path, folder / path)


def _same(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes()


def _keep(folder: Path, shipped: Path) -> None:
    """The shipped base as it is now, for the next time."""
    parts = (*_DRAFTED, *_COMPARED)
    new = set(_files(shipped, parts))
    for path in new:
        if not _same(shipped / path, folder / KEPT / path):
            write(folder / KEPT / path, (shipped / path).read_text(encoding="utf-8"))
    for path in set(_files(folder / KEPT, parts)) - new:
        (folder / KEPT / path).unlink()


def _files(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    """The files of some parts, below the folder."""
    for part in parts:
        found = [folder / part] if part.endswith(".yaml") else sorted((folder / part).glob("*.yaml"))
        yield from (path.relative_to(folder) for path in found if path.is_file())


def _rows(folder: Path) -> dict[Key, _Row]:
    rows: dict[Key, _Row] = {}
    for path in _files(folder, _DRAFTED):
        tree = read(folder / path).tree or {}
        if path.parent.name == "dossier":
            rows["item", tree["id"]] = _Row(tree)
        for kind in ("fact", "unknown"):
            for row in tree.get(f"{kind}s") or ():
                rows[kind, row["id"]] = _Row(row, tree["topic"], tree.get("name"))
    return rows
