"""Whether a file is written as a draft has to be: of what is there, not of what is missing still. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Literal

from bot.base import shipped_folder
from bot.findings import Finding
from bot.reading import shape_of
from bot.yaml_lines import Document, PathInTree

Kind = Literal["item", "fact", "unknown"]
BEGAN_FROM = "began_from"
ONLY_IN_DRAFTS: Mapping[str, type] = {"passage": str, "doubts": list, "supersedes": str, BEGAN_FROM: str}
"""What a draft has besides the keys of the finished thing."""
_SHAPES = ("Type", "AnyOf", "AdditionalProperties")
"""What nobody can work on. What is too long or badly formed can be mended in chat, and is refused when it is published."""


def misshapen(name: str, document: Document, kind: Kind) -> Iterator[Finding]:
    """Why a document, of a file of that name, is no draft: warnings, since the folder is whole without it."""
    tree = document.tree
    for key, wanted in ONLY_IN_DRAFTS.items():
        if tree.get(key) and not isinstance(tree[key], wanted):
            form = "a list" if wanted is list else "a text"
            yield Finding(name, document.line((key,)), key, f"{tree[key]!r} is not {form}", f"write {form}", "warning")
    plain = _filled({key: value for key, value in tree.items() if key not in ONLY_IN_DRAFTS})
    schema = "item" if kind == "item" else "facts"
    for finding in shape_of(name, document, plain, schema, shipped_folder(), _SHAPES):
        yield replace(finding, level="warning")
    path: PathInTree = () if kind == "item" else (f"{kind}s", 0)
    row = tree if kind == "item" else tree[f"{kind}s"][0]
    for key in ("date", "as_of"):
        text = row.get(key)
        if isinstance(text, str) and not _is_day(text):
            line = document.line((*path, key))
            yield Finding(name, line, key, f"{text} is no day", "write YEAR-MONTH-DAY, such as 2023-07-20", "warning")


def _filled(tree: Any) -> Any:
    """Without what nobody has filled in yet."""
    if isinstance(tree, Mapping):
        return {key: _filled(value) for key, value in tree.items() if value not in (None, "", [], {})}
    return [_filled(value) for value in tree] if isinstance(tree, list) else tree


def _is_day(text: str) -> bool:
    try:
        return bool(text == date.fromisoformat(text).isoformat())
    except ValueError:
        return False
