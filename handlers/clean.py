"""Delete what the bot said here: /clean, on a phone that somebody else may read."""

from __future__ import annotations

from bot.desk import Desk
from bot.messages import Errand, Message, Reply, reply
from bot.router import Router

router = Router()


@router.command("clean", help="help.clean")
async def clean(message: Message, desk: Desk) -> Reply | Errand:
    """The messages that the running bot remembers, of the last 48 hours; in the private chat only."""
    speaker = desk.speaker(message)
    if not message.is_private:
        return reply(speaker.say("clean.private"))
    own = desk.memory.own(message.address, desk.now)
    if not own:
        return reply(speaker.say("clean.nothing"))

    def said(done: int) -> Reply:
        if done >= len(own):
            desk.memory.deleted(message.address)
        return reply(speaker.say("clean.done", count=str(done)))

    return Errand(said, deletes=own)
