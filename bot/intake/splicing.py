"""A YAML text after some of its values changed: only the lines concerned are written, every other byte stays. Pure.

Comments belong to no value, so a tree that is written anew moves or loses them. Here the parser's marks say where each value
stands in the text, and what differs is put there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from yaml import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

Written = Callable[[Any, str], str]
"""A value as YAML in lines of its own; in one line where quotes are given, `"` or `'`, or where that is `-`."""
ONE_LINE = "-"


class Splice(NamedTuple):
    """From `start` to `end` of the text comes `text` instead."""

    start: int
    end: int
    text: str


def spliced(text: str, node: Node, old: Any, new: Any, written: Written) -> str:
    """The text, whose node and value these are, with the new value in it."""
    for splice in sorted(_Splicer(text, written).within(node, old, new), reverse=True):
        text = text[: splice.start] + splice.text + text[splice.end :]
    return text


class _Splicer:
    def __init__(self, text: str, written: Written) -> None:
        self._text, self._written = text, written

    def within(self, node: Node, old: Any, new: Any) -> Iterator[Splice]:
        """What differs in a value that stays of its kind and is not empty."""
        if old == new:
            return
        if isinstance(node, CollectionNode) and node.flow_style:
            yield Splice(node.start_mark.index, node.end_mark.index, self._flow(node, old, new))
        elif isinstance(node, MappingNode):
            yield from self._mapping(node, old, new)
        elif isinstance(node, SequenceNode):
            yield from self._sequence(node, old, new)

    def _mapping(self, node: MappingNode, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Splice]:
        column = node.start_mark.column
        for key_node, value_node in node.value:
            key, start, end = key_node.value, key_node.start_mark.index, self._end(value_node)
            if key not in new:
                yield Splice(self._line_start(start), self._line_end(end), "")
            elif _alike(old[key], new[key]):
                yield from self.within(value_node, old[key], new[key])
            elif old[key] != new[key]:
                yield self._put(start, end, self._entry(key, new[key], _quotes(value_node)), column)
        added = [self._entry(key, value) for key, value in new.items() if key not in old]
        yield from self._insert(self._line_end(self._end(node)), added, column)

    def _sequence(self, node: SequenceNode, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Splice]:
        items, column = node.value, node.start_mark.column
        before, after = [_name(value) for value in old], [_name(value) for value in new]
        for what, start, end, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            both = min(end - start, last - first)
            for item, was, now in zip(items[start:], old[start:], new[first : first + both], strict=False):
                if what == "equal":
                    yield from self.within(item, was, now)
                else:
                    yield self._put(self._dash(item, column), self._end(item), self._item(now, _quotes(item)), column)
            for item in items[start + both : end]:
                yield Splice(self._line_start(self._dash(item, column)), self._line_end(self._end(item)), "")
            where = self._line_end(self._end(items[end - 1])) if end else self._line_start(self._dash(items[0], column))
            yield from self._insert(where, [self._item(value) for value in new[first + both : last]], column)

    def _flow(self, node: CollectionNode, old: Any, new: Any) -> str:
        """`{…}` or `[…]` anew; what stays in it stays as it was written."""
        if isinstance(node, MappingNode):
            had = {key.value: self._source(key, value) for key, value in node.value}
            entries = [
                had[key] if key in had and old[key] == value else f"{key}: {self._written(value, ONE_LINE)}"
                for key, value in new.items()
            ]
            return "{" + ", ".join(entries) + "}"
        kept = {_name(was): self._source(item, item) for item, was in zip(node.value, old, strict=True)}
        return "[" + ", ".join(kept.get(_name(value)) or self._written(value, ONE_LINE) for value in new) + "]"

    def _put(self, start: int, end: int, text: str, column: int) -> Splice:
        """One entry in place of another. A comment behind it stays behind its first line."""
        first, *more = text.split("\n")
        if not more:
            return Splice(start, end, first)
        line_end = self._line_end(end)
        behind = self._text[end:line_end].rstrip()
        return Splice(start, line_end, "\n".join([first + behind, *(_indented(line, column) for line in more)]) + "\n")

    def _insert(self, where: int, entries: Sequence[str], column: int) -> Iterator[Splice]:
        if entries:
            lead = "" if where == 0 or self._text[where - 1] == "\n" else "\n"
            lines = [_indented(line, column) for entry in entries for line in entry.split("\n")]
            yield Splice(where, where, lead + "\n".join(lines) + "\n")

    def _entry(self, key: str, value: Any, quotes: str = "") -> str:
        return f"{key}: {self._written(value, quotes)}" if quotes else self._written({key: value}, "")

    def _item(self, value: Any, quotes: str = "") -> str:
        return f"- {self._written(value, quotes)}" if quotes else self._written([value], "")

    def _source(self, first: Node, last: Node) -> str:
        return self._text[first.start_mark.index : last.end_mark.index]

    def _end(self, node: Node) -> int:
        """Where the last word of a node ends; the parser's mark of a block stands before what comes next."""
        if isinstance(node, CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._end(last[1] if isinstance(last, tuple) else last)
        start, end = node.start_mark.index, node.end_mark.index
        return start + len(self._text[start:end].rstrip())

    def _dash(self, item: Node, column: int) -> int:
        """Where the dash of an item stands: in the item's line, or in one above."""
        at = self._line_start(item.start_mark.index)
        while at > 0 and self._text[at + column] != "-":
            at = self._line_start(at - 1)
        return at + column

    def _line_start(self, index: int) -> int:
        return self._text.rfind("\n", 0, index) + 1

    def _line_end(self, index: int) -> int:
        """Behind the end of the line."""
        return self._text.find("\n", index) + 1 or len(self._text)


def _alike(old: Any, new: Any) -> bool:
    """Whether one becomes the other part by part."""
    both = all(isinstance(value, Mapping) for value in (old, new)) or all(isinstance(value, list) for value in (old, new))
    return both and bool(old) and bool(new)


def _name(value: Any) -> str:
    """What an item of a list is known by: a row by its id."""
    return f"id {value['id']}" if isinstance(value, Mapping) and "id" in value else repr(value)


def _quotes(node: Node) -> str:
    style = node.style if isinstance(node, ScalarNode) else None
    return style if style in ("'", '"') else ""


def _indented(line: str, column: int) -> str:
    return " " * column + line if line else line
