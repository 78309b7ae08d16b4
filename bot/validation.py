"""What a schema cannot see: references, dates, loops, languages, doubled variants, phrases and their placeholders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Any

from bot.addresses import address_doubts
from bot.findings import Finding
from bot.phrasing import check_phrases
from bot.reading import Folder
from bot.search.fold import fold
from bot.yaml_lines import Document

ENOUGH_VARIANTS = 4
"""Variants in each language of the base below which a fact is hard to find."""


def validate(folder: Folder, today: date) -> Iterator[Finding]:
    """Every mistake in the meaning of the folder's documents; what the schema refused is not looked at."""
    if any(not folder.trees.get(part) for part in ("base", "names")):
        return
    yield from _identities(folder)
    yield from _references(folder)
    yield from _loops(folder)
    yield from _days_and_countries(folder, today)
    yield from _languages(folder)
    yield from _variants(folder)
    yield from check_phrases(folder)
    yield from _doubts(folder)
    yield from address_doubts(folder)


def _entries(folder: Folder) -> Iterator[tuple[str, Document, tuple[str | int, ...], dict[str, Any], str]]:
    """File, document, path, tree and kind of everything that has an id."""
    for part, key, kind in (("facts", "facts", "fact"), ("facts", "unknowns", "unknown"), ("talk", "talk", "talk")):
        for name, document, position, row in folder.rows(part, key):
            yield name, document, (key, position), row, kind
    for name, document in folder.of("dossier"):
        yield name, document, (), document.tree, "item"


def _identities(folder: Folder) -> Iterator[Finding]:
    seen: dict[tuple[bool, str], str] = {}
    for name, document, path, row, kind in _entries(folder):
        line = document.line((*path, "id"))
        # Facts, unknowns and talk are found by one search; items have ids of their own kind.
        key = (kind == "item", row["id"])
        if key in seen:
            yield Finding(name, line, "id", f"{row['id']} stands in {seen[key]} too", "give one of them another id")
        seen[key] = f"{name}:{line}"


def _references(folder: Folder) -> Iterator[Finding]:
    known: dict[str, set[str]] = defaultdict(set)
    for _, _, _, row, kind in _entries(folder):
        known[kind].add(row["id"])
    for name, document, path, row, kind in _entries(folder):
        wanted = {
            "fact": [("item", row.get("item"), "item"), ("superseded_by", row.get("superseded_by"), "fact")],
            "unknown": [("nearest", id, "fact") for id in row.get("nearest") or ()],
            "item": [("part_of", row.get("part_of"), "item")],
        }.get(kind, [])
        for field, id, target in wanted:
            if id is not None and id not in known[target]:
                line = document.line((*path, field))
                yield Finding(name, line, field, f"there is no {target} {id}", f"name a {target} that exists, or add it")


def _loops(folder: Folder) -> Iterator[Finding]:
    for kind, field in (("fact", "superseded_by"), ("item", "part_of")):
        rows = {row["id"]: (name, doc, path, row) for name, doc, path, row, k in _entries(folder) if k == kind}
        for id, (name, document, path, row) in rows.items():
            chain, step = [id], row.get(field)
            while step in rows and step not in chain:
                chain.append(step)
                step = rows[step][3].get(field)
            if step == id:
                line = document.line((*path, field))
                circle = " -> ".join([*chain, id])
                yield Finding(name, line, field, f"goes round in a loop: {circle}", "let the newest one end it with null")


@lru_cache(maxsize=1)
def _countries() -> frozenset[str]:
    import pycountry

    return frozenset(country.alpha_2 for country in pycountry.countries)


