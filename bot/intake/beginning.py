"""A union's own data folder out of the shipped one, and what a newer shipped base brings: drafts, never overwritten work."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.intake.drafts import FOLDER
from bot.intake.found import NotTaken
from bot.intake.history import begin
from bot.intake.ledger import Ledger, mark
from bot.intake.writing import dumped, write
from bot.yaml_lines import read

Row = tuple[str, str, str, dict[str, Any]]
"""Kind (item, fact, unknown), id, topic, and the row itself."""


def init(folder: Path, shipped: Path, moment: datetime) -> None:
    """Copy the shipped folder, note what it was, and put it under git.

    :raises NotTaken: where the folder is there already and is not empty, or cannot be made.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise NotTaken(f"{folder} is there already and is not empty", "name a folder that does not exist yet")
    try:
        shutil.copytree(shipped, folder, dirs_exist_ok=True)
        (folder / FOLDER).mkdir(exist_ok=True)
        Ledger(shipped={id: mark(row) for _, id, _, row in _rows(shipped)}).save(folder)
        begin(folder, "Begin with the shipped base", moment)
    except OSError as error:
        raise NotTaken(f"{folder} cannot be made ({error.strerror})", "name a folder that this process may write to") from error


def import_shipped(folder: Path, shipped: Path) -> tuple[str, ...]:
    """Drafts of what the shipped base has that this folder was never offered; their ids.

    What stewards changed stays as it is until they publish the draft; what they removed comes again only if it changed.
    """
    ledger, own = Ledger.of(folder), {id: row for _, id, _, row in _rows(folder)}
    made = []
    for kind, id, topic, row in _rows(shipped):
        name = mark(row)
        if ledger.shipped.get(id) == name:
            continue
        path = folder / FOLDER / (f"{row['date']}-{id}.yaml" if kind == "item" else f"facts/{id}.yaml")
        if path.exists():
            continue  # A steward is at it.
        ledger.shipped[id] = name
        if own.get(id) == row:
            continue
        tree = {**row, "published": None} if kind == "item" else {"topic": topic, f"{kind}s": [row]}
        write(path, dumped(tree))
        made.append(id)
    ledger.save(folder)
    return tuple(made)


def _rows(folder: Path) -> Iterator[Row]:
    for path in sorted((folder / "dossier").glob("*.yaml")):
        tree = read(path).tree
        yield "item", tree["id"], "", tree
    for path in sorted((folder / "facts").glob("*.yaml")):
        tree = read(path).tree or {}
        for kind in ("fact", "unknown"):
            for row in tree.get(f"{kind}s") or ():
                yield kind, row["id"], tree["topic"], row
