"""`run` on a clock that is off by TEST_SHIFT seconds, so that a slot of tomorrow comes today."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import datetime, timedelta

import bot.publishing
import bot.running
from bot import app, logs
from bot.config import read_settings
from bot.federation import serving_all
from bot.keys import load_keys

SHIFT = timedelta(seconds=float(os.environ["TEST_SHIFT"]))


def shifted() -> datetime:
    """Now, and so many seconds more."""
    return app.now() + SHIFT


async def serve() -> None:
    """Until SIGTERM."""
    bot.running.now = bot.publishing.now = shifted  # type: ignore[attr-defined]
    bot.publishing.TICK_SECONDS = 1
    # The platform's clock is not moved with ours, and would rightly hold publishing.
    bot.publishing._urls = lambda app: []
    opened = app.open_app(read_settings())
    async with serving_all(opened, load_keys(opened.settings.key_path)) as service:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, service.stop)
        await service.run()


if __name__ == "__main__":
    logs.set_up()
    asyncio.run(serve())