def _days_and_countries(folder: Folder, today: date) -> Iterator[Finding]:
    for name, document, path, row, _ in _entries(folder):
        days = [
            ("as_of", row.get("as_of"), True),
            ("date", row.get("date"), True),
            ("published", row.get("published"), False),
        ]
        if row.get("withdrawn"):
            days.append(("withdrawn", row["withdrawn"]["date"], False))
        for field, text, must_be_past in days:
            if text is None:
                continue
            line = document.line((*path, field))
            try:
                day = date.fromisoformat(text)
            except ValueError:
                yield Finding(name, line, field, f"{text} is no day of the calendar", "write YEAR-MONTH-DAY")
                continue
            if must_be_past and day > today:
                yield Finding(name, line, field, f"{text} lies in the future", "write the day of the publication")
        for field in ("place", "country"):
            for position, code in enumerate(row.get(field) or ()):
                if code not in _countries():
                    line = document.line((*path, field, position))
                    yield Finding(name, line, field, f"{code} is no country", "use the ISO 3166 code, such as DE or US")
    for code in folder.trees["names"]["countries"]:
        if code not in _countries():
            yield Finding("names.yaml", 1, f"countries.{code}", f"{code} is no country", "use the ISO 3166 code")


def _languages(folder: Folder) -> Iterator[Finding]:
    wanted = folder.trees["base"]["languages"]
    for name, document, path, row, kind in _entries(folder):
        fields = {"fact": ("claim",), "unknown": ("says",), "item": ("title", "summary")}.get(kind, ())
        for field in fields:
            for language in wanted:
                if not row[field].get(language, "").strip():
                    line = document.line((*path, field))
                    remedy = f"write it in {language} too, or take {language} out of base.yaml"
                    yield Finding(name, line, f"{field}.{language}", f"{row['id']} has no {language}", remedy)


def _variants(folder: Folder) -> Iterator[Finding]:
    seen: dict[str, tuple[str, str]] = {}
    for name, document, path, row, _ in _entries(folder):
        for place, variant in _asked(row):
            line, field = document.line((*path, *place)), f"{place[0]}.{place[1]}"
            folded = fold(variant)
            if not folded:
                yield Finding(name, line, field, f"{variant!r} has no letters", "write a question in words")
                continue
            other = seen.setdefault(folded, (row["id"], f"{name}:{line}"))
            if other[0] != row["id"]:
                problem = f"{variant!r} is a variant of {other[0]} ({other[1]}) and of {row['id']}"
                remedy = "leave it where it belongs, or say in both what sets them apart"
                yield Finding(name, line, field, problem, remedy)


def _asked(row: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Where in an entry a question stands, and its text."""
    for language, text in (row.get("asks") or {}).items():
        yield ("asks", language), text
    for language, variants in (row.get("questions") or {}).items():
        for position, variant in enumerate(variants):
            yield ("questions", language, position), variant


def _doubts(folder: Folder) -> Iterator[Finding]:
    used = {row.get("item") for _, _, _, row in folder.rows("facts", "facts")}
    sides: dict[tuple[str, str], str] = {}
    wanted = folder.trees["base"]["languages"]
    for name, document, path, row, kind in _entries(folder):
        line = document.line(path or ("id",))
        if row.get("collected") and not folder.trees["base"].get("dossier"):
            problem, remedy = f"base.yaml names no dossier that collected {row['id']}", "name one there, or take this out"
            yield Finding(name, document.line(("collected",)), "collected", problem, remedy, "warning")
        if kind == "item" and row["id"] not in used and not row.get("part_of"):
            yield Finding(name, line, "id", f"no fact rests on {row['id']}", "write one, or leave it", "warning")
        if kind in ("fact", "unknown"):
            side = (row["object"], row["aspect"])
            if side in sides:
                problem = f"{row['id']} and {sides[side]} share object and aspect"
                yield Finding(name, line, "aspect", problem, "name what sets them apart", "warning")
            sides[side] = row["id"]
            for language in wanted:
                have = len((row["questions"] or {}).get(language, ()))
                if have < ENOUGH_VARIANTS:
                    problem = f"{row['id']} has {have} variants"
                    remedy = f"write at least {ENOUGH_VARIANTS}, as people would type them"
                    yield Finding(name, line, f"questions.{language}", problem, remedy, "warning")
