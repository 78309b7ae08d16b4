"""Reading a data folder: every file to a tree with lines, checked against its schema, and the trees to values."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema_rs

from bot.facts import Fact, Feed, Item, Talk, Unknown
from bot.findings import Finding
from bot.spoofing import host_of
from bot.yaml_lines import BrokenYaml, Document, read

_SINGLE = {"base": "base", "names": "names", "grid": "grid", "feeds": "feeds"}
_OWN = ("feeds",)
"""Never taken from the shipped folder."""
_MANY = {"facts": "facts", "dossier": "item", "talk": "talk", "texts": "texts"}


@dataclass
class Folder:
    """The documents of a folder by relative file name, the single trees by name, and what was wrong with the files."""

    path: Path
    documents: dict[str, Document] = field(default_factory=dict)
    trees: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def of(self, part: str) -> Iterator[tuple[str, Document]]:
        """The documents of one sub-folder: facts, dossier, talk or texts."""
        return ((name, doc) for name, doc in self.documents.items() if name.startswith(f"{part}/"))

    def rows(self, part: str, key: str) -> Iterator[tuple[str, Document, int, dict[str, Any]]]:
        """Entries of a list in the documents of a part: file, document, position, tree."""
        for name, document in self.of(part):
            for position, row in enumerate(document.tree.get(key) or ()):
                yield name, document, position, row

    def facts(self) -> Iterator[Fact]:
        for _, document, _, row in self.rows("facts", "facts"):
            yield Fact(
                **{key: row[key] for key in ("id", "claim", "status", "object", "aspect", "item")},
                topic=document.tree["topic"],
                place=tuple(row["place"]),
                as_of=_day(row["as_of"]),
                questions=_questions(row),
                asks=row.get("asks") or {},
                near_misses=_questions(row, "near_misses"),
                saw=row.get("saw") or {},
                superseded_by=row.get("superseded_by"),
            )

    def unknowns(self) -> Iterator[Unknown]:
        for _, document, _, row in self.rows("facts", "unknowns"):
            yield Unknown(
                **{key: row[key] for key in ("id", "object", "aspect", "says")},
                topic=document.tree["topic"],
                nearest=tuple(row["nearest"]),
                questions=_questions(row),
            )

    def talk(self) -> Iterator[Talk]:
        for _, _, _, row in self.rows("talk", "talk"):
            yield Talk(row["id"], row["kind"], _questions(row))

    def items(self) -> Iterator[Item]:
        for _, document in self.of("dossier"):
            row = document.tree
            yield Item(
                **{key: row[key] for key in ("id", "title", "summary", "outlet", "author", "url")},
                date=_day(row["date"]),
                cites=tuple(row.get("cites") or ()),
                country=tuple(row["country"]),
                topics=tuple(row["topics"]),
                published=_day(row["published"]) if row["published"] else None,
                withdrawn=_day(row["withdrawn"]["date"]) if row["withdrawn"] else None,
                reason=(row["withdrawn"] or {}).get("reason") or {},
                collected=row.get("collected"),
            )

    def feeds(self) -> Iterator[Feed]:
        for row in (self.trees.get("feeds") or {}).get("feeds", ()):
            yield Feed(row["url"], row.get("name") or host_of(row["url"]))

    def topics(self) -> Mapping[str, Mapping[str, str]]:
        """Topic id to its name in words, of the topics that have facts."""
        return {
            document.tree["topic"]: document.tree.get("name") or {"en": document.tree["topic"]}
            for _, document in self.of("facts")
            if document.tree.get("facts")
        }

    def phrases(self) -> Mapping[str, tuple[bool, Mapping[str, str]]]:
        """Language to whether it was reviewed, and its phrases."""
        return {
            document.tree["language"]: (document.tree["reviewed"], document.tree["phrases"]) for _, document in self.of("texts")
        }


def read_folder(path: Path, shipped: Path) -> Folder:
    """Every file of the folder; a whole part that it lacks is the shipped one's."""
    folder = Folder(path)
    if not path.is_dir():
        folder.findings.append(Finding(str(path), 1, "", "no such folder", "set RUECKSPIEGEL_DATA or --data to a data folder"))
        return folder
    for part, schema in _MANY.items():
        own = sorted((path / part).glob("*.yaml"))
        for file in own or ([] if part in ("facts", "dossier") else sorted((shipped / part).glob("*.yaml"))):
            _take(folder, file, f"{part}/{file.name}", schema, shipped)
    _fill_phrases(folder, shipped)
    for part, schema in _SINGLE.items():
        file = path / f"{part}.yaml"
        if not file.is_file():
            if part in _OWN:
                continue
            file = shipped / f"{part}.yaml"
        document = _take(folder, file, f"{part}.yaml", schema, shipped)
        folder.trees[part] = document.tree if document else None
    return folder


