"""The desk: all that a handler can reach, made for each message from today's base."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, tzinfo

from bot.base import Base
from bot.curating.curation import Curation
from bot.facts import Fact
from bot.gaps import cleaned
from bot.memory import Memory
from bot.messages import Message, Reply, Role, reply
from bot.search.conversation import Heard, Objects, hear
from bot.search.matcher import Matcher
from bot.search.recent import forget_words
from bot.speaker import Speaker
from bot.store import Store, panic


@dataclass(frozen=True, slots=True)
class Desk:
    """Frozen: a reload makes the next message's desk from a new base. `language` is where nothing else says.

    `executor` is where questions are searched, one after the other; `store` is there
    while the bot runs, `role` asks who speaks; `reports` whether stewards hear of mistakes;
    `fingerprints` by platform are what workers compare to know the bot; `curation` is there
    where the data folder is the union's own.
    """

    base: Base
    matcher: Matcher
    memory: Memory
    now: datetime
    language: str = "de"
    contact: str | None = None
    executor: Executor | None = None
    reports: bool = False
    zone: tzinfo = UTC
    store: Store | None = None
    role: Callable[[], Awaitable[Role]] | None = None
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    curation: Curation | None = None

    def speaker(self, message: Message, detected: str = "") -> Speaker:
        """In the chosen language, else the question's, else the app's, else the setting's; in a group the question's first.

        Where several read, what one chose must not decide in which language another is answered. What a button says is
        in the language of the message that it hangs on, as far as that is known.
        """
        chosen, asked = self.memory.language(message.address), detected or message.under_language
        first, second = (chosen, asked) if message.is_private else (asked, chosen)
        spoken = first or second or message.language or self.language
        return Speaker(self.base, spoken, self.language, self.contact, message.is_private, self.reports)

    async def hear(self, message: Message, text: str) -> list[Heard]:
        """What a text asks, one outcome a question. Other chats are not held up while it is searched."""
        objects = self.base.grid.get("objects") or {}
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.executor, _heard, self.matcher, text, self.about(message), objects)

    def today(self) -> date:
        """Today, where the bot is at home."""
        return self.now.astimezone(self.zone).date()

    async def stopped(self) -> bool:
        """Whether stewards stopped all publishing, and with it themselves."""
        return self.store is not None and await self.store.run(panic.since) is not None

    def acted(self, message: Message, says: Callable[[Speaker], str], *, told: bool = True, why: str = "") -> Reply:
        """What a steward did, said to that one, and where it is `told` to the stewards' room in the language of the house."""
        house = Speaker(self.base, self.language, self.language)
        note = house.say("steward.did", steward=message.steward or "?", said=says(house))
        if why:
            note += "\n" + house.say("steward.why", reason=cleaned(why))
        return replace(reply(says(self.speaker(message))), note=note if told else None)

    def about(self, message: Message) -> Fact | None:
        """The fact that a follow-up is asked of: of the message replied to, else the last one said here."""
        id = message.about or self.memory.fact(message.address, self.now)
        return self.base.corpus.facts.get(id) if id else None


def _heard(matcher: Matcher, text: str, about: Fact | None, objects: Objects) -> list[Heard]:
    try:
        return hear(matcher, text, None, about, objects)
    finally:
        forget_words()
