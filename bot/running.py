"""The composition of a running bot: store, leases, platforms, and what runs beside them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.app import App, backups_of, now, open_database
from bot.environment import MAIN
from bot.keys import Keys
from bot.logs import Event, fail
from bot.loops.answer import Answering
from bot.loops.count import Counting
from bot.loops.purge import purge, purge_memory
from bot.loops.reload import Reloader
from bot.loops.serve import Service
from bot.loops.stewards import Stewards, Tell
from bot.loops.tally import Tally
from bot.messages import Address, Role
from bot.metrics import served
from bot.operating import Operating, Served
from bot.publishing import Publishing
from bot.reviewing import Chore, Reviewing
from bot.store import Store
from bot.store.answered import Answered
from bot.store.chats import move
from bot.store.lease import Turn, lease
from bot.transports import Transport
from bot.transports.pacer import Pacer
from bot.transports.telegram.api import Api
from bot.transports.telegram.intake import Patience
from bot.transports.telegram.setup import Face
from bot.transports.telegram.transport import Telegram
from bot.transports.wiring import Wiring
from handlers import router

if TYPE_CHECKING:
    from bot.transports.matrix.transport import Matrix

LONGEST_END = 18.0
"""Seconds after which the process ends in any case; what was not done the platform delivers again."""
IN_GROUPS = ("ask", "news", "topics", "help", "privacy")
"""Commands that a group's menu shows; all others work there too."""


class Shared:
    """What all accounts of a process share: who reads the folder, who counts what is asked, and who says how things stand.

    `led_by` names how the stewards hear of the folder and the counts; where nobody leads here, those of another process do.
    """

    def __init__(self, app: App, store: Store, names: Collection[str] = (MAIN,)) -> None:
        self._settings = app.settings
        self.reloader = Reloader(app, app.settings.state, self._tell)
        self.counting = Counting(store, lambda: app.base, ZoneInfo(app.settings.timezone), now, None)
        self.tally = Tally(now)
        self.operating = Operating(app, store, self.tally, names)
        self.curating = Turn(store)
        purging = partial(purge, store, now, backups_of(app.settings))
        self.chores = (
            self.reloader.watch_for_ever,
            self.counting.count_for_ever,
            self.operating.beat_for_ever,
            purging,
        )

    def led_by(self, tell: Tell | None) -> None:
        """Whom to tell from now on."""
        self.counting.tell = tell

    def measured(self) -> AbstractContextManager[None]:
        """While it lasts, the figures can be asked for.

        :raises PortTaken: where the metrics' port cannot be opened.
        """
        return served(self._settings.metrics, lambda: self.operating.latest)

    async def _tell(self, key: str, values: Mapping[str, str]) -> None:
        if self.counting.tell is not None:
            await self.counting.tell(key, values)


@asynccontextmanager
async def running(app: App, keys: Keys, pacer: Pacer | None = None, patience: Patience | None = None) -> AsyncIterator[Service]:
    """A service of the environment's account, ready to run; at the end all is closed and let go of.

    :raises BrokenStore: where the database cannot be opened.
    :raises Leased: where another process serves the account.
    :raises PortTaken: where the metrics' port cannot be opened.
    """
    os.umask(0o077)  # What is kept is read by its owner alone.
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_database(app.settings, keys))
        lost = asyncio.Event()
        for identity in app.settings.identities.values():
            await stack.enter_async_context(lease(store, identity, app.settings.state, lost.set))
        shared = Shared(app, store)
        service = serving(app, store, keys, shared, pacer, patience)
        service.chores = [*service.chores, *shared.chores, partial(_end_when_lost, service, lost)]
        stack.enter_context(shared.measured())
        yield service


def serving(
    app: App,
    store: Store,
    keys: Keys,
    shared: Shared,
    pacer: Pacer | None = None,
    patience: Patience | None = None,
    *,
    leads: bool = True,
) -> Service:
    """The service of one account, whose lease is held."""
    app.store = store
    transports: dict[str, Transport] = {}
    stewards = Stewards(transports, app.settings.steward_room)
    publishing = Publishing(app, store, transports, stewards)
    if leads:
        shared.led_by(publishing.tell)
    reviewing = Reviewing(app, store, stewards, publishing.tell, shared.reloader.wake, shared.curating, leads)
    answering = Answering(router, lambda: app.desk(now()), transports, stewards, shared.counting.count, shared.tally.count)
    kept = {platform: Answered(store, identity) for platform, identity in app.settings.identities.items()}
    if "telegram" in kept:
        transports["telegram"] = _telegram(app, _wiring(app, store, kept["telegram"], publishing, stewards), pacer, patience)
    if "matrix" in kept:
        matrix = _matrix(app, _wiring(app, store, kept["matrix"], publishing, stewards), keys)
        transports["matrix"] = matrix
        app.fingerprints["matrix"] = matrix.fingerprint
    chores: list[Chore] = [partial(purge_memory, app.memory, now), *publishing.chores, *reviewing.chores]
    service = Service(list(transports.values()), answering.receive, chores, publishing.stop, publishing.ended)
    shared.operating.served[app.settings.name] = Served(service, publishing.held, publishing.rounds)
    return service


async def _end_when_lost(service: Service, lost: asyncio.Event) -> None:
    """Another process may serve the account by then: two that poll would take each other's updates."""
    await lost.wait()
    fail(Event.LEASE_LOST)
    service.lost = True
    asyncio.get_running_loop().call_later(LONGEST_END, os._exit, 1)
    service.stop()


def _telegram(app: App, wiring: Wiring, pacer: Pacer | None, patience: Patience | None) -> Telegram:
    settings = app.settings
    assert settings.telegram_token is not None
    api = Api(settings.telegram_token, settings.telegram_api_url)
    return Telegram(api, wiring, faces(app), pacer, patience)


def _matrix(app: App, wiring: Wiring, keys: Keys) -> Matrix:
    # 30 MB, which an account on Telegram alone need not have.
    from bot.transports.matrix.session import Credentials
    from bot.transports.matrix.transport import Matrix

    settings = app.settings
    assert settings.matrix_homeserver
    assert settings.matrix_user
    assert settings.matrix_password
    credentials = Credentials(settings.matrix_homeserver, settings.matrix_user, settings.matrix_password)
    return Matrix(credentials, settings.matrix_folder, keys, wiring)


def _wiring(app: App, store: Store, answered: Answered, publishing: Publishing, stewards: Stewards) -> Wiring:
    settings, texts = app.settings, app.base.texts

    def say(key: str, language: str | None) -> str:
        return texts.say(language if language and texts.has(language, key) else settings.language, key)

    async def moved(old: Address, new: Address) -> None:
        stewards.follow(old, new)
        await move(store, old, new)

    return Wiring(
        answered=answered,
        memory=app.memory,
        now=now,
        say=say,
        moved=moved,
        left=publishing.left,
        commands=frozenset(router.commands),
        stewards=settings.stewards,
        room=lambda: stewards.room,
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
