"""The desk: all that a handler can reach, made for each message from today's base."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.answers import Speaker
from bot.base import Base
from bot.facts import Fact
from bot.memory import Memory
from bot.messages import Message
from bot.search.matcher import Matcher


@dataclass(frozen=True, slots=True)
class Desk:
    """Frozen: a reload makes the next message's desk from a new base. `language` is where nothing else says."""

    base: Base
    matcher: Matcher
    memory: Memory
    now: datetime
    language: str = "de"
    contact: str | None = None

    def speaker(self, message: Message, detected: str = "") -> Speaker:
        """In the chosen language, else the question's, else the app's, else the setting's."""
        spoken = self.memory.language(message.address) or detected or message.language or self.language
        return Speaker(self.base, spoken, self.language, self.contact)

    def about(self, message: Message) -> Fact | None:
        """The fact that a follow-up is asked of: of the message replied to, else the last one said here."""
        id = message.about or self.memory.fact(message.address, self.now)
        return self.base.corpus.facts.get(id) if id else None
