"""The newest items, without any subscription: /news, /news TOPIC."""

from __future__ import annotations

from datetime import date

from bot.desk import Desk
from bot.facts import Item
from bot.items import told
from bot.messages import Message, Reply, Span, reply
from bot.router import Router, argument_of
from bot.search.fold import fold

router = Router()
NEWEST = 3


@router.command("news", help="help.news")
async def news(message: Message, desk: Desk) -> Reply:
    """The newest by the day they were published, then by date."""
    speaker = desk.speaker(message)
    wanted = argument_of(message.text)
    topics = _topics(wanted, desk) if wanted else None
    found = [item for item in desk.base.items.values() if _said(item, desk) and (topics is None or topics & set(item.topics))]
    found.sort(key=lambda item: (item.published or date.min, item.date), reverse=True)
    if not found:
        return reply(speaker.say("news.none"))
    pieces = [told(item, speaker) for item in found[:NEWEST]]
    spans = tuple(span for piece in pieces for span in (Span("\n\n"), *piece.spans))
    buttons = tuple(button for piece in pieces for button in piece.buttons)
    return Reply((Span(speaker.say("news.lead")), *spans), buttons)


def _said(item: Item, desk: Desk) -> bool:
    return item.withdrawn is None and item.published is not None and item.published <= desk.today()


def _topics(wanted: str, desk: Desk) -> set[str]:
    """The topics that a word means: by id or by name in any language."""
    folded = fold(wanted)
    return {
        id
        for id, names in desk.base.topics.items()
        if fold(id) == folded or any(folded in fold(name) for name in names.values())
    }
