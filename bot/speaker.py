"""Says phrases, curated texts, days and places in one language. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_timedelta, get_day_names

from bot import lifetimes
from bot.base import Base
from bot.facts import Fact, Localized, in_language

# Plain "en" is American to Babel: month before day.
_LOCALES = {"en": "en_GB"}


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says things in one language; `fallback` is the base's language to use where it has nothing in that one.

    `private`: whether only the asker reads it; elsewhere answers are short. `reports`: whether mistakes can be passed on.
    """

    base: Base
    language: str
    fallback: str
    contact: str | None = None
    private: bool = True
    reports: bool = False

    def say(self, key: str, /, **values: str) -> str:
        """A phrase in the asker's language, else in the one that claims will be in."""
        texts = self.base.texts
        return texts.say(self.language if texts.has(self.language, key) else self.fallback, key, **values)

    def stated(self, key: str, /, **values: str) -> str:
        """A phrase that states lifetimes, which come from where they are enforced."""
        times = {name: self.lasting(time, key) for name, time in lifetimes.STATED.items()}
        return self.say(key, **times, **values)

    def curated(self, text: Localized) -> str:
        """A curated text in the asker's language, else in another, said to be in that."""
        said, language = in_language(text, self.language, self.fallback, *self.base.languages)
        if self.language and language != self.language:
            return self.say("language.lead", language=self.language_name(language)) + "\n" + said
        return said

    def day(self, day: date) -> str:
        language = self._spoken("source")
        return format_date(day, "long", locale=_LOCALES.get(language, language))

    def places(self, codes: frozenset[str] | tuple[str, ...]) -> str:
        names, language = self.base.names.countries, self._spoken("source")
        others = Locale.parse(language).territories
        said = [names.get(code, {}).get(language) or others.get(code, code) for code in codes]
        return ", ".join(said) or self.say("source.anywhere")

    def topic(self, id: str) -> str:
        """The name of a topic."""
        return in_language(self.base.topics[id], self.language, self.fallback)[0] if id in self.base.topics else id

    def language_name(self, code: str) -> str:
        """The name of a language, in this one."""
        return str(Locale.parse(self._spoken("language.lead")).languages.get(code, code))

    def weekday(self, number: int) -> str:
        """The name of a day, 0 for Monday."""
        return str(get_day_names("wide", locale=self._spoken("source"))[number])

    def moment(self, seconds: int, zone: str) -> str:
        """A day and hour in a zone, of seconds since 1970."""
        local = datetime.fromtimestamp(seconds, ZoneInfo(zone))
        return f"{self.day(local.date())}, {local:%H:%M}"

    def lasting(self, time: timedelta, key: str) -> str:
        """A length of time, in the language in which the phrase `key` is said; 48 hours and not two days."""
        return _lasting(time, self._spoken(key))

    def has(self, key: str) -> bool:
        """Whether there is such a phrase."""
        return self.base.texts.has(self._spoken(key), key)

    def whom(self) -> str:
        return self.contact or self.say("contact.none")

    def echo(self, words: str) -> str:
        """What somebody wrote, said back where nobody else reads it: elsewhere it may be a name, and it would be ours then."""
        return words if self.private else "…"

    def asks(self, fact: Fact) -> str:
        """The question that a fact answers, in the asker's language where there is one."""
        if self.language in fact.asks:
            return fact.asks[self.language]
        own = fact.questions.get(self.language)
        return own[0] if own else in_language(fact.asks or fact.claim, self.fallback, *self.base.languages)[0]

    def _spoken(self, key: str) -> str:
        """The language in which a phrase will be said."""
        return self.language if self.base.texts.has(self.language, key) else self.fallback


@cache
def _lasting(time: timedelta, language: str) -> str:
    return str(format_timedelta(time, threshold=2.5, locale=_LOCALES.get(language, language)))
