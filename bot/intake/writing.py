"""YAML as a steward left it, with one thing changed: comments, order and quotes stay."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.representer import RoundTripRepresenter

Tree = dict[str, Any]
_NEVER_WRAP = 100_000
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def parsed(text: str) -> Any:
    """A YAML text as a tree that remembers how it was written."""
    return _yaml().load(text)


def dumped(tree: Any, schema: str = "") -> str:
    """A tree as text; `schema` is the address of the schema that an editor checks a new file by."""
    out = io.StringIO()
    if schema:
        out.write(f"# yaml-language-server: $schema={schema}\n")
    _yaml().dump(tree, out)
    return out.getvalue()


def changed(text: str, change: Callable[[Any], None]) -> str:
    """The text after `change` was done to its tree."""
    tree = parsed(text) or CommentedMap()
    change(tree)
    return dumped(tree)


def write(path: Path, text: str) -> None:
    """The whole file or nothing of it, durable once this returns.

    :raises OSError: where the folder cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


class _Representer(RoundTripRepresenter):
    """Nothing is `null`, days stand without quotes and lines below one another, as in the folder's files."""

    def ignore_aliases(self, data: Any) -> bool:
        """What stands in two places is written out twice, since a folder with references is refused."""
        return True


def _written(representer: Any, text: str) -> Any:
    if _DAY.fullmatch(text):
        return representer.represent_scalar("tag:yaml.org,2002:timestamp", text)
    return representer.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Representer.add_representer(type(None), lambda self, _: self.represent_scalar("tag:yaml.org,2002:null", "null"))
_Representer.add_representer(str, _written)


def _yaml() -> YAML:
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.preserve_quotes = True
    yaml.width = _NEVER_WRAP
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
