"""Phrases by language and key, checked when they are loaded."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Texts:
    """Every phrase the bot says that is not a curated fact."""

    phrases: Mapping[str, Mapping[str, str]]
    reviewed: frozenset[str]
    languages: tuple[str, ...]

    @classmethod
    def of(cls, files: Mapping[str, tuple[bool, Mapping[str, str]]], languages: Sequence[str]) -> Texts:
        """From language to (reviewed, phrases); `languages` are those in which every phrase must exist."""
        return cls(
            {language: phrases for language, (_, phrases) in files.items()},
            frozenset(language for language, (reviewed, _) in files.items() if reviewed),
            tuple(languages),
        )

    def say(self, language: str, key: str, /, **values: str) -> str:
        """The phrase in the language, else in the first language of the base that has it, with its values filled in.

        :raises KeyError: for a key that no language has, or a value that the phrase needs and did not get.
        """
        for candidate in (language, *self.languages, *self.phrases):
            phrase = self.phrases.get(candidate, {}).get(key)
            if phrase is not None:
                return phrase.format(**values).strip()
        raise KeyError(key)

    def has(self, language: str, key: str) -> bool:
        return key in self.phrases.get(language, {})


def placeholders(phrase: str) -> frozenset[str]:
    """The names in braces of a phrase.

    :raises ValueError: where its braces do not match.
    """
    return frozenset(name for _, name, _, _ in string.Formatter().parse(phrase) if name is not None)
