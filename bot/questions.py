"""Labelled questions: what accuracy is measured on. `language<TAB>ids or -<TAB>question<TAB>kind` a line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.refusal import Refusal


class BrokenQuestions(Refusal):
    """A line that is not a labelled question."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """`acceptable` is empty where the base cannot answer."""

    language: str
    acceptable: frozenset[str]
    question: str
    kind: str


def read_questions(file: Path, known: frozenset[str] | None) -> list[Labelled]:
    """The labelled questions of a file; `known` are the ids that may stand in it (None: any).

    :raises BrokenQuestions: naming file, line, and what to do.
    """
    found = []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BrokenQuestions(f"{file}: cannot be read ({error}); name a UTF-8 file of labelled questions") from error
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        columns = line.split("\t")
        if len(columns) != 4 or not columns[2].strip():
            raise BrokenQuestions(
                f"{file}:{number}: {len(columns)} columns; write language, ids or -, question and kind, with tabs between"
            )
        language, ids, question, kind = (column.strip() for column in columns)
        acceptable = frozenset() if ids == "-" else frozenset(id.strip() for id in ids.split(","))
        if known is not None and (unknown := sorted(acceptable - known)):
            raise BrokenQuestions(f"{file}:{number}: there is no fact {', '.join(unknown)}; use ids of facts, or -")
        found.append(Labelled(language, acceptable, question, kind))
    return found