def _fill_phrases(folder: Folder, shipped: Path) -> None:
    """Phrases and languages that the folder lacks are the shipped ones, so that an upgrade never stops a bot."""
    own = {document.tree["language"]: document for _, document in folder.of("texts")}
    folder.trees["phrases"] = set()
    for file in sorted((shipped / "texts").glob("*.yaml")):
        phrases = read(file).tree["phrases"]
        folder.trees["phrases"] |= set(phrases)
        there = own.get(file.stem)
        if there is not None and folder.path != shipped:
            there.tree["phrases"] = {**phrases, **there.tree["phrases"]}
        elif own and not (folder.path / "texts" / file.name).exists():
            _take(folder, file, f"texts/{file.name}", "texts", shipped)


def _take(folder: Folder, file: Path, name: str, schema: str, shipped: Path) -> Document | None:
    try:
        document = read(file)
    except BrokenYaml as error:
        remedy = "mend the YAML there (quote texts that contain ': ' or begin with a special character)"
        folder.findings.append(Finding(name, error.line, "", error.problem, remedy))
        return None
    for path, line in document.doubled:
        folder.findings.append(Finding(name, line, _dotted(path), "this key stands twice", "keep one of them"))
    found = [_finding(name, document, error) for error in _validator(schema, shipped).iter_errors(document.tree)]
    folder.findings.extend(found)
    if not found:
        folder.documents[name] = document
    return document if not found else None


def shape_of(name: str, document: Document, tree: Any, schema: str, shipped: Path, kinds: Collection[str]) -> Iterator[Finding]:
    """What of these kinds is wrong with a tree that lies in the document under the same paths."""
    for error in _validator(schema, shipped).iter_errors(tree):
        if _kind_of(error) in kinds:
            yield _finding(name, document, error)


_validators: dict[Path, jsonschema_rs.Validator] = {}


def _validator(schema: str, shipped: Path) -> jsonschema_rs.Validator:
    file = shipped / "schema" / f"{schema}.json"
    if file not in _validators:
        _validators[file] = jsonschema_rs.validator_for(json.loads(file.read_text(encoding="utf-8")))
    return _validators[file]


def _finding(name: str, document: Document, error: jsonschema_rs.ValidationError) -> Finding:
    path = tuple(error.instance_path)
    kind = _kind_of(error)
    remedy = {
        "AdditionalProperties": "remove that key, or spell it as in the schema beside the data",
        "Required": "add the missing key",
        "Pattern": "write it in the form that the pattern shows",
        "Enum": "use one of the values named",
        "MaxLength": "shorten it",
        "PropertyNames": "use a two-letter language or country code as key",
    }.get(kind, "write it as the schema beside the data says")
    message = error.message if len(error.message) < 200 else error.message[:197] + "..."
    return Finding(name, document.line(path), _dotted(path), message, remedy)


def _kind_of(error: jsonschema_rs.ValidationError) -> str:
    return type(error.kind).__name__.rpartition("_")[2]


def _dotted(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _day(value: str | date) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def _questions(row: Mapping[str, Any], key: str = "questions") -> Mapping[str, tuple[str, ...]]:
    return {language: tuple(variants) for language, variants in (row.get(key) or {}).items()}
