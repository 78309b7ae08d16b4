"""A mistake or a doubt about a data folder, in words that a curator can act on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """Where something is wrong, what it is, and what to do about it."""

    file: str
    line: int
    field: str
    problem: str
    remedy: str
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: " + (f"{self.field}: " if self.field else "")
        return f"{where}{self.level}: {self.problem}; {self.remedy}"


def errors_of(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Only what makes the folder unusable."""
    return tuple(finding for finding in findings if finding.level == "error")
