"""The composition of a running bot: store, leases, platforms, and what runs beside them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from zoneinfo import ZoneInfo

from bot.app import App, backups_of, now, open_database
from bot.keys import Keys
from bot.logs import Event, fail
from bot.loops.answer import Answering
from bot.loops.count import Counting
from bot.loops.purge import purge
from bot.loops.serve import Service
from bot.loops.stewards import Stewards
from bot.loops.tally import Tally
from bot.messages import Role
from bot.metrics import served
from bot.operating import Operating
from bot.publishing import Publishing
from bot.reviewing import Reviewing
from bot.store import Store
from bot.store.answered import Answered
from bot.store.chats import move
from bot.store.lease import lease
from bot.transports import Transport
from bot.transports.matrix.session import Credentials
from bot.transports.matrix.transport import Matrix
from bot.transports.pacer import Pacer
from bot.transports.telegram.api import Api
from bot.transports.telegram.intake import Patience
from bot.transports.telegram.setup import Face
from bot.transports.telegram.transport import Telegram
from bot.transports.wiring import Wiring
from handlers import router

LONGEST_END = 18.0
"""Seconds after which the process ends in any case; what was not done the platform delivers again."""
IN_GROUPS = ("ask", "news", "topics", "help", "privacy")
"""Commands that a group's menu shows; all others work there too."""


@asynccontextmanager
async def running(app: App, keys: Keys, pacer: Pacer | None = None, patience: Patience | None = None) -> AsyncIterator[Service]:
    """A service ready to run; at the end all is closed and let go of.

    :raises BrokenStore: where the database cannot be opened.
    :raises Leased: where another process serves one of the accounts.
    :raises PortTaken: where the metrics' port cannot be opened.
    """
    os.umask(0o077)  # What is kept is read by its owner alone.
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_database(app.settings, keys))
        app.store = store
        transports: dict[str, Transport] = {}
        stewards = Stewards(transports, app.settings.steward_room)
        publishing = Publishing(app, store, transports, stewards)
        reviewing = Reviewing(app, store, stewards, publishing.tell, publishing.reloader.wake)
        counting = Counting(store, lambda: app.base, ZoneInfo(app.settings.timezone), now, publishing.tell)
        tally = Tally(now)
        answering = Answering(router, lambda: app.desk(now()), transports, stewards, counting.count, tally.count)
        service = Service([], answering.receive, finish=publishing.stop, on_ended=publishing.ended)
        operating = Operating(app, store, service, publishing.held, publishing.rounds, tally)
        kept: list[Answered] = []
        if app.settings.telegram_token is not None:
            account = f"telegram:{app.settings.telegram_token.partition(':')[0]}"
            await stack.enter_async_context(lease(store, account, app.settings.state, partial(_lost, service)))
            answered = Answered(store, account)
            transports["telegram"] = _telegram(app, _wiring(app, store, answered, publishing), pacer, patience)
            kept.append(answered)
        if app.settings.matrix_user is not None:
            account = f"matrix:{app.settings.matrix_user}"
            await stack.enter_async_context(lease(store, account, app.settings.state, partial(_lost, service)))
            kept.append(Answered(store, account))
            matrix = _matrix(app, _wiring(app, store, kept[-1], publishing), keys)
            transports["matrix"] = matrix
            app.fingerprints["matrix"] = matrix.fingerprint
        purging = partial(purge, store, kept, app.memory, now, backups_of(app.settings))
        service.chores = [purging, counting.count_for_ever, operating.beat_for_ever, *publishing.chores, *reviewing.chores]
        service.transports = list(transports.values())
        stack.enter_context(served(app.settings.metrics, lambda: operating.latest))
        yield service


def _lost(service: Service) -> None:
    """Another process may serve the account by now: two that poll would take each other's updates."""
    fail(Event.LEASE_LOST)
    service.lost = True
    service.stop()
    asyncio.get_running_loop().call_later(LONGEST_END, os._exit, 1)


def _telegram(app: App, wiring: Wiring, pacer: Pacer | None, patience: Patience | None) -> Telegram:
    settings = app.settings
    assert settings.telegram_token is not None
    api = Api(settings.telegram_token, settings.telegram_api_url)
    return Telegram(api, wiring, faces(app), pacer, patience)


def _matrix(app: App, wiring: Wiring, keys: Keys) -> Matrix:
    settings = app.settings
    assert settings.matrix_homeserver
    assert settings.matrix_user
    assert settings.matrix_password
    credentials = Credentials(settings.matrix_homeserver, settings.matrix_user, settings.matrix_password)
    return Matrix(credentials, settings.state / "matrix", keys, wiring)


def _wiring(app: App, store: Store, answered: Answered, publishing: Publishing) -> Wiring:
    settings, texts = app.settings, app.base.texts

    def say(key: str, language: str | None) -> str:
        return texts.say(language if language and texts.has(language, key) else settings.language, key)

    return Wiring(
        answered=answered,
        memory=app.memory,
        now=now,
        say=say,
        moved=partial(move, store),
        left=publishing.left,
        commands=frozenset(router.commands),
        stewards=settings.stewards,
        room=settings.steward_room,
    )


def faces(app: App) -> dict[str, Face]:
    """What Telegram shows of the bot, by language; "" where Telegram knows the reader's language to be none of them."""
    texts = app.base.texts
    spoken = [language for language in texts.phrases if texts.has(language, "bot.short")]
    return {"": _face(app, app.settings.language)} | {language: _face(app, language) for language in spoken}


def _face(app: App, language: str) -> Face:
    def lines(names: list[str]) -> tuple[tuple[str, str], ...]:
        return tuple((name, app.base.texts.say(language, router.commands[name].help or "")) for name in sorted(names))

    listed = [name for name, command in router.commands.items() if command.help]
    anyone = [name for name in listed if router.commands[name].needs is Role.ANYONE]
    managers = [name for name in listed if router.commands[name].needs is Role.MANAGER]
    described, short = (app.base.texts.say(language, key) for key in ("bot.description", "bot.short"))
    return Face(lines(anyone), lines(list(IN_GROUPS)), lines([*IN_GROUPS, *managers]), described, short)
