"""From a message for us to its answer: what it means here, how an edit changes the answer, how it is taken back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from bot.intake.fields import names_field
from bot.messages import WHICH, Address, Message, Reply, Role, Span, reply
from bot.router import command_of
from bot.transports import Receive
from bot.transports.matrix.reading import Me, Spoken
from bot.transports.matrix.roles import Roles
from bot.transports.matrix.rounds import Rounds
from bot.transports.matrix.sending import Sender
from bot.transports.numbered import chosen, with_numbers
from bot.transports.wiring import Say, Wiring

_NAMED = re.compile(r": ([a-z0-9-]{3,40})$")
"""At the end of a draft's first line stands its id."""


@dataclass
class Answers:
    """The answers of one login. `revoked` are questions under way that were taken back meanwhile."""

    receive: Receive
    wiring: Wiring
    sender: Sender
    roles: Roles
    me: Me
    rounds: Rounds = field(default_factory=Rounds)
    revoked: set[str] = field(default_factory=set, repr=False)

    async def give(self, spoken: Spoken) -> None:
        """Answer a message, in place of the answer to the question that it edits."""
        message, memory, now = spoken.message, self.wiring.memory, self.wiring.now()
        question = spoken.edits or message.id
        before = memory.answers_to(message.address, question, now, spoken.sender) if spoken.edits else ()
        if spoken.edits and not before:
            return  # An edit of a question that nobody remembers.
        if not message.is_private:
            memory.others_read(message.address)

        async def role_of(_: Message) -> Role:
            return await self.roles.of(message.address.chat, spoken.sender)

        said = await self.receive(self._meant(spoken), role_of)
        if said is None:
            return
        listed, choices = with_numbers(said, () if message.is_private else invitation(self.me.user, said, self.wiring.say))
        ids = await self.sender.answer(
            message.address,
            listed,
            to=message.id,
            on=message.id,
            thread=spoken.thread,
            instead_of=before[0] if before else None,
        )
        # Only now: a question that comes again must find the numbers that it meant.
        memory.offered(message.address, choices, self.wiring.now(), private=message.is_private)
        self.rounds.answered(message.address.chat, spoken.sender)
        for id in ids if said.remembered else ():
            memory.sent(message.address, id, question, self.wiring.now(), spoken.sender, said.draft)
        if ids and said.arrived is not None:
            await said.arrived()
        if question in self.revoked:
            await self._redact(message.address, (*before, *ids))
        elif ids:
            # The first part is edited; what else there was, further parts and former edits, no longer holds.
            await self._redact(message.address, before[1:])

    async def revoke(self, room: str, question: str) -> None:
        """Who takes back a question takes back its answer."""
        address = Address("matrix", room)
        await self._redact(address, self.wiring.memory.answers_to(address, question, self.wiring.now()))

    async def say(self, room: str, key: str, to: str, thread: str | None = None) -> None:
        """A phrase of ours, once for whatever `to` names; in a thread, an event of it."""
        said = reply(self.wiring.say(key, None))
        await self.sender.answer(Address("matrix", room), said, to=f"{key}/{to}", on=to if thread else None, thread=thread)

    async def _redact(self, address: Address, ids: Iterable[str]) -> None:
        for id in ids:
            if await self.sender.redact(address.chat, id, self.sender.transaction(f"redact/{id}", 0)):
                self.wiring.memory.taken_back(address, id)

    def _meant(self, spoken: Spoken) -> Message:
        """The message with what its number says, or as lines of the draft that it replies to."""
        memory, now = self.wiring.memory, self.wiring.now()
        message = replace(spoken.message, steward=self.wiring.stewards.get(f"matrix:{spoken.sender}"))
        choice = chosen(message, memory.choices(message.address, now))
        if choice is not None:
            return choice
        draft = memory.draft_of(message.address, spoken.replies_to, now)
        if draft is None and spoken.replies_to and message.steward and names_field(message.text):
            # After a restart nobody remembers; what the client repeats may name it, else the steward is asked.
            named = _NAMED.search(spoken.quotes)
            draft = named[1] if named else WHICH
        if draft is not None and command_of(message.text) is None:
            return replace(message, text=f"/draft {draft}\n{message.text}")
        return message


def invitation(user: str, below: Reply, say: Say) -> tuple[Span, ...]:
    """The way into the private chat with the bot `user`, for where others read, in the language of the reply above it."""
    url = f"https://matrix.to/#/{user}"
    return (Span(f"{say('button.private', below.language)}: "), Span(url, url=url))
