"""Facts to an evidence sheet for a works council: claims, who says so, where and when, and what is not known. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from itertools import zip_longest

from bot.base import Base
from bot.facts import Fact, Unknown, in_language
from bot.messages import Reply, Span
from bot.speaker import Speaker

MOST_UNKNOWNS = 6
"""More would crowd out the claims; how many there are beyond these is said."""
_STATUSES = ("reported", "company-statement", "confirmed", "opinion", "disputed")


class NoSheet(Exception):
    """No sheet, since it would lack what was asked for: `problems` names each such fact and says why."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Detail:
    """One labelled thing that is known of a claim; `url` where it is an address."""

    label: str
    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One claim; `note` says what became of it, where something did."""

    fact: str
    claim: str
    note: str
    details: tuple[Detail, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """All of a sheet, in words of one language. `remark`: that this is not the asker's; `legend`: what each status means."""

    language: str
    day: date
    title: str
    remark: str
    rows: tuple[Row, ...]
    unknown: str
    unknowns: tuple[str, ...]
    legend: tuple[str, ...]
    closing: str


def sheet_of(ids: Sequence[str], asker: Speaker, today: date) -> Sheet:
    """The sheet of these facts, in the asker's language if the base has it. What replaced a fact stands before it.

    :raises NoSheet: for a fact that does not exist or whose publication was withdrawn.
    """
    base = asker.base
    if problems := tuple(problem for id in dict.fromkeys(ids) if (problem := _problem(id, asker))):
        raise NoSheet(problems)
    spoken = next(code for code in (asker.language, asker.fallback, base.languages[0]) if code in base.languages)
    speaker = replace(asker, language=spoken)
    facts = _with_successors([base.facts[id] for id in dict.fromkeys(ids)], base)
    numbers = {fact.id: number for number, fact in enumerate(facts, 1)}
    topics = dict.fromkeys(speaker.topic(fact.topic) for fact in facts)
    remark = asker.say("language.lead", language=asker.language_name(spoken)) if spoken != asker.language else ""
    unknowns = _unknowns(facts, base)
    said = [speaker.curated(unknown.says) for unknown in unknowns[:MOST_UNKNOWNS]]
    if beyond := len(unknowns) - len(said):
        said.append(speaker.say("steward.sheet.more", count=str(beyond)))
    used = {fact.status for fact in facts}
    return Sheet(
        language=spoken,
        day=today,
        title=speaker.say("steward.sheet.title", topics=", ".join(topics)),
        remark=remark,
        rows=tuple(_row(fact, numbers, speaker) for fact in facts),
        unknown=speaker.say("steward.sheet.unknown"),
        unknowns=tuple(said),
        legend=tuple(_meaning(status, speaker) for status in _STATUSES if status in used),
        closing=_closing(facts, today, speaker),
    )


def told(sheet: Sheet) -> Reply:
    """The sheet as a text to forward."""
    spans = [Span(sheet.title, "bold")]
    if sheet.remark:
        spans.append(Span("\n" + sheet.remark))
    for number, row in enumerate(sheet.rows, 1):
        spans.append(Span(f"\n\n{number}. {row.claim}"))
        if row.note:
            spans.append(Span("\n" + row.note, "italic"))
        for detail in row.details:
            spans += [Span(f"\n{detail.label}: "), Span(detail.text, url=detail.url)]
    if sheet.unknowns:
        spans += [Span("\n\n"), Span(sheet.unknown, "bold"), *(Span(f"\n– {line}") for line in sheet.unknowns)]
    spans += [Span("\n\n" + "\n".join(sheet.legend)), Span("\n\n"), Span(sheet.closing, "italic")]
    return Reply(tuple(spans))


def _problem(id: str, speaker: Speaker) -> str:
    """Why a fact cannot stand on a sheet; empty where it can."""
    base = speaker.base
    fact = base.facts.get(id)
    if fact is None:
        near = get_close_matches(id, base.facts, n=1)
        nearest = speaker.say("steward.sheet.nearest", id=near[0]) if near else ""
        return f"{speaker.say('fact.unknown', id=id[:40])} {nearest}".rstrip()
    if id in base.corpus.facts or fact.item is None:
        return ""
    item = base.items[fact.item]
    assert item.withdrawn is not None
    why = speaker.curated(item.reason) if item.reason else "–"
    return f"{id}: {speaker.say('item.withdrawn', date=speaker.day(item.withdrawn), reason=why)}"


def _with_successors(facts: Sequence[Fact], base: Base) -> list[Fact]:
    found: dict[str, Fact] = {}
    for fact in facts:
        newer = base.corpus.successor(fact)
        if newer is not None:
            found[newer.id] = newer
        found.setdefault(fact.id, fact)
    return list(found.values())


def _row(fact: Fact, numbers: dict[str, int], speaker: Speaker) -> Row:
    note = ""
    if fact.superseded_by is not None:
        newer = speaker.base.corpus.successor(fact)
        note = speaker.say("steward.sheet.superseded-gone")
        if newer is not None:
            number, day = str(numbers[newer.id]), speaker.day(newer.as_of)
            note = speaker.say("steward.sheet.superseded", number=number, date=day)
    return Row(fact.id, speaker.curated(fact.claim), note, tuple(_details(fact, speaker)))


def _details(fact: Fact, speaker: Speaker) -> list[Detail]:
    base, dossier = speaker.base, speaker.base.collector_of(fact)
    item = base.items[fact.item] if fact.item is not None else None
    found = [("status", speaker.say(f"status.{fact.status}"))]
    if item is not None:
        found.append(("source", f"{item.outlet}, {item.author}, {speaker.day(item.date)}"))
        found.append(("cites", ", ".join(item.cites)))
    else:
        found.append(("source", dossier.get("name", "")))
    found.append(("saw", in_language(fact.saw, speaker.language, speaker.fallback)[0] if fact.saw else ""))
    found += [("places", speaker.places(fact.place)), ("as-of", speaker.day(fact.as_of))]
    details = [Detail(speaker.say(f"steward.sheet.{key}"), text) for key, text in found if text]
    if item is not None and item.url:
        details.append(Detail(speaker.say("steward.sheet.address"), item.url, item.url))
    elif url := dossier.get("url"):
        details.append(Detail(speaker.say("steward.sheet.dossier"), url, url))
    return [*details, Detail(speaker.say("steward.sheet.id"), fact.id)]


def _unknowns(facts: Sequence[Fact], base: Base) -> list[Unknown]:
    """The known unknowns of these facts' topics near them: the nearest of each in turn, so that none is left without."""

    def near(fact: Fact) -> list[Unknown]:
        found = [one for one in base.unknowns.values() if fact.id in one.nearest and one.topic == fact.topic]
        return sorted(found, key=lambda unknown: (unknown.object != fact.object, unknown.nearest.index(fact.id)))

    turns = zip_longest(*map(near, facts))
    return list({unknown.id: unknown for turn in turns for unknown in turn if unknown is not None}.values())


def _closing(facts: Sequence[Fact], today: date, speaker: Speaker) -> str:
    """Where all of it is from; a dossier only where it collected all of it."""
    day, dossier = speaker.day(today), speaker.base.dossier
    if dossier and all(map(speaker.base.collector_of, facts)):
        return speaker.say("steward.sheet.closing", date=day, dossier=dossier["name"])
    return speaker.say("steward.sheet.closing-mixed", date=day)


def _meaning(status: str, speaker: Speaker) -> str:
    return f"{speaker.say(f'status.{status}')}: {speaker.say(f'steward.sheet.means-{status}')}"
