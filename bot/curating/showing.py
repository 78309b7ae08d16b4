"""A draft as stewards see it: what is there, what is missing, how it will read, what to watch for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from bot.answers import answer
from bot.facts import Fact, Item
from bot.findings import Finding
from bot.intake.drafts import Draft, facts_for
from bot.intake.shapes import BEGAN_FROM
from bot.items import told
from bot.messages import Button, Reply, Span
from bot.search.matcher import Answer
from bot.speaker import Speaker

LONGEST_PASSAGE = 900
MOST_CLAIMS = 6
MOST_VARIANTS = 12
MOST_FINDINGS = 10
_TEXTS = ("title", "summary", "claim", "says")
_HIDDEN = (
    *_TEXTS,
    "id",
    "passage",
    "doubts",
    "published",
    "withdrawn",
    "superseded_by",
    "facts",
    "unknowns",
    "name",
    BEGAN_FROM,
)
_HEADS = {"item": "draft.item", "fact": "draft.fact", "unknown": "draft.unknown-kind"}
_NAMES = {"questions": "question", "near_misses": "near-miss"}


def shown(draft: Draft, drafts: Mapping[str, Draft], speaker: Speaker, advice: Sequence[str] = ()) -> Reply:
    """One draft; a reply to it completes it."""
    missing = draft.missing(speaker.base)
    spans = [Span(speaker.say(_HEADS[draft.kind], id=draft.id), "bold"), Span("\n" + "\n".join(_lines(draft)))]
    if passage := str(draft.tree.get("passage") or ""):
        spans += [Span("\n\n" + speaker.say("draft.passage") + "\n"), Span(_cut(passage), "italic")]
    notes = [speaker.say("draft.doubt", doubt=doubt) for doubt in draft.tree.get("doubts") or ()]
    if missing:
        notes.append(speaker.say("draft.missing", fields=", ".join(missing)))
    notes += advice
    if notes:
        spans.append(Span("\n\n" + "\n".join(notes)))
    if not missing:
        spans += [Span("\n\n" + speaker.say("draft.will-read") + "\n"), *_preview(draft, drafts, speaker)]
    claims = facts_for(draft, drafts) if draft.kind == "item" else ()
    if claims:
        counts = {"count": str(len(claims)), "ready": str(sum(not claim.missing(speaker.base) for claim in claims))}
        spans.append(Span("\n\n" + speaker.say("draft.claims", **counts)))
    spans.append(Span("\n\n" + speaker.say("draft.how", example=_example(missing, draft))))
    buttons = [] if missing else [Button(speaker.say("button.publish"), f"/publish {draft.id}")]
    buttons += [Button(claim.id, f"/draft {claim.id}") for claim in claims[:MOST_CLAIMS]]
    buttons.append(Button(speaker.say("button.put-aside"), f"/withdraw {draft.id}"))
    return Reply(tuple(spans), tuple(buttons), draft=draft.id)


def listed(drafts: Mapping[str, Draft], speaker: Speaker, findings: Sequence[Finding] = ()) -> Reply:
    """All drafts in one line each, and what is wrong with files that are to be drafts."""
    broken = "\n".join(map(str, findings[:MOST_FINDINGS]))
    if not drafts and not findings:
        return Reply((Span(speaker.say("drafts.none")),))
    lines = []
    for draft in drafts.values():
        missing = draft.missing(speaker.base)
        state = speaker.say("drafts.missing", count=str(len(missing))) if missing else speaker.say("drafts.ready")
        lines.append(f"{draft.id} · {speaker.say(f'drafts.{draft.kind}')} · {state}")
    text = speaker.say("drafts.lead", count=str(len(drafts))) + "\n" + "\n".join(lines)
    if broken:
        text += "\n\n" + speaker.say("draft.broken", findings=broken)
    ready = [draft for draft in drafts.values() if draft.kind == "item"][:MOST_CLAIMS]
    return Reply((Span(text),), tuple(Button(draft.id, f"/draft {draft.id}") for draft in ready))


def _lines(draft: Draft) -> list[str]:
    """The fields as a steward would write them."""
    row = draft.row
    lines = [f"{field} {language}: {text}" for field in _TEXTS for language, text in (row.get(field) or {}).items()]
    for key, value in {**draft.tree, **row}.items():
        if key in _HIDDEN or value in (None, "", [], {}):
            continue
        name = _NAMES.get(key, key)
        if isinstance(value, Mapping):
            lines += _by_language(name, value)
        else:
            lines.append(f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else value}")
    return lines


def _by_language(name: str, value: Mapping[str, Any]) -> list[str]:
    said = [
        f"{name} {language}: {text}"
        for language, texts in value.items()
        for text in (texts if isinstance(texts, list) else [texts])
    ]
    left = len(said) - MOST_VARIANTS
    return [*said[:MOST_VARIANTS], *([f"{name}: +{left}"] if left > 0 else [])]


def _preview(draft: Draft, drafts: Mapping[str, Draft], speaker: Speaker) -> tuple[Span, ...]:
    """The item as channels get it, the answer as an asker gets it."""
    base, row = speaker.base, draft.row
    if draft.kind == "item":
        return told(item_of(row), speaker).spans
    if draft.kind == "unknown":
        return (Span(speaker.curated(row["says"])),)
    items = {
        **base.items,
        **{one.id: item_of(one.row) for one in drafts.values() if one.kind == "item" and not one.missing(base)},
    }
    fact = fact_of(draft)
    if fact.item not in items:
        return (Span(speaker.curated(fact.claim)),)
    seen = replace(base, items=items, facts={**base.facts, fact.id: fact})
    # As it is said in private: where others read, who collected it is left out, and a wrong one would go unseen.
    return answer(Answer(fact, 1.0), replace(speaker, base=seen, private=True)).spans


def item_of(row: Mapping[str, Any]) -> Item:
    """A complete draft's publication."""
    return Item(
        **{key: row[key] for key in ("id", "title", "outlet", "author")},
        summary=row["summary"],
        date=date.fromisoformat(str(row["date"])),
        cites=tuple(row.get("cites") or ()),
        url=row.get("url"),
        country=tuple(row["country"]),
        topics=tuple(row["topics"]),
        collected=row.get("collected"),
    )


def fact_of(draft: Draft) -> Fact:
    """A complete draft's fact."""
    row = draft.row
    return Fact(
        **{key: row[key] for key in ("id", "claim", "status", "object", "aspect", "item")},
        topic=draft.topic,
        place=tuple(row["place"]),
        as_of=date.fromisoformat(str(row["as_of"])),
        questions={language: tuple(texts) for language, texts in (row.get("questions") or {}).items()},
        asks=row.get("asks") or {},
        saw=row.get("saw") or {},
    )


def _example(missing: tuple[str, ...], draft: Draft) -> str:
    return f"{missing[0]}: …" if missing else {"item": "summary de: …"}.get(draft.kind, "question de: …")


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_PASSAGE else text[: LONGEST_PASSAGE - 1].rstrip() + "…"
