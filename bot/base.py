"""The folder of facts, items and texts as one frozen value, and everything that is wrong with it."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bot.facts import DOSSIER, Fact, Feed, Item, Talk, Unknown
from bot.findings import Finding, errors_of
from bot.reading import Folder, read_folder
from bot.search.corpus import Corpus
from bot.search.names import Names
from bot.texts import Texts
from bot.validation import validate


class BrokenBase(Exception):
    """The folder cannot be used; `findings` says file, line, field and remedy of each mistake."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("\n".join(map(str, errors_of(findings))))
        self.findings = findings


@dataclass(frozen=True)
class Base:
    """Everything the bot can say, and nothing about who asks. `version` is a hash of all that was read."""

    folder: Path
    facts: Mapping[str, Fact]
    unknowns: Mapping[str, Unknown]
    talk: Mapping[str, Talk]
    items: Mapping[str, Item]
    topics: Mapping[str, Mapping[str, str]]
    names: Names
    texts: Texts
    languages: tuple[str, ...]
    asked_by_place: frozenset[str]
    emergency: str
    dossier: Mapping[str, str]
    feeds: tuple[Feed, ...]
    grid: Mapping[str, Any] = field(repr=False)
    version: str = ""

    @cached_property
    def corpus(self) -> Corpus:
        """What may be found: facts of withdrawn items are said no more."""
        sayable = {id: fact for id, fact in self.facts.items() if fact.item is None or self.items[fact.item].withdrawn is None}
        return Corpus(sayable, self.unknowns, self.talk, self.names, self.asked_by_place)

    def collector_of(self, fact: Fact) -> Mapping[str, str]:
        """Name and url of the dossier that a fact is known through; empty where its publication came another way.

        A fact without a publication rests on the dossier itself.
        """
        is_theirs = fact.item is None or self.items[fact.item].collected == DOSSIER
        return self.dossier if is_theirs else {}

    @property
    def collector(self) -> Mapping[str, str]:
        """Name and url of the dossier that collected every publication; empty where it did not collect them all."""
        return self.dossier if all(item.collected == DOSSIER for item in self.items.values()) else {}


def shipped_folder() -> Path:
    """The data that comes with the product: beside the packages in a checkout, inside them in a wheel."""
    checkout = Path(__file__).resolve().parent.parent / "data"
    if (checkout / "base.yaml").is_file():
        return checkout
    return Path(str(importlib.resources.files("bot"))) / "data"


def load_base(path: Path, today: Any) -> tuple[Base, tuple[Finding, ...]]:
    """The base of a folder and its warnings. `today` is the date that nothing may lie after.

    :raises BrokenBase: with every mistake in it, where there is any.
    """
    folder = read_folder(path, shipped_folder())
    findings = (*folder.findings, *validate(folder, today))
    if errors_of(findings):
        raise BrokenBase(findings)
    return assemble(folder), findings


def assemble(folder: Folder) -> Base:
    """A valid folder's trees as one value."""
    settings = folder.trees["base"]
    return Base(
        folder=folder.path,
        facts={fact.id: fact for fact in folder.facts()},
        unknowns={unknown.id: unknown for unknown in folder.unknowns()},
        talk={talk.id: talk for talk in folder.talk()},
        items={item.id: item for item in folder.items()},
        topics=folder.topics(),
        names=Names.of(folder.trees["names"]),
        texts=Texts.of(folder.phrases(), settings["languages"]),
        languages=tuple(settings["languages"]),
        asked_by_place=frozenset(settings.get("asked_by_place", ())),
        emergency=settings.get("emergency", "112"),
        dossier=settings.get("dossier") or {},
        feeds=tuple(folder.feeds()),
        grid=folder.trees["grid"] or {},
        version=_version(folder),
    )


def _version(folder: Folder) -> str:
    """The same for the same content, wherever it lies and however its files are written."""
    content = [{name: document.tree for name, document in sorted(folder.documents.items())}, folder.trees]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=sorted).encode()).hexdigest()[:12]
