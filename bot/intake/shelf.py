"""Drafts to their places in the folder, and out again: what would change, tried as a whole before anything is written."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from bot.base import Base, load_base
from bot.intake.drafts import DECLINED, FOLDER, Draft, Tree
from bot.intake.ledger import mark
from bot.intake.placing import LISTS, become, finished, forget, refers, set_row, supersede
from bot.intake.shapes import BEGAN_FROM
from bot.intake.writing import changed, dumped, headed, write
from bot.yaml_lines import BrokenYaml, parse

_ELSEWHERE = (FOLDER, "model", "questions", ".git")


@dataclass
class Shelf:
    """One data folder, and what is about to change in it: path below the folder to its new text, None where the file goes."""

    folder: Path
    changes: dict[Path, str | None] = field(default_factory=dict)
    _parsed: dict[str, Any] = field(default_factory=dict, repr=False)

    def publish(self, draft: Draft, today: date) -> None:
        """Put a draft in its place. What stands there under the same id is changed; a withdrawal stays."""
        if draft.kind == "item":
            self._publish_item(draft, today)
        else:
            self._publish_row(draft)
        self.changes[draft.path.relative_to(self.folder)] = None

    def is_stale(self, draft: Draft) -> bool:
        """Whether what is published is another than the draft began from, so that publishing it would undo a change."""
        if not draft.began_from:
            return False
        try:
            return bool(published(self.folder, draft.id)[BEGAN_FROM] != draft.began_from)
        except KeyError:
            return True

    def withdraw(self, item: str, day: date, reason: Mapping[str, str]) -> None:
        """A publication is said no more, and posts show why.

        :raises KeyError: where there is no such publication.
        """

        def change(tree: Any) -> None:
            tree["withdrawn"] = {"date": day.isoformat(), "reason": dict(reason)}

        self._change(self._dossier()[item], change)

    def remove(self, id: str) -> None:
        """A fact or unknown is taken out of its topic and kept among what was declined; nothing refers to it any more.

        :raises KeyError: where there is none of that id.
        """
        path, key = self._rows()[id]
        topic, row = self._take_out(path, key, id)
        for other, tree in list(self._trees("facts")):
            if refers(tree, id):
                self._change(other, lambda tree: forget(tree, id, row.get("superseded_by")))
        self.changes[Path(FOLDER, DECLINED, f"{id}.yaml")] = dumped({"topic": topic, key: [row]})

    def decline(self, draft: Draft) -> None:
        """A draft is put aside, so that an import does not propose it again; beside what was published, where that went too."""
        own, aside = draft.path.relative_to(self.folder), Path(FOLDER, DECLINED, draft.path.name)
        text = self._text(own)
        if aside in self.changes:
            aside, text = aside.with_suffix(".draft.yaml"), changed(text, lambda tree: tree.pop(BEGAN_FROM, None))
        self.changes |= {aside: text, own: None}

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
        there = self._dossier().get(draft.id)
        path = there or Path("dossier", f"{draft.tree['date']}-{draft.id}.yaml")
        text = self._text(there or draft.path.relative_to(self.folder))

        def change(tree: Any) -> None:
            kept = tree if there else {}
            become(
                tree,
                {
                    **(kept if not draft.began_from else {}),
                    **finished(draft.tree),
                    "published": kept.get("published") or today.isoformat(),
                    "withdrawn": kept.get("withdrawn") or draft.tree.get("withdrawn"),
                },
            )

        self.changes[path] = changed(text if there else headed(text, "item"), change)

    def _publish_row(self, draft: Draft) -> None:
        key, rows = f"{draft.kind}s", self._rows()
        path, was_in = rows.get(draft.id) or (self._topic(draft.topic), key)
        row = dict(draft.row)
        if draft.id in rows and (was_in, self._tree(path)["topic"]) != (key, draft.topic):
            old = self._take_out(path, was_in, draft.id)[1]
            row = row if draft.began_from else {**old, **row}
            path = self._topic(draft.topic)
        if not self._exists(path):
            text = headed(self._text(draft.path.relative_to(self.folder)), "facts")
            self.changes[path] = changed(text, lambda tree: become(tree, finished(draft.tree)))
        self._change(path, lambda file: set_row(file, key, row, draft.tree.get("name") or {}, whole=bool(draft.began_from)))
        former = str(draft.tree.get("supersedes") or "")
        if former in rows:
            self._change(self._rows()[former][0], lambda file: supersede(file, former, draft.id))

    def _take_out(self, path: Path, key: str, id: str) -> tuple[str, Tree]:
        """A row leaves its file: the topic that it was in, and itself."""
        tree = self._tree(path)
        row = next(row for row in tree[key] if row["id"] == id)

        def change(file: Any) -> None:
            file[key] = [row for row in file[key] if row["id"] != id]

        self._change(path, change)
        return tree["topic"], row

    def _change(self, path: Path, change: Callable[[Any], None]) -> None:
        self.changes[path] = changed(self._text(path), change)

    def _dossier(self) -> dict[str, Path]:
        return {str(tree.get("id")): path for path, tree in self._trees("dossier")}

    def _rows(self) -> dict[str, tuple[Path, str]]:
        """Id of a fact or unknown to its file and the list that it stands in."""
        return {
            str(row["id"]): (path, key) for path, tree in self._trees("facts") for key in LISTS for row in tree.get(key) or ()
        }

    def _topic(self, topic: str) -> Path:
        return next((path for path, tree in self._trees("facts") if tree.get("topic") == topic), Path("facts", f"{topic}.yaml"))

    def _trees(self, part: str) -> Iterator[tuple[Path, Any]]:
        """The files of a part as they would be."""
        for path in sorted((self.folder / part).glob("*.yaml")):
            if path.relative_to(self.folder) not in self.changes:
                yield path.relative_to(self.folder), self._tree(path.relative_to(self.folder))
        for below, text in list(self.changes.items()):
            if below.parts[0] == part and text is not None:
                yield below, self._tree(below)

    def _tree(self, below: Path) -> Any:
        """The tree of a file as it would be, to be read alone."""
        text = self._text(below)
        if text not in self._parsed:
            self._parsed[text] = _tree_of(text)
        return self._parsed[text]

    def _exists(self, below: Path) -> bool:
        return self.changes.get(below) is not None or (below not in self.changes and (self.folder / below).is_file())

    def _text(self, below: Path) -> str:
        return self.changes.get(below) or (self.folder / below).read_text(encoding="utf-8")


def published(folder: Path, id: str) -> Tree:
    """What is published under an id, as a draft would have it, with the mark of what it began from.

    :raises KeyError: where nothing is.
    """
    for path in sorted((folder / "dossier").glob("*.yaml")):
        tree = _tree_of(path.read_text(encoding="utf-8"))
        if tree.get("id") == id:
            return {**tree, BEGAN_FROM: mark(tree)}
    for path in sorted((folder / "facts").glob("*.yaml")):
        tree = _tree_of(path.read_text(encoding="utf-8"))
        for key in LISTS:
            for row in tree.get(key) or ():
                if row["id"] == id:
                    return {"topic": tree["topic"], key: [row], BEGAN_FROM: mark(row)}
    raise KeyError(id)


def _tree_of(text: str) -> Any:
    """What is no YAML has nothing in it; that it is broken is said when the folder is tried as a whole."""
    try:
        return parse(text).tree or {}
    except BrokenYaml:
        return {}
