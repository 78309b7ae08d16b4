"""A question gets one answer; two questions get two; a bare follow-up is asked of the last fact said."""

from __future__ import annotations

from dataclasses import replace

from bot.answers import named, render
from bot.desk import Desk
from bot.messages import Message, Reply, Span, reply
from bot.router import Router, argument_of
from handlers.gap import is_open, with_way_on

router = Router()


@router.anything_else
async def question(message: Message, desk: Desk) -> Reply:
    """Free text; a picture, a voice message, a place or whatever else comes gets one friendly sentence."""
    if message.text.strip():
        return await _answer(message.text, message, desk)
    speaker = desk.speaker(message)
    if message.attachment is None:
        return reply(speaker.say("ask.empty"))
    key = f"attachment.{message.attachment}"
    return reply(speaker.say(key if desk.base.texts.has(desk.language, key) else "attachment.other"))


@router.command("ask", help="help.ask")
async def asked(message: Message, desk: Desk) -> Reply:
    """`/ask QUESTION`"""
    text = argument_of(message.text)
    return await _answer(text, message, desk) if text else reply(desk.speaker(message).say("ask.empty"))


async def _answer(text: str, message: Message, desk: Desk) -> Reply:
    heard = await desk.hear(message, text)
    replies = [render(one, desk.speaker(message, one.language)) for one in heard]
    facts = [one.fact for one in replies if one.fact]
    if facts:
        desk.memory.said(message.address, facts[-1], desk.now, private=message.is_private)
    speaker = desk.speaker(message, heard[0].language)
    said = replies[0] if len(replies) == 1 else _both(replies)
    said = replace(said, outcome=named(heard[0])[0], language=speaker.language)
    return with_way_on(said, text, speaker) if any(map(is_open, heard)) else said


def _both(replies: list[Reply]) -> Reply:
    facts = [one.fact for one in replies if one.fact]
    spans = tuple(span for one in replies for span in (*one.spans, Span("\n\n")))[:-1]
    buttons = {button.says: button for one in replies for button in one.buttons}
    answers = tuple(id for one in replies for id in one.answers)
    return Reply(spans, tuple(buttons.values()), fact=facts[-1] if facts else None, answers=answers)
