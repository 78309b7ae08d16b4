"""`run` without the pacer, to measure what the rest can do. Telegram itself would refuse this pace."""

from __future__ import annotations

import asyncio
import signal

from bot import logs
from bot.app import App, open_app
from bot.config import read_settings
from bot.keys import load_keys
from bot.running import running
from bot.transports.pace import UNLIMITED
from bot.transports.pacer import Pacer


async def serve(app: App) -> None:
    """Until SIGTERM."""
    async with running(app, load_keys(app.settings.key_path), Pacer(UNLIMITED)) as service:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, service.stop)
        await service.run()


if __name__ == "__main__":
    logs.set_up()
    opened = open_app(read_settings())
    opened.warm_up()
    asyncio.run(serve(opened))
