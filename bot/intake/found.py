"""What a page, a feed or an article says of publications, as far as it could be read. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bot.refusal import Refusal


class NotTaken(Refusal):
    """Nothing was taken over: `problem` says what is wrong and where, `remedy` what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.problem, self.remedy = problem, remedy


@dataclass(frozen=True, slots=True)
class Publication:
    """One publication; what is not said is empty.

    `title` and `passage` are in `language`; `passage` is what a draft rests on, `claims` are sentences of it that look worth a
    fact each. `part_of` is the position of the publication that it stands under. `doubts` are for a steward to settle:
    what looks like a mistake is named, never repaired. `original` is the language of the publication and its title
    where the page tells of it in another one.
    """

    title: str
    date: date | None = None
    author: str = ""
    outlet: str = ""
    cites: tuple[str, ...] = ()
    url: str | None = None
    language: str = ""
    country: tuple[str, ...] = ()
    passage: str = ""
    claims: tuple[str, ...] = ()
    part_of: int | None = None
    doubts: tuple[str, ...] = ()
    original: str = ""


@dataclass(frozen=True, slots=True)
class Leftover:
    """What no sense could be made of: the line of the page, from 1, and what stands there."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """All of one page or feed."""

    publications: tuple[Publication, ...]
    leftover: tuple[Leftover, ...] = ()
