"""The second half of the product, put together: planning, delivery, corrections, and what the stewards hear of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.app import App, now
from bot.logs import Event, fail
from bot.loops.deliver import Deliverer
from bot.loops.plan import Planner
from bot.loops.reload import Reloader
from bot.messages import reply
from bot.store import Store
from bot.transports import Transport

TICK_SECONDS = 5
NOTE_SECONDS = 60.0


class Publishing:
    """`chores` run as long as the service does."""

    def __init__(self, app: App, store: Store, transports: Mapping[str, Transport]) -> None:
        self._app, self._transports = app, transports
        self.planner = Planner(store, lambda: app.base, app.settings.timezone, app.settings.language)
        self.deliverer = Deliverer(store, transports, now, lambda: True, self.tell)
        self.reloader = Reloader(app, app.settings.state, self.tell)
        self.chores = (self._tick_for_ever, self.deliverer.deliver_for_ever, self.reloader.watch_for_ever)

    async def stop(self) -> None:
        """Let what is being sent come to its end."""
        await self.deliverer.stop()

    async def tell(self, key: str, values: Mapping[str, str]) -> None:
        """A note to the stewards' room, where there is one."""
        room, settings = self._app.settings.steward_room, self._app.settings
        if room is None or room.platform not in self._transports:
            return
        text = self._app.base.texts.say(settings.language, key, **values)
        try:
            async with asyncio.timeout(NOTE_SECONDS):
                await self._transports[room.platform].send(room, reply(text))
        except Exception as error:  # What stewards are told is in the ledger too.
            fail(Event.UNHANDLED, exception=error)

    async def _tick_for_ever(self) -> None:
        """APScheduler only ticks: in memory, in UTC, and a tick that comes late is no tick lost."""
        scheduler = AsyncIOScheduler(timezone="UTC")
        scheduler.add_job(
            self._tick,
            "interval",
            seconds=TICK_SECONDS,
            next_run_time=now(),
            coalesce=True,
            misfire_grace_time=None,
            max_instances=1,
        )
        scheduler.start()
        try:
            await asyncio.Event().wait()
        finally:
            scheduler.shutdown(wait=False)

    async def _tick(self) -> None:
        try:
            if await self.planner.tick(now()):
                self.deliverer.wake()
        except Exception as error:  # The next tick tries again; nothing is lost, since planning is idempotent.
            fail(Event.UNHANDLED, exception=error)
