"""Says phrases, curated texts, days and places in one language. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from babel import Locale
from babel.dates import format_date

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

    def curated(self, text: Localized) -> str:
        """A curated text in the asker's language, else in another, said to be in that."""
        said, language = in_language(text, self.language, self.fallback, *self.base.languages)
        if self.language and language != self.language:
            lead = self._spoken("language.lead")
            name = Locale.parse(lead).languages.get(language) or self.base.texts.say(language, "language.name")
            return self.say("language.lead", language=name) + "\n" + said
        return said

    def day(self, day: date) -> str:
        language = self._spoken("source")
        return format_date(day, "long", locale=_LOCALES.get(language, language))

    def places(self, codes: frozenset[str] | tuple[str, ...]) -> str:
        names, language = self.base.names.countries, self._spoken("source")
        others = Locale.parse(language).territories
        said = [names.get(code, {}).get(language) or others.get(code, code) for code in codes]
        return ", ".join(said) or self.say("source.anywhere")

    def whom(self) -> str:
        return self.contact or self.say("contact.none")

    def asks(self, fact: Fact) -> str:
        """The question that a fact answers, in the asker's language where there is one."""
        if self.language in fact.asks:
            return fact.asks[self.language]
        own = fact.questions.get(self.language)
        return own[0] if own else in_language(fact.asks or fact.claim, self.fallback, *self.base.languages)[0]

    def _spoken(self, key: str) -> str:
        """The language in which a phrase will be said."""
        return self.language if self.base.texts.has(self.language, key) else self.fallback
