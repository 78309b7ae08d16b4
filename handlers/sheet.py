"""Evidence for a works council, as a text to forward: /sheet FACT-ID…"""

from __future__ import annotations

from dataclasses import replace

from bot.desk import Desk
from bot.messages import Message, Reply, Role, Span, reply
from bot.router import Router, argument_of
from bot.sheet import NoSheet, sheet_of, told

router = Router()


@router.command("sheet", help="help.sheet", needs=Role.STEWARD)
async def sheet(message: Message, desk: Desk) -> Reply:
    """`/sheet FACT-ID…`: all of these facts, or none and why."""
    speaker = desk.speaker(message)
    ids = argument_of(message.text).replace(",", " ").split()
    if not ids:
        return reply(speaker.say("steward.sheet.how", example=next(iter(desk.base.corpus.facts), "FACT-ID")))
    try:
        made = told(sheet_of(ids, speaker, desk.today()))
    except NoSheet as error:
        return reply("\n".join([speaker.say("steward.sheet.refused"), *error.problems]))
    how = speaker.say("steward.sheet.pdf", ids=" ".join(ids))
    return replace(made, spans=(*made.spans, Span("\n\n" + how)))
