"""A question gets one answer; two questions get two; a bare follow-up is asked of the last fact said."""

from __future__ import annotations

import asyncio

from bot.answers import render
from bot.desk import Desk
from bot.messages import Message, Reply, Span, reply
from bot.router import Router, argument_of
from bot.search.conversation import hear

router = Router()


@router.anything_else
async def question(message: Message, desk: Desk) -> Reply:
    """Free text in a private chat."""
    return await _answer(message.text, message, desk)


@router.command("ask", help="help.ask")
async def asked(message: Message, desk: Desk) -> Reply:
    """`/ask QUESTION`"""
    text = argument_of(message.text)
    return await _answer(text, message, desk) if text else reply(desk.speaker(message).say("ask.empty"))


async def _answer(text: str, message: Message, desk: Desk) -> Reply:
    objects = desk.base.grid.get("objects") or {}
    # The encoder computes for some milliseconds: in a thread, so that other chats are not held up by it.
    heard = await asyncio.to_thread(hear, desk.matcher, text, None, desk.about(message), objects)
    replies = [render(one, desk.speaker(message, one.language)) for one in heard]
    facts = [one.fact for one in replies if one.fact]
    if facts:
        desk.memory.said(message.address, facts[-1], desk.now)
    if len(replies) == 1:
        return replies[0]
    spans = tuple(span for one in replies for span in (*one.spans, Span("\n\n")))[:-1]
    buttons = tuple(button for one in replies for button in one.buttons)
    return Reply(spans, buttons, fact=facts[-1] if facts else None)
