"""What is kept, and what not: /privacy, made from the inventory."""

from __future__ import annotations

from bot.desk import Desk
from bot.inventory import full_notice, notice
from bot.messages import Button, Message, Reply, reply
from bot.router import Router, argument_of

router = Router()


@router.command("privacy", help="help.privacy")
async def privacy(message: Message, desk: Desk) -> Reply:
    """One screen of a phone; `/privacy full`: all of it."""
    speaker = desk.speaker(message)
    if argument_of(message.text).casefold() == "full":
        return reply(full_notice(speaker))
    platform = message.address.platform
    said = notice(speaker, platform, desk.fingerprints.get(platform, "–"))
    return reply(said, Button(speaker.say("button.privacy-full"), "/privacy full"))
