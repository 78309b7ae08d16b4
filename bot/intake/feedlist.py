"""feeds.yaml, edited as a person would: comments, order and indentation stay."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.util import load_yaml_guess_indent

from bot.intake.found import NotTaken
from bot.spoofing import fault_of, shown

FILE = "feeds.yaml"


def add(folder: Path, url: str, name: str | None) -> None:
    """Name a feed in the folder's list.

    :raises NotTaken: where its address is no good, it is there already, or the list cannot be read.
    """
    fault = fault_of(url)
    if fault is not None:
        raise NotTaken(f"{shown(url)}: {fault.problem}", fault.remedy)
    tree, yaml = _load(folder)
    if any(row.get("url") == url for row in tree["feeds"]):
        raise NotTaken(f"{shown(url)} is watched already", "`rueckspiegel feed list` names all")
    tree["feeds"].append(CommentedMap({"url": url} | ({"name": name} if name else {})))
    _save(folder, tree, yaml)


def remove(folder: Path, url: str) -> None:
    """Take a feed out of the list.

    :raises NotTaken: where it is not there, or the list cannot be read.
    """
    tree, yaml = _load(folder)
    rows = tree["feeds"]
    found = [position for position, row in enumerate(rows) if row.get("url") == url]
    if not found:
        raise NotTaken(f"{shown(url)} is not watched", "`rueckspiegel feed list` names those that are")
    for position in reversed(found):
        del rows[position]
    _save(folder, tree, yaml)


def _load(folder: Path) -> tuple[Any, YAML]:
    file, yaml = folder / FILE, YAML()
    yaml.preserve_quotes, yaml.width = True, 4096
    if not folder.is_dir():
        raise NotTaken(f"{folder}: no such folder", "name a data folder; `rueckspiegel init FOLDER` makes one")
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    try:
        _, _, offset = load_yaml_guess_indent(text)
        tree = yaml.load(text)
    except (YAMLError, UnicodeDecodeError) as error:
        raise NotTaken(f"{file} is no YAML", "`rueckspiegel check` says in which line") from error
    dash = 2 if offset is None else offset
    yaml.indent(mapping=2, sequence=dash + 2, offset=dash)
    if tree is None:
        tree = CommentedMap({"feeds": CommentedSeq()})
    if not isinstance(tree, dict) or not isinstance(tree.get("feeds"), list):
        raise NotTaken(f"{file} has no list of feeds", "`rueckspiegel check` says what is wrong with it")
    return tree, yaml


def _save(folder: Path, tree: Any, yaml: YAML) -> None:
    """Whole or not at all: the running bot may read it at any moment.

    What was written is read again first, since the library garbles some comments (0.19: that of an entry in
    braces).
    """
    text = io.StringIO()
    yaml.dump(tree, text)
    try:
        is_whole = YAML(typ="safe").load(text.getvalue()) == tree
    except YAMLError:
        is_whole = False
    if not is_whole:
        raise NotTaken(f"{folder / FILE} cannot be changed without harm to its comments", "change it by hand")
    new = folder / f".{FILE}.new"
    with new.open("w", encoding="utf-8") as file:
        file.write(text.getvalue())
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / FILE)
