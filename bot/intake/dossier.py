"""A dossier page's lines to its publications. Pure: no file, no network, no clock.

An entry is a publication where a credit line says who wrote it, when and where. Every line ends in a passage or is left over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date
from urllib.parse import urlsplit

import regex

from bot.intake.cites import cites_in
from bot.intake.credits import Credit
from bot.intake.doubtful import doubts_about, doubts_about_link
from bot.intake.entries import Entry, entries_of
from bot.intake.found import Found, Leftover, NotTaken, Publication
from bot.intake.lines import MARK, Line, plain
from bot.intake.passages import claims_of, countries_of, language_of, sentences

Places = Callable[[str], Collection[str]]
"""From a text to the codes of the countries that it names."""
_NEW = regex.compile(r"\s+(?:New|NEW|Neu|NEU)!?$")
_BEFORE_LEADING = regex.compile(r"\P{L}*+(?:(?:Der|Die|Das|Ein|Eine|Im|In|The|An?|Le|La|Une?)\ |L['’])?\P{L}*")
"""What may stand before a credit line with which its entry still begins."""


def read_dossier(
    lines: Sequence[Line],
    known_authors: Collection[str],
    known_outlets: Collection[str],
    places: Places,
    today: date,
) -> Found:
    """All publications of a page in its order, and the lines that belong to none. Raises NotTaken where there is none."""
    entries = entries_of(lines, known_outlets, today)
    publications: list[Publication] = []
    first_of: dict[Entry, int] = {}
    leftover: list[Leftover] = []
    for entry in entries:
        if not entry.credits:
            leftover += [Leftover(line.number, plain(line.text)) for line in entry.lines]
            continue
        first_of[entry] = len(publications)
        under = _above(entry, first_of)
        for credit, start, end in _stretches(entry):
            publications.append(_publication(entry, credit, start, end, known_outlets, places, under))
            under = first_of[entry]
    if not publications:
        raise NotTaken(
            "no publication was found on this page",
            "import a page with credit lines such as “Beitrag von A. Autor vom 1. Mai 2024 bei O”, or write the draft by hand",
        )
    return Found(tuple(_compared(publications, known_authors, known_outlets)), tuple(leftover))


def _above(entry: Entry, first_of: dict[Entry, int]) -> int | None:
    """Position of the nearest publication that the entry stands under."""
    above = entry.parent
    while above is not None:
        if above in first_of:
            return first_of[above]
        above = above.parent
    return None


def _stretches(entry: Entry) -> Iterator[tuple[Credit, int, int]]:
    """Each credit line with the stretch of the entry's text that it is for: behind it where it leads, else before it."""
    text, credits = entry.text, entry.credits
    if len(credits) > 1 and _BEFORE_LEADING.fullmatch(text[: credits[0].start]):
        starts = [0, *(credit.start for credit in credits[1:])]
        ends = [*starts[1:], len(text)]
    else:
        ends = [*(credit.end for credit in credits[:-1]), len(text)]
        starts = [0, *ends[:-1]]
    yield from zip(credits, starts, ends)


def _publication(
    entry: Entry, credit: Credit, start: int, end: int, known_outlets: Collection[str], places: Places, under: int | None
) -> Publication:
    text = entry.text
    doubts = list(credit.doubts)
    body = _body(text, credit, start, end)
    title, is_guess = _title(entry, credit, start, body)
    if is_guess:
        doubts.append("no title is named; the first sentence stands in for it")
    language = language_of(plain(body))
    original = language_of(credit.title) if credit.title else ""
    if original and language and original != language:
        doubts.append(f"the title is in another language ({original}) than what the page says of it ({language})")
    else:
        original = ""
    url = _url(entry, credit)
    if url:
        doubts += doubts_about_link(credit.outlet, url)
    figures = title if regex.search("[0-9]", title) and title not in body else ""
    return Publication(
        title=title,
        date=credit.day,
        author=credit.author,
        outlet=credit.outlet,
        cites=cites_in(body, credit.outlet, known_outlets),
        url=url,
        language=language,
        country=countries_of(plain(text[start:end]), places),
        passage=plain(text[start:end]).strip(),
        claims=claims_of(plain(f"{figures}\n{body}"), places),
        part_of=under,
        doubts=tuple(doubts),
        original=original,
    )


def _body(text: str, credit: Credit, start: int, end: int) -> str:
    """The stretch without headline and credit line; the latter stays where its sentence goes on to say what was found."""
    if "\n" in text[start : credit.start] and start == 0:
        start = text.index("\n") + 1
    leads = _BEFORE_LEADING.fullmatch(text[start : credit.start]) and regex.match(
        rf"[\s{MARK}]*\p{{Ll}}", text[credit.end : end]
    )
    return text[start:end] if leads else f"{text[start : credit.start]}\n{text[credit.end : end]}"


def _title(entry: Entry, credit: Credit, start: int, body: str) -> tuple[str, bool]:
    """The title, and whether it is a guess."""
    if credit.title:
        return credit.title, False
    headline = entry.lines[0].text
    if start == 0 and credit.start > len(headline):
        return _NEW.sub("", plain(headline)), False
    first = next(
        (sentence for sentence in sentences(plain(body)) if len(regex.findall(r"\p{L}+", sentence)) >= 3), plain(headline)
    )
    return first[:200], True


def _url(entry: Entry, credit: Credit) -> str | None:
    """The address that the credit line carries; a page of an outlet rather than its front page."""
    text = entry.text
    end = credit.end + (text[credit.end : credit.end + 1] == MARK)
    before = text[: credit.start].count(MARK)
    urls = [url for url in entry.urls[before : before + text[credit.start : end].count(MARK)] if url]
    return max(urls, key=lambda url: bool(urlsplit(url).path.strip("/") or urlsplit(url).query), default=None)


def _compared(
    publications: Sequence[Publication], known_authors: Collection[str], known_outlets: Collection[str]
) -> Iterator[Publication]:
    """Outlets in one spelling of capitals, that of the known ones or the first of the page; other near-misses become doubts."""
    spelled = {name.casefold(): name for name in (*reversed([p.outlet for p in publications]), *known_outlets)}
    authors = [publication.author for publication in publications if publication.author]
    outlets = [spelled[publication.outlet.casefold()] for publication in publications if publication.outlet]
    for publication in publications:
        doubts = list(publication.doubts)
        outlet = spelled[publication.outlet.casefold()]
        if publication.author:
            doubts += doubts_about(publication.author, "author", authors, known_authors)
        if outlet:
            doubts += doubts_about(outlet, "outlet", outlets, known_outlets)
        cites = tuple(dict.fromkeys(spelled.get(name.casefold(), name) for name in publication.cites))
        for name in cites:
            doubts += doubts_about(name, "cited outlet", outlets, known_outlets)
        yield replace(publication, outlet=outlet, cites=cites, doubts=tuple(doubts))
