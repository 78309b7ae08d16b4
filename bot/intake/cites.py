"""Whom a passage names as its source: "meldet Golem mit Verweis auf … VICE", "selon Le Monde", "The Verge reports". Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import regex

from bot.intake.lines import MARK

_INSIDE = rf"(?:[^\s{MARK}.,;:()„“”«»\"?!]|\.(?=\w)){{0,40}}+"
_WORD = rf"(?:(?!(?:Das|Die|Der)\ )\p{{Lu}}{_INSIDE}|[a-z0-9-]{{2,40}}\.[a-z]{{2,10}}\b)"
_NAME = rf"{_WORD}(?:\ (?:(?:de|du|des|la|of|the|für|am|&)\ )?{_WORD}){{0,4}}"
_LIST = rf"{_NAME}{MARK}?(?:(?:,\ |\ (?:und|sowie|and|et)\ )(?:(?:das|die|der|den|le|la|the)\ )?{_NAME}{MARK}?){{0,4}}"
_THE = r"(?:(?:das|die|der|den|dem|le|la|the)\ |l['’])?"
_TELL = r"(?:meldet|melden|berichtet|berichten|berichtete|berichteten|schreibt|schreiben|enthüllt|enthüllte)\b"
_DIT = r"(?:rapporte|rapportent|révèle|révèlent|écrit|écrivent|signale|signalent)\b"
_SAYS = r"(?:reports|report|reported|revealed|writes|wrote)\b"
_STUDY = (
    r"(?:analysiert|untersucht|recherchiert|dokumentiert|analysé|étudié|documenté|analysed|analyzed|investigated|documented)\b"
)
_ASIDE = r"(?:\ (?:unter\ anderem|u\.\ ?a\.|auch|etwa|zuerst|bereits|zuvor|notamment|entre\ autres|first|among\ others))?"
_PLAIN = regex.compile(
    rf"\b(?:[wW]ie|[sS]o){_ASIDE}\ (?P<names>(?>{_LIST}))(?:\ [^.,;:]{{1,90}}?)?\ {_TELL}"
    rf"|,\ {_TELL}{_ASIDE}\ {_THE}(?P<names>(?>{_LIST}))"
    rf"|\b(?:comme\ (?:le\ |la\ |l['’])?|,\ )(?:l['’])?{_DIT}{_ASIDE}\ (?:le\ |la\ |l['’])?(?P<names>(?>{_LIST}))"
    rf"|\b[aA]s\ {_THE}(?P<names>(?>{_LIST}))\ (?:have\ |has\ )?(?:first\ )?{_SAYS}"
    rf"|,\ {_THE}(?P<names>(?>{_LIST}))\ {_SAYS}\."
)
"""Words that only the press is told with: the name that stands there is taken."""
_BACKED = regex.compile(
    rf"\b(?:mit|unter)\ (?:Verweis|Berufung|Bezug)\ auf\ (?:das|die|der|den)?\ ?(?P<names>(?>{_LIST}))"
    rf"|\b(?:[lL]aut|[sS]elon|[dD]['’]après|en\ citant|citant|[aA]ccording\ to|citing)\ {_THE}(?P<names>(?>{_LIST}))"
    rf"|(?<!\p{{L}})(?P<names>(?>{_NAME}){MARK}?)\ (?:hat|haben|a|ont|has|have)\ {_STUDY}(?P<study>{MARK}?)"
)
"""Words with which companies are cited too: the name is taken where it is linked or known."""
READ = 10_000
"""Characters of a passage that are looked at."""
_DESCRIBED = regex.compile(
    r"^(?:\S*(?:portal|magazin|zeitung|blog|agentur|sender|website|webseite|plattform|zeitschrift|dienst)|journal|site|média|"
    r"magazine|newspaper|agency)\ (?=\S)",
    regex.IGNORECASE,
)
_SPLIT = regex.compile(r",\ |\ (?:und|sowie|and|et)\ ")


def cites_in(text: str, outlet: str, known_outlets: Collection[str]) -> tuple[str, ...]:
    """Outlets that a text (with marks of links) leans on, in the order of the text and as first spelled; not its own outlet."""
    known = {name.casefold() for name in known_outlets}
    cited: dict[str, str] = {}
    for name, is_named in _names(text[:READ]):
        key = name.casefold()
        if key != outlet.casefold() and (is_named or key in known):
            cited.setdefault(key, name)
    return tuple(cited.values())


def _names(text: str) -> Iterator[tuple[str, bool]]:
    """Each name in its place, and whether the sentence or a link makes sure that it is cited."""
    found = [(match, True) for match in _PLAIN.finditer(text)] + [(match, False) for match in _BACKED.finditer(text)]
    for match, is_sure in sorted(found, key=lambda pair: pair[0].start("names")):
        is_linked = bool(match.groupdict().get("study")) or text[match.end("names") : match.end("names") + 1] == MARK
        for part in _SPLIT.split(match["names"]):
            name = _DESCRIBED.sub("", regex.sub(r"^(?:das|die|der|den|le|la|the)\ ", "", part.replace(MARK, "").strip(" .")))
            if name:
                yield name, is_sure or is_linked or MARK in part
