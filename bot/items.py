"""A dossier item as it is told: title, a sentence or two, who published it when and where, what can be asked. Pure."""

from __future__ import annotations

from bot.facts import Item, in_language
from bot.messages import Button, Opens, Reply, Span
from bot.speaker import Speaker


def told(item: Item, speaker: Speaker) -> Reply:
    """One item; the button asks about it, in the private chat where others read here. A withdrawn one says so and why."""
    if item.withdrawn is not None:
        why = speaker.curated(item.reason) if item.reason else "–"
        withdrawn = speaker.say("item.withdrawn", date=speaker.day(item.withdrawn), reason=why)
        return Reply((Span(speaker.curated(item.title), "bold"), Span("\n" + withdrawn)))
    via = speaker.say("source.via", names=", ".join(item.cites)) if item.cites else ""
    places = speaker.places(item.country)
    credit = speaker.say(
        "item.credit",
        outlet=item.outlet,
        author=item.author,
        date=speaker.day(item.date),
        via=" " + via if via else "",
        # Places begin a sentence here, and some have an article: "die USA".
        places=places[:1].upper() + places[1:],
    )
    spans = [
        Span(speaker.curated(item.title), "bold"),
        # The title said already in which language it is.
        Span("\n" + in_language(item.summary, speaker.language, speaker.fallback, *speaker.base.languages)[0] + "\n"),
        Span(credit, "italic"),
    ]
    if item.url:
        spans.append(Span("\n" + item.url, url=item.url))
    facts = [fact for fact in speaker.base.corpus.facts.values() if fact.item == item.id and not fact.superseded_by]
    opens = Opens.NEW if speaker.private else Opens.PRIVATE
    buttons = [
        Button(speaker.say("button.about-item", question=speaker.asks(fact)), f"/start {fact.id}", opens) for fact in facts[:1]
    ]
    return Reply(tuple(spans), tuple(buttons))
