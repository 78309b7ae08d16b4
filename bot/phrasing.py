"""Whether every phrase is there in every language that must have it, with the same placeholders."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from bot.findings import Finding
from bot.reading import Folder
from bot.texts import placeholders


def check_phrases(folder: Folder) -> Iterator[Finding]:
    """Every mistake in the phrases of a folder."""
    wanted = folder.trees["base"]["languages"]
    files = {document.tree["language"]: (name, document) for name, document in folder.of("texts")}
    keys = folder.trees["phrases"]
    for name, document in files.values():
        for key in document.tree["phrases"].keys() - keys:
            near = get_close_matches(key, keys, n=1)
            remedy = f"perhaps {near[0]} was meant" if near else "remove it"
            yield Finding(name, document.line(("phrases", key)), key, "there is no such phrase", remedy)
    for language in wanted:
        if language not in files:
            yield Finding("texts", 1, language, f"no phrases in {language}", f"add texts/{language}.yaml")
            continue
        name, document = files[language]
        for key in sorted(keys - set(document.tree["phrases"])):
            yield Finding(name, document.line(("phrases",)), key, "this phrase is missing", "add it, as in the other files")
    reference = files.get(wanted[0])
    for name, document in files.values():
        for key, phrase in document.tree["phrases"].items():
            line = document.line(("phrases", key))
            try:
                own = placeholders(phrase)
            except ValueError as error:
                yield Finding(name, line, key, f"its braces do not match ({error})", "write {name} or nothing")
                continue
            there = reference[1].tree["phrases"].get(key) if reference else None
            if there is not None and own != _safe_placeholders(there):
                needed = ", ".join(sorted(_safe_placeholders(there))) or "none"
                yield Finding(name, line, key, f"its placeholders differ from {wanted[0]}'s", f"use exactly: {needed}")


def _safe_placeholders(phrase: str) -> frozenset[str]:
    try:
        return placeholders(phrase)
    except ValueError:
        return frozenset()
