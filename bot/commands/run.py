"""`run`: the bot on its platforms."""

from __future__ import annotations

import asyncio
import os
import signal

import click

from bot import logs
from bot.accounts import accounts_of
from bot.app import App, open_app
from bot.commands.common import keys_of
from bot.config import Settings, read_settings
from bot.environment import BrokenSettings
from bot.federation import serving_all
from bot.hardening import forbid_dumps
from bot.running import LONGEST_END
from bot.systemd import READY, STOPPING, notify

LAST_SECONDS = int(LONGEST_END) + 1


@click.command()
def run() -> int:
    """Serve every platform whose credentials are set, or the accounts of RUECKSPIEGEL_ACCOUNTS, until SIGTERM."""
    settings = _checked(read_settings())
    logs.set_up(settings.debug)
    forbid_dumps()
    app = open_app(settings)
    app.warm_up()
    return asyncio.run(_serve(app))


def _checked(settings: Settings) -> Settings:
    if settings.accounts is not None:
        accounts_of(settings)
        return settings
    if settings.telegram_token is None and settings.matrix_user is None:
        problem = "no platform is set up; set this to the token that BotFather gave, or the three settings of Matrix"
        raise BrokenSettings(f"RUECKSPIEGEL_TELEGRAM_TOKEN: {problem}")
    if not settings.contact:
        problem = "it is missing; write whom a worker can turn to, such as a union's address or telephone number"
        raise BrokenSettings(f"RUECKSPIEGEL_CONTACT: {problem}")
    return settings


async def _serve(app: App) -> int:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(logs.on_loop_exception)
    async with serving_all(app, keys_of(app.settings)) as service:

        def stop() -> None:
            notify(STOPPING)
            loop.call_later(LONGEST_END, os._exit, 1)
            service.stop()

        def end(*_: object) -> None:
            # Not through the loop alone: one that hangs, or a thread that does, is ended by the kernel.
            signal.alarm(LAST_SECONDS)
            loop.call_soon_threadsafe(stop)

        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, end)
        notify(READY)
        await service.run()
    for error in service.ended:
        click.echo(f"rueckspiegel: {error}", err=True)
    return 1 if service.ended or service.lost else 0
