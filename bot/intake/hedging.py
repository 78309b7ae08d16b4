"""The status that a passage's hedging words suggest, in German, English and French. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

CAUTIOUS = ("disputed", "company-statement", "opinion", "reported", "confirmed")
"""What is suggested first where several are seen: `confirmed` only where nothing hedges."""
COMPANIES = ("Amazon", "Ring")

# {who}: the company itself, not its workers. A gap within a pattern stays in its clause. The lines of one are alternatives.
_WORDS = {
    "de": {
        "disputed": r"""
            bestreite\w*|bestritt\w*|dementier\w+|widersprich\w*|widersprach\w*|umstritten\w*
            weis(?:t|en)\b[^,.;]{0,60}\bzurück
        """,
        "company-statement": r"""
            {who} (?:(?:selbst|auch|dazu) )?(?:zufolge|sagte?|erklärte?|teilte? mit|gibt an|gab an|betonte?)
            {who} (?:(?:selbst|auch|dazu) )?(?:behauptete?|versicherte?|begründete?|spricht von|nennt als)
            (?:laut|so|sagte?|erklärte?|betonte?|behauptete?|versicherte?) {who}
            (?:angaben?|aussagen?|stellungnahme|sicht) (?:(?:von|des) )?{who}
            (?:\w+-?)?sprecher(?:in|s|n)?\b|pr-agentur
        """,
        "opinion": r"""
            kritisier\w*|kritik(?:er\w*)?|nenn(?:t|en)|nannten?|bezeichne\w*|wirft\b[^,.;]{0,60}\bvor|fazit
            schluss|meinte?\b|meinung|ansicht|einschätzung|warnt\w*|warnen|befürchte\w*|forder(?:t|n|te|ten)
            hält\b[^,.;]{0,60}\bfür|\w*rechtler\w*|expert\w*
        """,
        "reported": r"""
            soll(?:en|te|ten)?|laut|zufolge|bericht\w*|melde(?:t|n|te|ten)|offenbar|angeblich\w*|anscheinend
            mutmaßlich\w*|nach angaben|dem vernehmen nach|heißt es|habe|seien|würden
        """,
        "confirmed": r"""
            bestätig(?:t|te|ten|te[rs])|rechtskräftig\w*|gericht\w* (?:festgestellt|entschied\w*)
            räumte?\b[^,.;]{0,60}\bein|eingeräumt
        """,
    },
    "en": {
        "disputed": r"""
            den(?:y|ies|ied|ying)|disput(?:e|es|ed|ing)|contest(?:s|ed)|contradict\w*
            reject(?:s|ed) (?:the |these |such )?(?:claim|allegation|report)s?
        """,
        "company-statement": r"""
            {who} (?:has |have |also |itself )?(?:says?|said|stated?|states|claims?|claimed|argue[sd]|told)
            {who} (?:has |have |also |itself )?(?:insist(?:s|ed)|explain(?:s|ed))
            (?:according to|says|said) {who}|spokes(?:person|man|woman|people|persons)|in a statement
            pr agency
        """,
        "opinion": r"""
            critici[sz]\w*|critics?|call(?:s|ed) (?:\w+ )?(?:it|this|them|the|an?)|conclu(?:des?|ded|sion)
            believes?|opinion|warn(?:s|ed)|demand(?:s|ed)|accuse[sd]?|fears?|in the view of|experts?|lawyers?
        """,
        "reported": r"""
            according to|report(?:s|ed|edly|ing)?|alleged(?:ly)?|apparently|(?:is|are|was|were) said to
            supposed(?:ly)?|purported(?:ly)?|seems? to
        """,
        "confirmed": r"""
            confirm(?:s|ed)|court (?:found|ruled|has found|has ruled)|admit(?:s|ted)|acknowledge[sd]
        """,
    },
    "fr": {
        "disputed": r"""
            contest(?:e|ent|é|ée|és|ait)|dément\w*|réfut\w+|nie|nient|controversé\w*
        """,
        "company-statement": r"""
            {who} (?:a |ont |lui-même |elle-même )?(?:dit|déclar\w+|affirm\w+|expliqu\w+|assur\w+|indiqu\w+|prétend\w*)
            (?:selon|d['’]après|affirme|déclare|assure|a déclaré|a affirmé) {who}|porte-parole
        """,
        "opinion": r"""
            critiqu\w+|dénonc\w+|qualifi\w+|estim(?:e|ent|é|ait)|conclu\w*|opinion|avis|crain(?:t|dre|te)
            accus\w+|réclam\w+|experte?s?|juriste\w*
        """,
        "reported": r"""
            (?:au|se|pour|dev|fe)rai(?:t|ent)|selon|d['’]après|rapport(?:e|ent|é|s)?|sembl\w+|présumé\w*
            prétendu\w*
        """,
        "confirmed": r"""
            confirm(?:e|ent|é|ée|ait)|reconn(?:aît|aissent|u)|tribunal a (?:jugé|constaté)
        """,
    },
}
_GENERIC = {
    "de": ("das unternehmen", "des unternehmens", "der konzern", "des konzerns"),
    "en": ("the company",),
    "fr": ("l['’]entreprise", "le groupe", "la société"),
}
_WORKERS = "work|employ|driver|staff|seller|beschäft|mitarb|fahrer|zustell|händler|salari|livreu|vendeu"
_OTHERS = rf"(?!['’]?s?[-\s]+(?:\w+[-\s])?(?:{_WORKERS}))(?!\w)"
_NEGATION = re.compile(
    r"\b(?:nicht|nie|niemals|keine?\w*|ohne|kaum|not|never|no|without|cannot|pas|jamais|aucune?|sans)\b|n['’]t\b", re.IGNORECASE
)
_CLAUSE_END = re.compile(r"[,.;:!?\n]")


@dataclass(frozen=True, slots=True)
class Hedge:
    """A status and the words of the passage that it was seen by; no words where nothing hedges."""

    status: str
    seen: tuple[str, ...] = ()


def status_of(passage: str, language: str, companies: Sequence[str] = COMPANIES) -> tuple[Hedge, ...]:
    """What a passage suggests, the most cautious first and never nothing: without any word it is `reported`.

    In a language other than de, en, fr nothing is seen; without one all three are looked through.
    """
    text = " ".join(unicodedata.normalize("NFC", passage).split())
    found: dict[str, dict[str, str]] = {}
    for code in (language,) if language else tuple(_WORDS):
        for status, pattern in _patterns(code, tuple(companies)):
            for words in _seen(pattern, text, denied=status == "confirmed"):
                found.setdefault(status, {}).setdefault(words.casefold(), words)
    hedges = tuple(Hedge(status, tuple(found[status].values())) for status in CAUTIOUS if status in found)
    return hedges or (Hedge("reported"),)


def _seen(pattern: re.Pattern[str], text: str, denied: bool) -> Iterator[str]:
    """The words found. `denied`: but for those in a clause with a "not", where caution does not lose by it."""
    for match in pattern.finditer(text):
        start = match.start()
        clause = _CLAUSE_END.split(text[max(0, start - 200) : start])[-1] + _CLAUSE_END.split(text[start : start + 200])[0]
        if not (denied and _NEGATION.search(clause)):
            yield match[0]


@lru_cache(maxsize=64)
def _patterns(language: str, companies: tuple[str, ...]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    names = "|".join((*map(re.escape, companies), *_GENERIC.get(language, ())))
    who = rf"(?:{names}){_OTHERS}"
    found = []
    for status, lines in _WORDS.get(language, {}).items():
        words = "|".join(line.strip() for line in lines.strip().splitlines()).replace("{who}", who)
        found.append((status, re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)))
    return tuple(found)
