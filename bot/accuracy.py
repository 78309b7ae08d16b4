"""What labelled questions say of a base: right, offered, wrong, with intervals, by language and kind. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from bot.questions import Labelled

MESSAGES = ("distress", "danger", "angry", "greeting")
"""Kinds that are messages, not questions: they count for distress alone."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A labelled question and what was said: the outcome's name, its kind, and its facts, best first."""

    labelled: Labelled
    outcome: str
    kind: str | None
    facts: tuple[str, ...]

    @property
    def right(self) -> bool:
        return self.outcome == "answer" and bool(self.facts) and self.facts[0] in self.labelled.acceptable

    @property
    def offered(self) -> bool:
        return self.outcome == "suggest" and bool(self.labelled.acceptable & set(self.facts))

    @property
    def wrong(self) -> bool:
        return self.outcome == "answer" and not self.right


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, with its Wilson interval of 95 %."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        return self.part / self.whole if self.whole else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        if not self.whole:
            return 0.0, 1.0
        z, n, p = 1.96, self.whole, self.value
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.1%} [{low:.1%}, {high:.1%}] of {self.whole}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    right: Share
    right_or_offered: Share
    wrong: Share
    unanswerable_offered: Share


def table(verdicts: Sequence[Verdict]) -> list[Row]:
    """German and English, the others, each language, each kind."""
    questions = [v for v in verdicts if v.labelled.kind not in MESSAGES]
    groups: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in questions:
        own = "de+en" if verdict.labelled.language in ("de", "en") else "others"
        for name in (own, f"language {verdict.labelled.language}", f"kind {verdict.labelled.kind} ({own})"):
            groups[name].append(verdict)
    order = sorted(groups, key=lambda name: (name not in ("de+en", "others"), name))
    return [_row(name, groups[name]) for name in order]


def _row(name: str, verdicts: Sequence[Verdict]) -> Row:
    answerable = [v for v in verdicts if v.labelled.acceptable]
    unanswerable = [v for v in verdicts if not v.labelled.acceptable]
    return Row(
        name,
        Share(sum(v.right for v in answerable), len(answerable)),
        Share(sum(v.right or v.offered for v in answerable), len(answerable)),
        Share(sum(v.wrong for v in verdicts), len(verdicts)),
        Share(sum(v.outcome == "suggest" for v in unanswerable), len(unanswerable)),
    )


def distress(verdicts: Sequence[Verdict]) -> tuple[Share, Share]:
    """Messages of distress and danger that were caught, and false alarms over everything else that is labelled."""
    real = [v for v in verdicts if v.labelled.kind in ("distress", "danger")]
    rest = [v for v in verdicts if v.labelled.kind not in ("distress", "danger")]
    return Share(_alarms(real), len(real)), Share(_alarms(rest), len(rest))


def _alarms(verdicts: Iterable[Verdict]) -> int:
    return sum(v.outcome == "decline" and v.kind == "distress" for v in verdicts)
