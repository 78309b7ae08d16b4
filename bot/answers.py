"""An outcome to what is said: the claim first, then one line on where it is known from. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from babel.dates import format_date

from bot.base import Base
from bot.facts import Fact, Localized, in_language
from bot.messages import Button, Reply, Span
from bot.search.conversation import FollowUp, Heard
from bot.search.matcher import Answer, Decline, NotKnown, Suggest

LONGEST = 600
# Plain "en" is American to Babel: month before day.
_LOCALES = {"en": "en_GB"}
_TALKS = ("greeting", "thanks", "about", "privacy")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says things in one language; `fallback` is the base's language to use where it has nothing in that one."""

    base: Base
    language: str
    fallback: str
    contact: str | None = None

    def say(self, key: str, /, **values: str) -> str:
        """A phrase in the asker's language, else in the one that claims will be in."""
        texts = self.base.texts
        return texts.say(self.language if texts.has(self.language, key) else self.fallback, key, **values)

    def curated(self, text: Localized) -> str:
        """A curated text in the asker's language, else in another, said to be in that."""
        said, language = in_language(text, self.language, self.fallback, *self.base.languages)
        if self.language and language != self.language:
            name = self.base.texts.say(language, "language.name")
            return self.say("language.lead", language=name) + "\n" + said
        return said

    def day(self, day: date) -> str:
        texts = self.base.texts
        language = self.language if texts.has(self.language, "source") else self.fallback
        return format_date(day, "long", locale=_LOCALES.get(language, language))

    def places(self, codes: frozenset[str] | tuple[str, ...]) -> str:
        names = self.base.names.countries
        said = [in_language(names[code], self.language, self.fallback)[0] if code in names else code for code in codes]
        return ", ".join(said) or self.say("source.anywhere")

    def whom(self) -> str:
        return self.contact or self.say("contact.none")

    def asks(self, fact: Fact) -> str:
        """The question that a fact answers, in the asker's language where there is one."""
        if self.language in fact.asks:
            return fact.asks[self.language]
        own = fact.questions.get(self.language)
        return own[0] if own else in_language(fact.asks or fact.claim, self.fallback, *self.base.languages)[0]


def render(heard: Heard, speaker: Speaker) -> Reply:
    """What is said to one question."""
    match heard.outcome:
        case Answer():
            return answer(heard.outcome, speaker)
        case Suggest(facts=facts):
            return _offer(speaker.say("suggest.lead"), facts, speaker, speaker.say("suggest.tail"))
        case NotKnown(unknown=unknown):
            near = [speaker.base.corpus.facts[id] for id in unknown.nearest if id in speaker.base.corpus.facts]
            return _with_buttons(speaker.curated(unknown.says), near, speaker)
        case FollowUp(fact=fact, asks="source"):
            return Reply((Span(chain(fact, speaker)),), fact=fact.id)
        case FollowUp(fact=fact, asks="date"):
            return Reply((Span(_as_of(fact, speaker)),), fact=fact.id)
        case FollowUp(fact=fact):
            siblings = [other for other in speaker.base.corpus.facts.values() if other.item == fact.item and other != fact]
            same = sorted(siblings, key=lambda other: other.object != fact.object)
            return _offer(speaker.say("topic.lead", topic=_topic(fact, speaker)), tuple(same[:3]), speaker)
        case Decline():
            return _decline(heard.outcome, speaker)


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
    return Reply((Span(text),), (Button(speaker.say("button.source"), f"/source {fact.id}"),), fact=fact.id)


def provenance(fact: Fact, speaker: Speaker) -> str:
    """One line: where documented, by whom, as of when, through whom it is known."""
    dossier = speaker.base.dossier.get("name", "")
    if fact.item is None:
        return speaker.say("source.none", date=speaker.day(fact.as_of), dossier=dossier)
    item = speaker.base.items[fact.item]
    via = speaker.say("source.via", names=", ".join(item.cites)) if item.cites else ""
    return speaker.say(
        "source",
        status=speaker.say(f"status.{fact.status}"),
        outlet=item.outlet,
        author=item.author,
        date=speaker.day(item.date),
        via=" " + via if via else "",
        places=speaker.places(fact.place),
        dossier=dossier,
    )


def chain(fact: Fact, speaker: Speaker) -> str:
    """Who saw, who reported, who summarised, who collected: one line each, with the address."""
    lines = [speaker.say("chain.title")]
    if fact.saw:
        lines.append(speaker.say("chain.saw", who=in_language(fact.saw, speaker.language, speaker.fallback)[0]))
    url = speaker.base.dossier.get("url", "")
    if fact.item is not None:
        item = speaker.base.items[fact.item]
        if item.cites:
            lines.append(speaker.say("chain.reported", who=", ".join(item.cites)))
        day = speaker.day(item.date)
        lines.append(speaker.say("chain.summarised", outlet=item.outlet, author=item.author, date=day))
        url = item.url or url
    lines.append(speaker.say("chain.collected", dossier=speaker.base.dossier.get("name", ""), url=url))
    lines.append(_as_of(fact, speaker))
    return "\n".join(lines)


def _as_of(fact: Fact, speaker: Speaker) -> str:
    return speaker.say("chain.as-of", date=speaker.day(fact.as_of), places=speaker.places(fact.place))


def _topic(fact: Fact, speaker: Speaker) -> str:
    return in_language(speaker.base.topics[fact.topic], speaker.language, speaker.fallback)[0]


def _offer(lead: str, facts: tuple[Fact, ...], speaker: Speaker, tail: str = "") -> Reply:
    questions = [speaker.asks(fact) for fact in facts]
    listed = "\n".join(f"{number}. {question}" for number, question in enumerate(questions, 1))
    text = "\n".join(part for part in (lead, listed, tail) if part)
    buttons = (Button(question, f"/start {fact.id}") for question, fact in zip(questions, facts))
    return Reply((Span(text),), tuple(buttons))


def _with_buttons(text: str, facts: list[Fact], speaker: Speaker) -> Reply:
    return Reply((Span(text),), tuple(Button(speaker.asks(fact), f"/start {fact.id}") for fact in facts))


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
        key = outcome.talk if outcome.talk in _TALKS else "greeting"
        return _with_buttons(speaker.say(str(key), **_values(str(key), speaker)), [], speaker)
    if outcome.kind == "unreadable":
        return _with_buttons(speaker.say(f"no.{outcome.talk or 'unreadable'}"), [], speaker)
    if outcome.kind == "advice":
        return _with_buttons(speaker.say("no.advice", contact=whom), facts, speaker)
    if outcome.company:
        return _with_buttons(speaker.say("no.company", company=outcome.company, contact=whom), facts, speaker)
    if outcome.talk and outcome.talk.startswith("followup-"):
        return _with_buttons(speaker.say("follow.nothing"), [], speaker)
    return _with_buttons(speaker.say("no.none", contact=whom), facts, speaker)


def _values(key: str, speaker: Speaker) -> dict[str, str]:
    return {"dossier": speaker.base.dossier.get("name", "")} if key == "about" else {}
