"""`run` without the pacer, where every seventh question makes its handler raise an exception that holds the question."""

from __future__ import annotations

import asyncio
import sys
from itertools import count
from typing import NoReturn

from bot import logs
from bot.app import open_app
from bot.config import read_settings
from bot.desk import Desk
from bot.messages import Errand, Message, Reply
from bot.router import Handler
from handlers import router
from tests.unpaced import serve

EVERY = 7
_numbers = count(1)


def _trip(text: str) -> NoReturn:
    secret = text  # A traceback with variables would show it.
    raise ValueError(f"{text} {secret}")


def _tripping(handler: Handler) -> Handler:
    async def handle(message: Message, desk: Desk) -> Reply | Errand | None:
        if next(_numbers) % EVERY == 0:
            _trip(message.text)
        return await handler(message, desk)

    return handle


def main() -> None:
    settings = read_settings()
    logs.set_up(settings.debug)
    assert router.fallback is not None
    router.fallback = _tripping(router.fallback)
    app = open_app(settings)
    app.warm_up()
    asyncio.run(serve(app))


if __name__ == "__main__":
    sys.exit(main())
