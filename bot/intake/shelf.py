"""Drafts to their places in the folder, and out again: what would change, tried as a whole before anything is written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from bot.base import Base, load_base
from bot.intake.drafts import DECLINED, FOLDER, ONLY_IN_DRAFTS, Draft
from bot.intake.writing import changed, dumped, parsed, write
from bot.yaml_lines import read

_ELSEWHERE = (FOLDER, "model", "questions", ".git")
_LISTS = ("facts", "unknowns")


@dataclass
class Shelf:
    """One data folder, and what is about to change in it: path below the folder to its new text, None where the file goes."""

    folder: Path
    changes: dict[Path, str | None] = field(default_factory=dict)

    def publish(self, draft: Draft, today: date) -> None:
        """Put a draft in its place. What stands there under the same id is changed; a withdrawal stays."""
        if draft.kind == "item":
            self._publish_item(draft, today)
        else:
            self._publish_row(draft)
        self.changes[draft.path.relative_to(self.folder)] = None

    def withdraw(self, item: str, day: date, reason: Mapping[str, str]) -> None:
        """A publication is said no more, and posts show why.

        :raises KeyError: where there is no such publication.
        """
        path = self._dossier()[item]

        def change(tree: Any) -> None:
            tree["withdrawn"] = {"date": day.isoformat(), "reason": dict(reason)}

        self.changes[path] = changed(self._text(path), change)

    def remove(self, id: str) -> None:
        """A fact or unknown is taken out of its topic and kept among what was declined.

        :raises KeyError: where there is none of that id.
        """
        path, key = self._rows()[id]
        tree = parsed(self._text(path))
        [row] = [row for row in tree[key] if row["id"] == id]
        tree[key].remove(row)
        self.changes[Path(FOLDER, DECLINED, f"{id}.yaml")] = dumped({"topic": tree["topic"], key: [row]})
        self.changes[path] = dumped(tree)

    def decline(self, draft: Draft) -> None:
        """A draft is put aside, so that an import does not propose it again."""
        own = draft.path.relative_to(self.folder)
        self.changes |= {Path(FOLDER, DECLINED, draft.path.name): self._text(own), own: None}

    def tried(self, today: date) -> Base:
        """The base as it would be.

        :raises BrokenBase: where the changes would break it.
        """
        with tempfile.TemporaryDirectory() as made:
            stage = Path(made)
            for path in self.folder.rglob("*.yaml"):
                below = path.relative_to(self.folder)
                if below.parts[0] not in _ELSEWHERE and below not in self.changes:
                    (stage / below).parent.mkdir(parents=True, exist_ok=True)
                    (stage / below).symlink_to(path.absolute())
            for below, text in self.changes.items():
                if text is not None and below.parts[0] not in _ELSEWHERE:
                    (stage / below).parent.mkdir(parents=True, exist_ok=True)
                    (stage / below).write_text(text, encoding="utf-8")
            return load_base(stage, today)[0]

    def put(self) -> None:
        """Write it all; what is new first, so that a kill in between leaves a draft too many and nothing too few.

        :raises OSError: where the folder cannot be written to.
        """
        for below, text in self.changes.items():
            if text is not None:
                write(self.folder / below, text)
        for below, text in self.changes.items():
            if text is None:
                (self.folder / below).unlink(missing_ok=True)

    def _publish_item(self, draft: Draft, today: date) -> None:
        own = parsed(self._text(draft.path.relative_to(self.folder)))
        new = {key: value for key, value in own.items() if key not in ONLY_IN_DRAFTS}
        there = self._dossier().get(draft.id)
        if there is None:
            new |= {"published": today.isoformat(), "withdrawn": new.get("withdrawn")}
            self.changes[Path("dossier", f"{new['date']}-{draft.id}.yaml")] = dumped(new, "../schema/item.json")
            return
        kept = parsed(self._text(there))
        new["published"] = kept.get("published") or today.isoformat()
        new["withdrawn"] = kept.get("withdrawn") or new.get("withdrawn")
        self.changes[there] = changed(self._text(there), lambda tree: tree.update(new))

    def _publish_row(self, draft: Draft) -> None:
        key, tree = f"{draft.kind}s", parsed(self._text(draft.path.relative_to(self.folder)))
        row, rows = tree[key][0], self._rows()
        path = rows[draft.id][0] if draft.id in rows else self._topic(str(tree["topic"]))
        text = self._text(path) if self._exists(path) else dumped({"topic": tree["topic"]}, "../schema/facts.json")

        def change(file: Any) -> None:
            if tree.get("name") and not file.get("name"):
                file["name"] = tree["name"]
            old = next((old for old in file.get(key) or () if old["id"] == draft.id), None)
            if old is not None:
                old.update(row)
            elif file.get(key):
                file[key].append(row)
            else:
                file[key] = [row]

        self.changes[path] = changed(text, change)
        former = str(tree.get("supersedes") or "")
        if former in rows:
            there = rows[former][0]
            self.changes[there] = changed(self._text(there), lambda file: _supersede(file, former, draft.id))

    def _dossier(self) -> dict[str, Path]:
        return {str(tree.get("id")): path for path, tree in self._trees("dossier")}

    def _rows(self) -> dict[str, tuple[Path, str]]:
        """Id of a fact or unknown to its file and the list that it stands in."""
        return {
            str(row["id"]): (path, key) for path, tree in self._trees("facts") for key in _LISTS for row in tree.get(key) or ()
        }

    def _topic(self, topic: str) -> Path:
        return next((path for path, tree in self._trees("facts") if tree.get("topic") == topic), Path("facts", f"{topic}.yaml"))

    def _trees(self, part: str) -> Iterator[tuple[Path, Any]]:
        """The files of a part as they would be."""
        for path in sorted((self.folder / part).glob("*.yaml")):
            if path.relative_to(self.folder) not in self.changes:
                yield path.relative_to(self.folder), read(path).tree or {}
        for below, text in list(self.changes.items()):
            if below.parts[0] == part and text is not None:
                yield below, parsed(text)

    def _exists(self, below: Path) -> bool:
        return self.changes.get(below) is not None or (below not in self.changes and (self.folder / below).is_file())

    def _text(self, below: Path) -> str:
        return self.changes.get(below) or (self.folder / below).read_text(encoding="utf-8")


def _supersede(file: Any, former: str, by: str) -> None:
    for row in file.get("facts") or ():
        if row["id"] == former:
            row["superseded_by"] = by


def published(folder: Path, id: str) -> Any:
    """What is published under an id, as a draft would have it.

    :raises KeyError: where nothing is.
    """
    for path in sorted((folder / "dossier").glob("*.yaml")):
        tree = read(path).tree
        if tree["id"] == id:
            return tree
    for path in sorted((folder / "facts").glob("*.yaml")):
        tree = read(path).tree or {}
        for key in _LISTS:
            for row in tree.get(key) or ():
                if row["id"] == id:
                    return {"topic": tree["topic"], key: [row]}
    raise KeyError(id)
