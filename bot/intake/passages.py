"""What a passage says: its language, the countries it names, its sentences worth checking. Pure; all are guesses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection

import regex

MOST_CLAIMS = 14
READ = 20_000
"""Characters of a passage that are looked at; longer ones are no entry of a dossier."""
_COMMON = {
    "de": "der die das des und ist nicht mit von dem den für auf sich ein eine einer auch wird werden sind in im zu bei wer",
    "fr": "le la les des et est pas avec du une dans sur pour que qui au aux ce ses par sont elle il ne plus leur cette être",
    "en": "the and is not with of to in that for on are was were be by this from which their has have it an as at can will",
}
_WORDS = {language: frozenset(words.split()) for language, words in _COMMON.items()}
_SHORT = r"(?:z\.\ ?B|u\.\ ?a|d\.\ ?h|bzw|ca|vgl|Dr|Prof|Nr|St|Mr|Mrs|Ms|No|etc|p\.\ ?ex|Mio|Mrd|\b\p{Lu}|\b[0-9]{1,2})\."
_SENTENCE = regex.compile(
    rf"(?<!{_SHORT})(?<=[.!?…][“”»\"]?)(?:[\s)]+(?=[\p{{Lu}}\p{{N}}„“«\"\[(])|(?=\p{{Lu}}\p{{Ll}}))|\s*[(\[](?:…|\.\.\.)[)\]]\s*|\n"
)
_CHECKABLE = regex.compile(
    r"kamera|camera|caméra|dashcam|überwach|surveill|monitor|aufzeichn|aufgezeichnet|aufnahme|record|enregistr|filme?n?t?\b|gefilmt|"
    r"videos?\b|daten|\bdata\b|données|standort|location|localis|\bgps\b|geschwindigkeit|speed|vitesse|biometr|biométr|gesichts|"
    r"polizei|police|behörde|authorit|autorités|sensor|capteur|\bvpn\b|smartphone|handy|téléphone|\bapp\b|software|logiciel|"
    r"tracking|\btrack|scann|algorithm|\bki\b|\bki-|intelligen|einwillig|einverständnis|consent|mikrofon|microphone|\bton\b|"
    r"leistungsmessung|kontroll|contrôl|bildschirm|gewerkschaft|syndic|union\b|bespitzel|spitzel|protokollier",
    regex.IGNORECASE,
)
_FIGURE = regex.compile(r"[0-9]|\b(?:euro|dollar|prozent|percent|pour cent|stunden|hours|heures)\b", regex.IGNORECASE)
_RHETORIC = regex.compile(r"\?[„“”»\"… ]*$|^\p{Ll}")
_POINTER = regex.compile(r"^(?:Siehe|Voir|See)\b")


def language_of(text: str) -> str:
    """German, French or English by their commonest words; empty where they do not tell."""
    words = Counter(regex.findall(r"\p{L}+", text[:READ].casefold()))
    scores = {language: sum(words[word] for word in common) for language, common in _WORDS.items()}
    (first, most), (_, second) = Counter(scores).most_common(2)
    return first if most >= 2 and most > second else ""


def sentences(text: str) -> list[str]:
    """Whole sentences; an ellipsis in brackets and a line's end part them too."""
    return [piece for part in _SENTENCE.split(text[:READ]) if part and (piece := _unopened(part.strip(" )–")))]


def _unopened(sentence: str) -> str:
    """Without the mark of a quotation that begins or ends in another sentence."""
    if sentence.startswith("„") and not regex.search("[“”]", sentence):
        return sentence[1:].lstrip("… ")
    return sentence[:-1] if sentence.endswith(("“", "”")) and not regex.search("[„“”]", sentence[:-1]) else sentence


def countries_of(text: str, places: Callable[[str], Collection[str]]) -> tuple[str, ...]:
    """Codes of the countries named, those of most sentences first."""
    named = Counter(code for sentence in sentences(text) if not _POINTER.search(sentence) for code in sorted(places(sentence)))
    return tuple(code for code, _ in named.most_common())


def claims_of(text: str, places: Callable[[str], Collection[str]]) -> tuple[str, ...]:
    """Sentences that state something of surveillance which could be checked, in the text's order.

    Where there are too many, words of the field count most, then figures and places.
    """
    scored = []
    for position, sentence in enumerate(sentences(text)):
        if not 5 <= len(sentence.split()) <= 70 or _RHETORIC.search(sentence) or _POINTER.search(sentence):
            continue
        weight = 2 * bool(_CHECKABLE.search(sentence)) + bool(_FIGURE.search(sentence)) + bool(places(sentence))
        if weight:
            scored.append((-weight, position, sentence))
    best = sorted(scored)[:MOST_CLAIMS]
    return tuple(sentence for _, _, sentence in sorted(best, key=lambda claim: claim[1]))
