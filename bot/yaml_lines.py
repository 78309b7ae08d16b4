"""YAML with line numbers: a tree and, for every path in it, the line where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML built without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

# Dates stay text here: the schema checks their form, validation whether there is such a day.
_AS_TEXT = {"tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp"}

PathInTree = tuple[str | int, ...]


@dataclass(slots=True)
class Document:
    """The tree of one file, and the parser's `node` of it, whose marks say where in the text everything stands.

    From `read` it comes without the node, which is many times as large, and would be kept for every file of a folder.
    `lines` gives the 1-based line of a path, `doubled` keys that stand twice in one mapping.
    """

    tree: Any
    node: yaml.Node | None = field(default=None, repr=False, compare=False)
    lines: dict[PathInTree, int] = field(default_factory=dict)
    doubled: list[tuple[PathInTree, int]] = field(default_factory=list)

    def line(self, path: PathInTree) -> int:
        """The line of the path, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class BrokenYaml(Exception):
    """Not YAML at all: `line` and what the parser says."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


def read(path: Path) -> Document:
    """The document of a file.

    :raises BrokenYaml: where it is not UTF-8 or not YAML.
    """
    try:
        return replace(parse(path.read_text(encoding="utf-8")), node=None)
    except UnicodeDecodeError as error:
        raise BrokenYaml(1, f"not UTF-8 text (byte {error.start})") from error


def parse(text: str) -> Document:
    """The document of a text.

    :raises BrokenYaml: where it is not YAML.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BrokenYaml(mark.line + 1 if mark else 1, str(error.problem or error.context)) from error
    except yaml.YAMLError as error:
        raise BrokenYaml(1, str(error)) from error
    document = Document(None, node)
    if node is not None:
        document.tree = _build(loader, node, (), document, set())
    return document


def _build(loader: Any, node: yaml.Node, path: PathInTree, document: Document, seen: set[int]) -> Any:
    document.lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.CollectionNode):
        # What refers to itself has no end, and a few references to references fill any memory.
        if id(node) in seen:
            raise BrokenYaml(node.start_mark.line + 1, "it is referred to with * from elsewhere; write it out there")
        seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        tree: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(getattr(key_node, "value", ""))
            inner = (*path, key)
            if key in tree:
                document.doubled.append((inner, key_node.start_mark.line + 1))
            tree[key] = _build(loader, value_node, inner, document, seen)
            document.lines[inner] = key_node.start_mark.line + 1
        return tree
    if isinstance(node, yaml.SequenceNode):
        return [_build(loader, inner, (*path, i), document, seen) for i, inner in enumerate(node.value)]
    if node.tag in _AS_TEXT:
        return node.value
    return _scalar(loader, node)


def _scalar(loader: Any, node: yaml.Node) -> Any:
    try:
        return loader.construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        raise BrokenYaml(node.start_mark.line + 1, f"cannot be read: {error}") from error
