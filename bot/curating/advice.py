"""What may help to write a draft, each said as a suggestion: nothing of it is taken over by itself. Pure."""

from __future__ import annotations

from datetime import date

from bot.base import Base
from bot.facts import Fact, Unknown
from bot.intake.drafts import Draft
from bot.intake.hedging import Hedge, status_of
from bot.intake.suggest import Near, collisions, guesses, near, variants
from bot.speaker import Speaker

LANGUAGES = ("de", "en", "fr")
MOST_NEAR = 3
MOST_VARIANTS = 3
MOST_GUESSES = 3
ENOUGH_VARIANTS = 4


def advice(draft: Draft, speaker: Speaker) -> tuple[str, ...]:
    """Lines of suggestions; it may take a second on a base that is new."""
    if draft.kind == "item":
        return ()
    row, base = draft.row, speaker.base
    passage = str(draft.tree.get("passage") or "")
    lines = []
    if draft.kind == "fact" and not row.get("status") and passage:
        hedge = _hedge(passage)
        lines.append(speaker.say("advice.status", status=hedge.status, seen=", ".join(hedge.seen) or "–"))
    said = " ".join((row.get("claim") or row.get("says") or {}).values()) or passage
    day = row.get("as_of")
    close = near(
        base,
        said,
        str(row.get("object") or ""),
        str(row.get("aspect") or ""),
        tuple(row.get("place") or ()),
        date.fromisoformat(str(day)) if day else None,
        draft.id,
    )
    lines += [_near(one, speaker) for one in close[:MOST_NEAR]]
    questions = row.get("questions") or {}
    for one in collisions(base, [text for texts in questions.values() for text in texts], draft.id):
        lines.append(speaker.say("advice.collides", question=one.variant, id=one.id))
    wanted = [language for language in base.languages if len(questions.get(language) or ()) < ENOUGH_VARIANTS]
    if not wanted:
        return tuple(lines)
    sides = [(str(row.get("object") or ""), str(row.get("aspect") or ""))]
    if sides[0][0] not in _objects(base):
        # Nobody has chosen an object yet: a new claim has its own id there.
        likely = guesses(base, said, draft.id)[:MOST_GUESSES]
        sides = list(dict.fromkeys((known.object, known.aspect) for known in likely))
        if likely:
            lines.append(speaker.say("advice.object", object=sides[0][0], aspect=sides[0][1], id=likely[0].id))
    for language in wanted:
        proposed = list(dict.fromkeys(text for side in sides for text in variants(base, *side, language)))
        lines += [speaker.say("advice.question", language=language, question=text) for text in proposed[:MOST_VARIANTS]]
    return tuple(lines)


def _objects(base: Base) -> set[str]:
    entries: tuple[Fact | Unknown, ...] = (*base.corpus.facts.values(), *base.corpus.unknowns.values())
    return {*(base.grid.get("objects") or {}), *(entry.object for entry in entries)}


def _hedge(passage: str) -> Hedge:
    """By the words of whichever language the passage hedges in."""
    found = [status_of(passage, language)[0] for language in LANGUAGES]
    return next((hedge for hedge in found if hedge.seen), found[0])


def _near(one: Near, speaker: Speaker) -> str:
    said = one.entry.claim if isinstance(one.entry, Fact) else one.entry.says
    return speaker.say("advice.near", id=one.entry.id, claim=speaker.curated(said))
