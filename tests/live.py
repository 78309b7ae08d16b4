"""The whole bot in this process, on a Bot API server of the tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

from bot.app import App
from bot.base import Base
from bot.facts import Item
from bot.keys import Keys
from bot.loops.serve import Service
from bot.memory import Memory
from bot.messages import parse_address
from bot.running import running
from bot.transports.pacer import Pacer
from bot.transports.telegram.intake import Patience
from tests.bot_api import BotApi

QUESTION = "what can the van camera record?"
CONTACT = "union office, 030 123"
ROOM = "telegram:-100555"
KEYS = Keys(b"k" * 32)


def app_on(app: App, url: str, state: Path, room: str | None = None, **settings: object) -> App:
    """The shipped app with an empty memory, at a Bot API server, with a state folder of its own."""
    return _opened(app, room, telegram_token="123456:TEST", telegram_api_url=url, state=state, **settings)


def app_on_matrix(app: App, url: str, user: str, password: str, state: Path, room: str | None = None) -> App:
    """The same on a homeserver."""
    return _opened(app, room, matrix_homeserver=url, matrix_user=user, matrix_password=password, state=state)


def app_on_both(app: App, telegram: str, homeserver: str, user: str, password: str, state: Path) -> App:
    """The same on both."""
    settings = {"telegram_token": "123456:TEST", "telegram_api_url": telegram, "state": state}
    return _opened(app, None, matrix_homeserver=homeserver, matrix_user=user, matrix_password=password, **settings)


def _opened(app: App, room: str | None, **settings: object) -> App:
    steward_room = parse_address(room) if room else None
    own = replace(app.settings, contact=CONTACT, language="en", steward_room=steward_room, **settings)
    made = replace(app, settings=own, memory=Memory(), fingerprints={})
    made.__dict__.update(matcher=app.matcher, executor=app.executor)
    return made


@asynccontextmanager
async def live(app: App, pacer: Pacer | None = None, patience: Patience | None = None) -> AsyncIterator[Service]:
    """Running; stopped in an orderly way at the end, with everything it was asked answered."""
    async with running(app, KEYS, pacer, patience) as service:
        task = asyncio.create_task(service.run())
        try:
            yield service
        finally:
            service.stop()
            await asyncio.wait_for(task, 20)


def buttons(message: dict[str, object]) -> dict[str, str]:
    """Label to callback data or address of a message of the bot."""
    markup = message.get("reply_markup") or {}
    rows = markup.get("inline_keyboard", []) if isinstance(markup, dict) else []
    return {button["text"]: button.get("callback_data") or button.get("url") for row in rows for button in row}


def text(api: BotApi, number: int = -1) -> str:
    return str(api.sent[number]["text"])


def with_changed(app: App, item: Item) -> Base:
    """The base with one item as it is now."""
    return replace(app.base, items={**app.base.items, item.id: item})


def without_fact(app: App, id: str) -> Base:
    """The base without one fact."""
    return replace(app.base, facts={other: fact for other, fact in app.base.facts.items() if other != id})


def with_item(app: App, id: str) -> Base:
    """The base with one item more, published today."""
    old = next(iter(app.base.items.values()))
    new = replace(old, id=id, title={"en": f"Title of {id}"}, date=date(2026, 11, 24), published=date(2026, 11, 24))
    return with_changed(app, new)
