"""Countries and other companies that a question names: what must fit before a fact may answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.facts import Localized
from bot.search.fold import fold

_YEAR = re.compile(r"\b(20[0-3]\d)\b")


def _pattern(stems: Sequence[str]) -> re.Pattern[str]:
    parts = [re.escape(fold(stem)) + (r"\b" if stem.endswith("$") else "") for stem in stems]
    return re.compile(r"\b(?:" + "|".join(sorted(parts, key=len, reverse=True)) + ")")


@dataclass(frozen=True, slots=True)
class Names:
    """The names of data/names.yaml, compiled once."""

    countries: Mapping[str, Localized]
    stems: Mapping[str, re.Pattern[str]] = field(repr=False)
    others: re.Pattern[str] | None = field(repr=False, default=None)

    @classmethod
    def of(cls, tree: Mapping[str, object]) -> Names:
        """From the file's tree: `countries` (ISO code to name and stems) and `others` (company names)."""
        countries = tree.get("countries") or {}
        others = tree.get("others") or []
        assert isinstance(countries, Mapping)
        assert isinstance(others, Sequence)
        return cls(
            {code: entry["name"] for code, entry in countries.items()},
            {code: _pattern(entry["stems"]) for code, entry in countries.items()},
            _pattern([f"{name}$" for name in others]) if others else None,
        )

    def places(self, question: str) -> frozenset[str]:
        """ISO codes of the countries that the question names."""
        folded = fold(question)
        return frozenset(code for code, stems in self.stems.items() if stems.search(folded))

    def companies(self, question: str) -> tuple[str, ...]:
        """Companies that the question names and the base says nothing about."""
        return tuple(self.others.findall(fold(question))) if self.others else ()


def years(question: str) -> tuple[int, ...]:
    """The years from 2000 to 2039 that the question names."""
    return tuple(int(year) for year in _YEAR.findall(question))
