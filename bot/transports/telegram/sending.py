"""Replies to calls: paced, repeated as far as that loses nothing, edited in place where that was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, MessageEntity

from bot.deliveries import Gone, Later, Missing, Moved, Outcome, Refused, Sent, Unsure, Withheld
from bot.logs import Event, Fate, fail, warn
from bot.messages import Address, Button, Opens, Reply
from bot.transports import May, always
from bot.transports.markup import Part, parts
from bot.transports.pace import Lane
from bot.transports.pacer import Pacer
from bot.transports.telegram.api import Api
from bot.transports.telegram.callbacks import data_of
from bot.unseen import clean

NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
GIVE_UP_SECONDS = 3600.0
"""After so many seconds of pauses an answer is given up; what the platform itself tells us to wait is none."""
LONGEST_PAUSE = 30.0
LONGEST_LABEL = 60
MOST_BUTTONS = 90

OnMoved = Callable[[Address, Address], Awaitable[None]]


@dataclass
class Sender:
    """Sends for one bot account. `name` is the bot's, for links into its private chat; `sleep` pauses so many seconds."""

    api: Api
    pacer: Pacer
    name: str
    on_moved: OnMoved
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def answer(self, address: Address, reply: Reply, *, instead_of: str | None = None) -> list[str]:
        """Say a reply, in place of message `instead_of` where one is given; the ids of the messages that it became."""
        sent: list[str] = []
        pieces = parts(reply.spans)
        for number, part in enumerate(pieces):
            buttons = reply.buttons if number == len(pieces) - 1 else ()
            replaces = instead_of if number == 0 else None
            outcome, address = await self._repeated(address, part, buttons, replaces)
            if not isinstance(outcome, Sent):
                break
            sent.append(outcome.id or replaces or "")
        return [id for id in sent if id]

    async def once(
        self,
        address: Address,
        part: Part,
        buttons: tuple[Button, ...] = (),
        *,
        lane: Lane,
        silent: bool = False,
        may: May = always,
    ) -> Outcome:
        """One call, never repeated."""
        async with self.pacer.turn(address.chat, lane, shared=address.chat.startswith("-")):
            if not await may():
                return Withheld()
            return self._noted(address, await self.api.do(lambda bot: self._send(bot, address, part, buttons, silent)))

    async def edit(self, address: Address, id: str, part: Part, buttons: tuple[Button, ...], may: May = always) -> Outcome:
        """One call that changes a message, behind all answers."""
        async with self.pacer.turn(address.chat, Lane.DIGEST, shared=address.chat.startswith("-")):
            if not await may():
                return Withheld()
            return self._noted(address, await self.api.do(self._call(address, part, buttons, id)))

    async def delete(self, address: Address, ids: tuple[str, ...]) -> int:
        """Delete own messages, paced and repeated like answers; how many the platform accepted."""
        done = 0
        for start in range(0, len(ids), 100):
            some = [int(id) for id in ids[start : start + 100]]
            outcome = await self._insist(address, lambda bot, some=some: bot.delete_messages(int(address.chat), some))  # type: ignore[misc]
            done += len(some) if isinstance(outcome, Sent) else 0
        return done

    async def _repeated(
        self, address: Address, part: Part, buttons: tuple[Button, ...], replaces: str | None
    ) -> tuple[Outcome, Address]:
        while True:
            outcome = await self._insist(address, self._call(address, part, buttons, replaces))
            match outcome:
                case Moved(to=new):
                    await self._move(address, new)
                    address = Address(new.platform, new.chat, address.topic)
                case Missing() if replaces is not None:
                    replaces = None
                case Refused() if part.entities or buttons:
                    # Rather an answer without links and buttons than none.
                    part, buttons = Part(part.text), ()
                case Sent():
                    return outcome, address
                case _:
                    fail(Event.ANSWER_GIVEN_UP, fate=Fate[type(outcome).__name__.upper()])
                    return outcome, address

    async def _insist(self, address: Address, call: Callable[[Bot], Awaitable[object]]) -> Outcome:
        """Repeat what did not leave, and what nobody can tell of: rather twice than never."""
        pause = waited = 0.0
        while True:
            async with self.pacer.turn(address.chat, Lane.ANSWER, shared=address.chat.startswith("-")):
                outcome = self._noted(address, await self.api.do(call))
            match outcome:
                case Later(after=float()):
                    continue  # Its chat is parked, so that its turn comes late enough.
                case Later() | Unsure() if waited < GIVE_UP_SECONDS:
                    pause = min(LONGEST_PAUSE, pause * 2 or 0.25)
                    waited += pause
                    warn(Event.CALL_REPEATED, seconds=pause)
                    await self.sleep(pause)
                case _:
                    return outcome

    async def _move(self, old: Address, new: Address) -> None:
        try:
            await self.on_moved(old, new)
        except Exception as error:  # What is kept moves at the next message of the group; the answer goes out all the same.
            fail(Event.UNHANDLED, exception=error)

    def _noted(self, address: Address, outcome: Outcome) -> Outcome:
        match outcome:
            case Later(after=float(seconds)):
                self.pacer.park(address.chat, seconds)
            case Gone():
                warn(Event.CHAT_GONE)
            case Sent():
                self.pacer.succeeded()
        return outcome

    def _call(
        self, address: Address, part: Part, buttons: tuple[Button, ...], replaces: str | None
    ) -> Callable[[Bot], Awaitable[object]]:
        if replaces is None:
            return lambda bot: self._send(bot, address, part, buttons, False)
        return lambda bot: bot.edit_message_text(
            part.text,
            chat_id=int(address.chat),
            message_id=int(replaces),
            entities=_entities(part),
            reply_markup=self._keyboard(buttons),
            link_preview_options=NO_PREVIEW,
        )

    def _send(self, bot: Bot, address: Address, part: Part, buttons: tuple[Button, ...], silent: bool) -> Awaitable[object]:
        return bot.send_message(
            int(address.chat),
            part.text,
            entities=_entities(part),
            message_thread_id=int(address.topic) if address.topic else None,
            reply_markup=self._keyboard(buttons),
            link_preview_options=NO_PREVIEW,
            disable_notification=silent or None,
        )

    def _keyboard(self, buttons: tuple[Button, ...]) -> InlineKeyboardMarkup | None:
        rows = [[made] for button in buttons[:MOST_BUTTONS] if (made := self._button(button)) is not None]
        return InlineKeyboardMarkup(rows) if rows else None

    def _button(self, button: Button) -> InlineKeyboardButton | None:
        label = clean(button.label)
        label = label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…"
        if button.opens is Opens.PRIVATE:
            start = button.says.removeprefix("/start").strip()
            return InlineKeyboardButton(label, url=f"https://t.me/{self.name}" + (f"?start={start}" if start else ""))
        data = data_of(button)
        return InlineKeyboardButton(label, callback_data=data) if data else None


def _entities(part: Part) -> list[MessageEntity] | None:
    found = [MessageEntity(entity.kind, entity.offset, entity.length, url=entity.url) for entity in part.entities]
    return found or None
