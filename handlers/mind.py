"""What the bot keeps in mind of a chat, and how to wipe it: /language, /mydata, /forget."""

from __future__ import annotations

from dataclasses import replace

from bot.desk import Desk
from bot.gaps import quoted_in
from bot.messages import Button, Message, Opens, Reply, Role, reply
from bot.router import Router, argument_of
from bot.store import Transaction, subscriptions
from bot.store.chats import chat_of

router = Router()


@router.command("language", help="help.language")
async def language(message: Message, desk: Desk) -> Reply:
    """`/language`: which there are; `/language xx`: this chat's from now on, in memory."""
    wanted = argument_of(message.text).casefold()[:2]
    texts = desk.base.texts
    if wanted in texts.phrases:
        desk.memory.choose_language(message.address, wanted)
        return reply(desk.speaker(message).say("language.set", language=texts.say(wanted, "language.name")))
    names = {code: texts.say(code, "language.name") for code in texts.phrases}
    listed = ", ".join(f"{name} ({code}){'' if code in texts.reviewed else '*'}" for code, name in names.items())
    said = desk.speaker(message).say("language.which", languages=listed, example=next(iter(names)))
    return reply(said, *(Button(name, f"/language {code}", Opens.REPLACE) for code, name in names.items()))


@router.command("mydata", help="help.mydata")
async def mydata(message: Message, desk: Desk) -> Reply:
    """Exactly what is in memory of this chat, and whether something is on disk."""
    speaker = desk.speaker(message)
    chosen = desk.memory.language(message.address)
    fact = desk.memory.fact(message.address, desk.now)
    kept = [speaker.say("mydata.language", language=chosen)] if chosen else []
    choices = desk.memory.choices(message.address, desk.now)
    said = [part for part in (fact, *choices.says, choices.language) if part]
    kept += [speaker.say("mydata.fact", fact=", ".join(said))] if said else []
    own = desk.memory.own(message.address, desk.now)
    kept += [speaker.say("mydata.own", count=str(len(own)))] if own else []
    under = choices.under if message.is_private else None
    kept += [speaker.say("mydata.question", text=quoted_in(under) or under)] if under else []
    passed_on = desk.memory.passed_on(message.address, desk.now)
    kept += [speaker.say("mydata.passed-on", count=str(passed_on))] if passed_on else []
    what = ", ".join(kept) or speaker.say("mydata.nothing")
    return reply(speaker.say("mydata.kept" if await _subscribed(message, desk) else "mydata", what=what))


@router.command("forget", help="help.forget")
async def forget(message: Message, desk: Desk) -> Reply:
    """Erase it; who manages the chat also ends its subscription."""
    speaker = desk.speaker(message)
    stays = message.is_private and desk.memory.own(message.address, desk.now)
    desk.memory.forget(message.address)
    said = speaker.say("forget") + (" " + speaker.say("forget.visible") if stays else "")
    # A room may have been subscribed while more people were in it.
    if desk.store is not None and desk.role is not None and await desk.role() is not Role.ANYONE:
        store = desk.store

        async def work(transaction: Transaction) -> bool:
            found = await subscriptions.subscription_of(store, transaction, message.address)
            if found is not None:
                await subscriptions.end(transaction, found)
            return found is not None

        if await store.run(work):
            said += "\n" + speaker.say("digest.ended")
    return replace(reply(said), remembered=False)


async def _subscribed(message: Message, desk: Desk) -> bool:
    store = desk.store
    if store is None:
        return False
    return await store.run(lambda transaction: chat_of(store, transaction, message.address)) is not None
