"""What was imported before, in the folder's `imports.yaml`: importing again proposes only what is new or changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.intake.writing import dumped, parsed, write

FILE = "imports.yaml"
_LEAD = "# What was imported, so that importing again proposes only what is new or changed. Written by `rueckspiegel import`.\n"


@dataclass
class Ledger:
    """`shipped` and `pages`: id to a mark of what it was when it was imported."""

    shipped: dict[str, str] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> Ledger:
        """The ledger of a folder; an empty one where there is none."""
        file = folder / FILE
        tree = (parsed(file.read_text(encoding="utf-8")) or {}) if file.is_file() else {}
        return cls(dict(tree.get("shipped") or {}), dict(tree.get("pages") or {}))

    def save(self, folder: Path) -> None:
        write(folder / FILE, _LEAD + dumped({"shipped": self.shipped, "pages": self.pages}))


def mark(value: Any) -> str:
    """A short name of a value; another value has another."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str, ensure_ascii=False).encode()).hexdigest()[:16]
