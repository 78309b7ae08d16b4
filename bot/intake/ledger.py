"""What was offered before of pages and feeds, in the folder's `imports.yaml`: importing again offers what is new or changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.intake.writing import dumped, parsed, write

FILE = "imports.yaml"
_LEAD = "# What was imported, so that importing again proposes only what is new or changed. Written by `rueckspiegel import`.\n"


@dataclass
class Ledger:
    """`pages`: a publication's id to marks of all that was offered of it: itself in each of its states, and its claims."""

    pages: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> Ledger:
        """The ledger of a folder; an empty one where there is none."""
        file = folder / FILE
        tree = (parsed(file.read_text(encoding="utf-8")) or {}) if file.is_file() else {}
        # What another version of the product wrote in another form says nothing here.
        return cls({id: list(marks) for id, marks in (tree.get("pages") or {}).items() if isinstance(marks, list)})

    def note(self, id: str, marks: Iterable[str]) -> None:
        """Marks of what was offered now."""
        self.pages[id] = list(dict.fromkeys((*self.pages.get(id, ()), *marks)))

    def save(self, folder: Path) -> None:
        write(folder / FILE, _LEAD + dumped({"pages": self.pages}))


def mark(value: Any) -> str:
    """A short name of a value; another value has another."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str, ensure_ascii=False).encode()).hexdigest()[:16]
