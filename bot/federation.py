"""Several bot accounts over one base, on several processes and machines: each account is served by whoever leases it."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from bot.accounts import accounts_of
from bot.app import App, open_database
from bot.config import Settings
from bot.environment import PREFIX
from bot.keys import Keys
from bot.logs import Event, fail, log
from bot.loops.serve import Service, cancelled, keep
from bot.running import Shared, running, serving
from bot.seat import Seat, leased
from bot.store import Store
from bot.store.lease import Leased
from bot.store.leases import Leases, Standing, leases
from bot.transports import TransportEnded

LOOK_SECONDS = 2.0
LONGEST_WISH = 5
"""Looks for which a free account is left to who wishes for more; it may hang."""
REST_SECONDS = 120.0
"""Before an account that ended by itself is tried again here."""


@dataclass
class Federation:
    """Serves as many of the accounts as is this process's share, and more where nobody else would."""

    app: App
    accounts: Sequence[Settings]
    store: Store
    keys: Keys
    ended: Sequence[TransportEnded] = ()
    lost: bool = False
    _seats: dict[str, Seat] = field(default_factory=dict)
    _resting: dict[str, float] = field(default_factory=dict)
    _free: Counter[str] = field(default_factory=Counter)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.shared = Shared(self.app, self.store.of(None), [one.name for one in self.accounts])

    @property
    def served(self) -> frozenset[str]:
        """The names of the accounts that this process serves."""
        return frozenset(self._seats)

    def stop(self) -> None:
        """Begin the orderly end, also while the database does not answer."""
        self._stop.set()
        for seat in self._seats.values():
            seat.stop(lost=False)

    async def run(self) -> None:
        """Until `stop` is called. Where the leases are lost, so are all accounts; both are sought anew.

        :raises Leased: where another process of this database has another key file.
        """
        log(Event.STARTED)
        chores = [asyncio.create_task(keep(chore)) for chore in self.shared.chores]
        try:
            while not self._stop.is_set():
                try:
                    async with leases(self.store) as held:
                        await self._hold(held)
                except Leased:
                    raise
                except Exception as error:  # The database is gone: others may serve the accounts by the time it is back.
                    fail(Event.LEASE_LOST, exception=error)
                    await self._pause()
        finally:
            await cancelled(chores)
        log(Event.STOPPED)

    async def _hold(self, held: Leases) -> None:
        if (await held.standing()).strangers:
            problem = "another process serves accounts of this database with another key file; copy that one's here"
            raise Leased(f"{PREFIX}KEY_FILE: {problem}")
        try:
            while not self._stop.is_set():
                await self._look(held)
                await self._pause()
            await self._stop_all(held)
        finally:
            await self._stop_all(None)  # None are left, unless the leases are lost.

    async def _look(self, held: Leases) -> None:
        """Give back what ended, take what is free, make room for who has less."""
        await self._reap(held)
        standing = await held.standing()
        share = -(-len(self.accounts) // max(1, standing.processes))
        most = self.app.settings.most_accounts or len(self.accounts)
        free = self._found_free(held, standing)
        patience = LONGEST_WISH if standing.wishing else 1
        for settings in free:
            # What stays free, nobody takes whose share it would be.
            room = most if self._free[settings.name] >= patience else min(share, most)
            if len(self._seats) < room and await held.take(leased(settings)):
                self._serve(settings)
        self._free = Counter({settings.name: self._free[settings.name] + 1 for settings in free})
        if len(self._seats) > share and standing.wishing:
            next(reversed(self._seats.values())).stop(lost=False)
        await held.wish(len(self._seats) < min(share, most))

    def _found_free(self, held: Leases, standing: Standing) -> list[Settings]:
        """In no order, so that not all processes try the same."""
        now = asyncio.get_running_loop().time()
        free = [one for one in self.accounts if one.name not in self._seats and held.is_free(leased(one), standing)]
        for name in self._resting.keys() - {one.name for one in free}:
            self._rested(name)  # Somebody else serves it.
        found = [one for one in free if self._resting.get(one.name, 0) <= now]
        return random.sample(found, len(found))

    def _serve(self, settings: Settings) -> None:
        self._rested(settings.name)
        app = self.app.beside(settings)
        task = asyncio.create_task(self._run(app))
        self._seats[settings.name] = Seat(app, task)
        log(Event.ACCOUNT_TAKEN, count=len(self._seats))

    async def _run(self, app: App) -> None:
        """What one account stumbles over must not end the others."""
        settings = app.settings
        leads = settings.name == self.accounts[0].name
        try:
            service = serving(app, self.store.of(settings.name), self.keys, self.shared, leads=leads)
            self._seats[settings.name].begin(service)
            await service.run()
        except Exception as error:
            fail(Event.UNHANDLED, exception=error)
        finally:
            self.app.leave(app)
            served = self.shared.operating.served.pop(settings.name, None)
            if served is not None and not self._seats[settings.name].ending:
                self.shared.operating.ended[settings.name] = served
            if leads:
                self.shared.led_by(None)

    async def _reap(self, held: Leases | None) -> None:
        """What ended leaves; without `held` its lease is gone already."""
        for name, seat in [*self._seats.items()]:
            if not seat.task.done():
                continue
            del self._seats[name]
            if not seat.ending:
                self._resting[name] = asyncio.get_running_loop().time() + REST_SECONDS
            log(Event.ACCOUNT_ENDED, count=len(self._seats))
            if held is not None:
                await held.give(leased(seat.app.settings))

    def _rested(self, name: str) -> None:
        """An account that had ended here is served again, by somebody."""
        self._resting.pop(name, None)
        self.shared.operating.ended.pop(name, None)

    async def _stop_all(self, held: Leases | None) -> None:
        """Each is free for others as soon as it ended."""
        for seat in self._seats.values():
            seat.stop(lost=held is None)
        while self._seats:
            await asyncio.wait([seat.task for seat in self._seats.values()], return_when=asyncio.FIRST_COMPLETED)
            await self._reap(held)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), LOOK_SECONDS)


@asynccontextmanager
async def serving_all(app: App, keys: Keys) -> AsyncIterator[Service | Federation]:
    """What the settings name, ready to run: the environment's account, or those of a file.

    :raises BrokenSettings: where the file has a mistake.
    :raises BrokenStore: where the database cannot be opened.
    :raises Leased: where another process serves the environment's account.
    :raises PortTaken: where the metrics' port cannot be opened.
    """
    if app.settings.accounts is None:
        async with running(app, keys) as service:
            yield service
        return
    os.umask(0o077)
    accounts = accounts_of(app.settings)
    app.settings = accounts[0]
    async with open_database(app.settings, keys) as store:
        federation = Federation(app, accounts, store, keys)
        with federation.shared.measured():
            yield federation
