"""Doubts about the addresses in a data folder: what misleads, what is not encrypted, what nobody outside can open."""

from __future__ import annotations

from collections.abc import Iterator

from bot.findings import Finding
from bot.reading import Folder
from bot.spoofing import fault_of, shown
from bot.yaml_lines import PathInTree


def address_doubts(folder: Folder) -> Iterator[Finding]:
    """A warning for each address of an item, of a feed or of the dossier that is not as it should be."""
    for name, path, url in _addresses(folder):
        fault = fault_of(url)
        if fault is not None:
            line = folder.documents[name].line(path)
            yield Finding(name, line, str(path[-1]), f"{shown(url)}: {fault.problem}", fault.remedy, "warning")
    seen: set[str] = set()
    for name, path, url in _addresses(folder):
        if name == "feeds.yaml" and url in seen:
            line = folder.documents[name].line(path)
            yield Finding(name, line, "url", f"{shown(url)} stands twice", "keep one of them", "warning")
        seen |= {url} if name == "feeds.yaml" else set()


def _addresses(folder: Folder) -> Iterator[tuple[str, PathInTree, str]]:
    """File, path in it, address."""
    for name, document in folder.of("dossier"):
        if document.tree["url"]:
            yield name, ("url",), document.tree["url"]
    if folder.trees.get("feeds"):
        for position, row in enumerate(folder.trees["feeds"]["feeds"]):
            yield "feeds.yaml", ("feeds", position, "url"), row["url"]
    dossier = (folder.trees.get("base") or {}).get("dossier")
    if dossier:
        yield "base.yaml", ("dossier", "url"), dossier["url"]
