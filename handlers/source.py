"""Where a statement comes from: /source FACT-ID, or of the last fact said."""

from __future__ import annotations

from bot.answers import chain
from bot.desk import Desk
from bot.messages import Message, Reply, Span, reply
from bot.router import Router, argument_of

router = Router()


@router.command("source", help="help.source")
async def source(message: Message, desk: Desk) -> Reply:
    """Who saw, who reported, who summarised, with the address."""
    wanted = argument_of(message.text)
    fact = desk.base.corpus.facts.get(wanted) if wanted else desk.about(message)
    speaker = desk.speaker(message)
    if fact is None:
        return reply(speaker.say("fact.unknown", id=speaker.echo(wanted[:40])) if wanted else speaker.say("follow.nothing"))
    return Reply((Span(chain(fact, speaker)),), fact=fact.id)
