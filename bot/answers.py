"""An outcome to what is said: the claim first, then one line on where it is known from. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from bot.base import Base
from bot.facts import Fact, in_language
from bot.messages import Button, Opens, Reply, Span
from bot.search.conversation import FollowUp, Heard
from bot.search.matcher import Answer, Decline, NotKnown, Suggest
from bot.speaker import Speaker

NEIGHBOURS = 3
_TALKS = ("greeting", "thanks", "about", "privacy")


def render(heard: Heard, speaker: Speaker) -> Reply:
    """What is said to one question."""
    match heard.outcome:
        case Answer():
            return answer(heard.outcome, speaker)
        case Suggest(facts=facts):
            return offer(speaker.say("suggest.lead"), facts, speaker, speaker.say("suggest.tail"))
        case NotKnown(unknown=unknown):
            near = [speaker.base.corpus.facts[id] for id in unknown.nearest if id in speaker.base.corpus.facts]
            return replace(_with_buttons(speaker.curated(unknown.says), near, speaker), answers=(unknown.id,))
        case FollowUp(fact=fact, asks="source"):
            return Reply((Span(chain(fact, speaker)),), fact=fact.id)
        case FollowUp(fact=fact, asks="date"):
            return Reply((Span(_as_of(fact, speaker)),), fact=fact.id)
        case FollowUp(fact=fact):
            siblings = [other for other in speaker.base.corpus.facts.values() if other.item == fact.item and other != fact]
            same = sorted(siblings, key=lambda other: other.object != fact.object)
            return offer(speaker.say("topic.lead", topic=_topic(fact, speaker)), tuple(same[:3]), speaker)
        case Decline():
            return _decline(heard.outcome, speaker)


def named(heard: Heard) -> tuple[str, str | None, float]:
    """The name, the kind and the score of an outcome, as decisions name them."""
    match heard.outcome:
        case Answer(kind=kind, score=score):
            return "answer", kind, score
        case Suggest(score=score):
            return "suggest", None, score
        case NotKnown(score=score):
            return "unknown", None, score
        case Decline(kind=kind, score=score):
            return "decline", kind, score
        case _:
            return "answer", None, 1.0


def answer(outcome: Answer, speaker: Speaker) -> Reply:
    """The claim with what must be said before it, and its provenance."""
    fact = outcome.fact
    newer = speaker.base.corpus.successor(fact)
    lines = []
    if newer is not None:
        lines.append(f"{speaker.say('superseded.lead', date=speaker.day(newer.as_of))} {speaker.curated(newer.claim)}")
        lines.append(f"{speaker.say('superseded.former', date=speaker.day(fact.as_of))} {speaker.curated(fact.claim)}")
    else:
        if outcome.kind == "country":
            places = {"asked": speaker.places(outcome.asked), "places": speaker.places(fact.place)}
            lines.append(speaker.say("country.lead", **places))
        elif outcome.kind == "older":
            lines.append(speaker.say("older.lead", date=speaker.day(fact.as_of)))
        lines.append(speaker.curated(fact.claim))
    text = "\n".join(lines) + "\n\n" + provenance(newer or fact, speaker)
    return Reply((Span(text),), buttons(outcome, speaker), fact=fact.id, answers=(fact.id,))


def buttons(outcome: Answer, speaker: Speaker) -> tuple[Button, ...]:
    """Under an answer: its source, neighbouring questions, another answer, a mistake; where others read, the way out."""
    fact = outcome.fact
    if not speaker.private:
        return (Button(speaker.say("button.private"), f"/start {fact.id}", Opens.PRIVATE),)
    found = [Button(speaker.say("button.source"), f"/source {fact.id}")]
    found += [Button(speaker.asks(near), f"/start {near.id}") for near in neighbours(fact, speaker.base)]
    codes = " ".join(code(one) for one in (fact, *outcome.others))
    found.append(Button(speaker.say("button.other"), f"/other {codes}"))
    if speaker.reports:
        found.append(Button(speaker.say("button.wrong"), f"/wrong {fact.id}"))
    return tuple(found)


def neighbours(fact: Fact, base: Base) -> list[Fact]:
    """Up to three other facts: of the same object, then of the same item, then of the same topic."""

    def distance(other: Fact) -> int:
        return 0 if other.object == fact.object else 1 if other.item == fact.item else 2

    near = [f for f in base.corpus.facts.values() if f.topic == fact.topic and f.id != fact.id and not f.superseded_by]
    return sorted(near, key=distance)[:NEIGHBOURS]


def code(fact: Fact) -> str:
    """A short name of a fact, for buttons that name several."""
    return hashlib.sha256(fact.id.encode()).hexdigest()[:6]


def provenance(fact: Fact, speaker: Speaker) -> str:
    """One line: where documented, by whom, as of when, and through which dossier where one brought it."""
    dossier = speaker.base.collector_of(fact).get("name", "")
    if fact.item is None:
        return speaker.say("source.none", date=speaker.day(fact.as_of), dossier=dossier) if dossier else _as_of(fact, speaker)
    item = speaker.base.items[fact.item]
    status, places = speaker.say(f"status.{fact.status}"), speaker.places(fact.place)
    if not speaker.private:
        return speaker.say("source.short", status=status, outlet=item.outlet, date=speaker.day(item.date), places=places)
    via = speaker.say("source.via", names=", ".join(item.cites)) if item.cites else ""
    return speaker.say(
        "source" if dossier else "source.direct",
        status=status,
        outlet=item.outlet,
        author=item.author,
        date=speaker.day(item.date),
        via=" " + via if via else "",
        places=places,
        dossier=dossier,
    )


def chain(fact: Fact, speaker: Speaker) -> str:
    """Who saw, who reported, who summarised, who collected where somebody did: one line each, with the address."""
    lines = [speaker.say("chain.title")]
    if fact.saw:
        lines.append(speaker.say("chain.saw", who=in_language(fact.saw, speaker.language, speaker.fallback)[0]))
    url, dossier = "", speaker.base.collector_of(fact)
    if fact.item is not None:
        item = speaker.base.items[fact.item]
        if item.cites:
            lines.append(speaker.say("chain.reported", who=", ".join(item.cites)))
        day = speaker.day(item.date)
        lines.append(speaker.say("chain.summarised", outlet=item.outlet, author=item.author, date=day))
        url = item.url or ""
    if dossier:
        lines.append(speaker.say("chain.collected", dossier=dossier["name"], url=url or dossier["url"]))
    elif url:
        lines.append(url)
    lines.append(_as_of(fact, speaker))
    return "\n".join(lines)


def _as_of(fact: Fact, speaker: Speaker) -> str:
    return speaker.say("chain.as-of", date=speaker.day(fact.as_of), places=speaker.places(fact.place))


def _topic(fact: Fact, speaker: Speaker) -> str:
    return in_language(speaker.base.topics[fact.topic], speaker.language, speaker.fallback)[0]


def offer(lead: str, facts: tuple[Fact, ...], speaker: Speaker, tail: str = "") -> Reply:
    """Facts as the questions that they answer, each a button."""
    questions = [speaker.asks(fact) for fact in facts]
    listed = "\n".join(f"{number}. {question}" for number, question in enumerate(questions, 1))
    text = "\n".join(part for part in (lead, listed, tail) if part)
    return _with_buttons(text, list(facts), speaker)


def _with_buttons(text: str, facts: list[Fact], speaker: Speaker) -> Reply:
    opens = Opens.REPLACE if speaker.private else Opens.PRIVATE
    return Reply((Span(text),), tuple(Button(speaker.asks(fact), f"/start {fact.id}", opens) for fact in facts))


def _decline(outcome: Decline, speaker: Speaker) -> Reply:
    whom, emergency = speaker.whom(), speaker.base.emergency
    facts = list(outcome.facts)
    if outcome.kind == "distress":
        key = "no.danger" if outcome.talk == "danger" else "no.distress"
        return _with_buttons(speaker.say(key, contact=whom, emergency=emergency), [], speaker)
    if outcome.kind in ("country", "older"):
        fact = facts[0]
        day = speaker.day(fact.as_of)
        if outcome.kind == "older":
            return _with_buttons(speaker.say("older.none", date=day, contact=whom), facts, speaker)
        places = {"asked": speaker.places(outcome.asked), "places": speaker.places(fact.place)}
        return _with_buttons(speaker.say("country.none", date=day, contact=whom, **places), facts, speaker)
    if outcome.kind == "greeting":
        return _with_buttons(_small_talk(str(outcome.talk), speaker), [], speaker)
    if outcome.kind == "unreadable":
        return _with_buttons(speaker.say(f"no.{outcome.talk or 'unreadable'}"), [], speaker)
    if outcome.kind == "advice":
        return _with_buttons(speaker.say("no.advice", contact=whom), facts, speaker)
    if outcome.company:
        return _with_buttons(speaker.say("no.company", company=outcome.company, contact=whom), facts, speaker)
    if outcome.talk and outcome.talk.startswith("followup-"):
        return _with_buttons(speaker.say("follow.nothing"), [], speaker)
    return _with_buttons(speaker.say("no.none", contact=whom), facts, speaker)


def _small_talk(talk: str, speaker: Speaker) -> str:
    dossier = speaker.base.collector
    if talk == "about":
        return speaker.stated("about", dossier=dossier["name"]) if dossier else speaker.stated("about.mixed")
    return speaker.stated(talk if talk in _TALKS else "greeting")
