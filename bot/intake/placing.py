"""What publishing, superseding and withdrawing do to the tree of a file. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.intake.drafts import Tree
from bot.intake.shapes import ONLY_IN_DRAFTS

LISTS = ("facts", "unknowns")


def finished(draft: Tree) -> Tree:
    """What of a draft's tree is published."""
    return {key: value for key, value in draft.items() if key not in ONLY_IN_DRAFTS}


def become(tree: Any, new: Tree) -> None:
    """One tree is the other from now on."""
    for key in [key for key in tree if key not in new]:
        del tree[key]
    tree.update(new)


def set_row(file: Any, key: str, row: Tree, name: Mapping[str, str], *, whole: bool) -> None:
    """A row takes the place of that of the same id, or stands at the end of its list; what the topic is called is added.

    What is not `whole` changes the keys that it has, and leaves the others of the row as they were.
    """
    if name:
        file["name"] = {**(file.get("name") or {}), **name}
    rows = file.get(key) or []
    at = next((at for at, old in enumerate(rows) if old["id"] == row["id"]), len(rows))
    file[key] = [*rows[:at], row if whole or at == len(rows) else {**rows[at], **row}, *rows[at + 1 :]]


def supersede(file: Any, former: str, by: str) -> None:
    """A fact is never said alone from now on."""
    for row in file.get("facts") or ():
        if row["id"] == former:
            row["superseded_by"] = by


def refers(file: Tree, id: str) -> bool:
    """Whether an entry of a topic's file names another."""
    return any(id in (*(row.get("nearest") or ()), row.get("superseded_by")) for row in _rows(file))


def forget(file: Any, id: str, successor: str | None) -> None:
    """Nothing names an entry any more; what it superseded is superseded by what superseded it, if anything."""
    for row in _rows(file):
        if id in (row.get("nearest") or ()):
            row["nearest"] = [other for other in row["nearest"] if other != id]
        if row.get("superseded_by") == id:
            row["superseded_by"] = successor


def _rows(file: Tree) -> Iterator[Any]:
    for key in LISTS:
        yield from file.get(key) or ()
