"""YAML as a steward left it, with one thing changed: comments, order and quotes stay."""

from __future__ import annotations

import io
import os
import re
import textwrap
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, SingleQuotedScalarString
from yaml import SafeLoader, ScalarNode

from bot.intake.splicing import spliced
from bot.yaml_lines import BrokenYaml, parse

Tree = dict[str, Any]
_NEVER_WRAP = 100_000
_QUOTED = {'"': DoubleQuotedScalarString, "'": SingleQuotedScalarString}
_RESOLVER, _WORD = SafeLoader(""), "tag:yaml.org,2002:str"
_HEAD = "# yaml-language-server: $schema="
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def parsed(text: str) -> Any:
    """A YAML text as a tree that remembers how it was written."""
    return _yaml().load(text)


def dumped(tree: Any) -> str:
    """A tree as text."""
    out = io.StringIO()
    _yaml().dump(tree, out)
    return out.getvalue()


def headed(text: str, schema: str) -> str:
    """The text with the line that names the schema by which an editor checks it: `item` or `facts`."""
    return text if _HEAD in text else f"{_HEAD}../schema/{schema}.json\n{text}"


def changed(text: str, change: Callable[[Any], None]) -> str:
    """The text after `change` was done to its tree; what it did not touch stays byte for byte."""
    document = parse(text)
    tree = deepcopy(document.tree) or {}
    change(tree)
    if not document.tree or document.node is None:
        return dumped(tree)
    made = spliced(text, document.node, document.tree, tree, _one)
    return made if _says(made, tree) else _merged(text, document.tree, tree)


def _says(text: str, tree: Any) -> bool:
    try:
        return bool(parse(text).tree == tree)
    except BrokenYaml:
        return False


def _merged(text: str, old: Tree, new: Tree) -> str:
    """For what is written in a way that has no lines of its own: the whole file anew, with most of its comments."""
    tree = parsed(text)
    for key in old.keys() - new.keys():
        del tree[key]
    tree.update({key: value for key, value in new.items() if key not in old or old[key] != value})
    return dumped(tree)


def _one(value: Any, quotes: str) -> str:
    """See `Written`."""
    if not quotes:
        return textwrap.dedent(dumped(value)).strip("\n")
    line = CommentedSeq([_QUOTED[quotes](value) if quotes in _QUOTED and isinstance(value, str) else value])
    line.fa.set_flow_style()
    return dumped(line).strip()[1:-1]


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
    # Who reads the files takes `no` for a refusal, who writes them for a word: Norway's code needs quotes.
    is_word = _RESOLVER.resolve(ScalarNode, text, (True, False)) == _WORD  # type: ignore[no-untyped-call]
    return representer.represent_scalar(_WORD, text, style="|" if "\n" in text else None if is_word else '"')


_Representer.add_representer(type(None), lambda self, _: self.represent_scalar("tag:yaml.org,2002:null", "null"))
_Representer.add_representer(str, _written)


def _yaml() -> YAML:
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.preserve_quotes = True
    yaml.width = _NEVER_WRAP
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
