"""The second half of the product, put together: planning, delivery, corrections, and what the stewards hear of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.app import App, now
from bot.deliveries import Sent
from bot.digests import Subscription
from bot.facts import Item
from bot.intake.child import Fetcher
from bot.logs import Event, fail
from bot.loops.clock import Clock
from bot.loops.correct import Corrector
from bot.loops.deliver import Deliverer
from bot.loops.links import LinkWatcher, addresses_of
from bot.loops.plan import Planner
from bot.loops.preview import Previewer
from bot.loops.reload import Reloader
from bot.messages import Address, Button, Reply, reply
from bot.speaker import Speaker
from bot.store import Store, Transaction, ledger, subscriptions
from bot.transports import Transport

TICK_SECONDS = 5
NOTE_SECONDS = 60.0


class Publishing:
    """`chores` run as long as the service does."""

    def __init__(self, app: App, store: Store, transports: Mapping[str, Transport]) -> None:
        self._app, self._store, self._transports = app, store, transports
        self.planner = Planner(store, lambda: app.base, app.settings.timezone, app.settings.language)
        self.clock = Clock(_urls(app), now, self.tell)
        self.deliverer = Deliverer(store, transports, now, self.clock.may, self.tell)
        settings = app.settings
        self.previewer = Previewer(store, lambda: app.base, settings.timezone, settings.preview_hours, self._show)
        self.corrector = Corrector(store, transports, lambda: app.base, settings.language)
        self.reloader = Reloader(app, app.settings.state, self.tell)
        self.chores: tuple[Callable[[], Awaitable[None]], ...] = (
            self._tick_for_ever,
            self.deliverer.deliver_for_ever,
            self.reloader.watch_for_ever,
            self.clock.watch_for_ever,
        )
        if settings.steward_room is not None:
            links = LinkWatcher(store, lambda: addresses_of(app.base), Fetcher().link, self.tell, now)
            self.chores = (*self.chores, links.watch_for_ever)

    async def stop(self) -> None:
        """Let what is being sent come to its end."""
        await self.deliverer.stop()

    async def left(self, place: Address) -> None:
        """The bot was removed from a chat: its subscriptions rest until it is let in again, and the stewards hear of it."""

        async def write(transaction: Transaction) -> list[Subscription]:
            found = [one for one in await subscriptions.of_place(self._store, transaction, place) if not one.paused]
            for one in found:
                await subscriptions.change(transaction, replace(one, paused="gone"), now())
                await ledger.stop_chat(transaction, one.id, "gone")
            return found

        for one in await self._store.run(write):
            await self.tell("steward.gone", {"address": str(one.address), "id": one.id, "items": ""})

    async def tell(self, key: str, values: Mapping[str, str]) -> None:
        """A note to the stewards' room, where there is one."""
        await self._say(reply(self._app.base.texts.say(self._app.settings.language, key, **values)))

    async def _say(self, note: Reply) -> bool:
        room = self._app.settings.steward_room
        if room is None or room.platform not in self._transports:
            return False
        try:
            async with asyncio.timeout(NOTE_SECONDS):
                return isinstance(await self._transports[room.platform].send(room, note), Sent)
        except Exception as error:  # What stewards are told is in the ledger too.
            fail(Event.UNHANDLED, exception=error)
            return False

    async def _show(self, item: Item) -> bool:
        """An item before it goes out; where there is no room nobody can say no."""
        if self._app.settings.steward_room is None:
            return True
        speaker = Speaker(self._app.base, self._app.settings.language, self._app.settings.language)
        title, summary = speaker.curated(item.title), speaker.curated(item.summary)
        text = speaker.say("steward.preview", title=title, summary=summary, id=item.id)
        return await self._say(
            reply(text, *(Button(f"/{how} {item.id}"[:60], f"/{how} {item.id}") for how in ("hold", "drop")))
        )

    async def _tick_for_ever(self) -> None:
        """APScheduler only ticks: in memory, in UTC, and a tick that comes late is no tick lost."""
        scheduler = AsyncIOScheduler(timezone="UTC")
        await self._tick()
        scheduler.add_job(self._tick, "interval", seconds=TICK_SECONDS, coalesce=True, misfire_grace_time=None, max_instances=1)
        scheduler.start()
        try:
            await asyncio.Event().wait()
        finally:
            scheduler.shutdown(wait=False)

    async def _tick(self) -> None:
        try:
            await self.previewer.tick(now())
            if await self.planner.tick(now()):
                self.deliverer.wake()
            await self.corrector.tick(now())
        except Exception as error:  # The next tick tries again; nothing is lost, since planning is idempotent.
            fail(Event.UNHANDLED, exception=error)


def _urls(app: App) -> list[str]:
    """Whom to ask for the time."""
    settings = app.settings
    homeserver = f"{settings.matrix_homeserver}/_matrix/client/versions" if settings.matrix_homeserver else None
    return [url for url in (settings.telegram_api_url if settings.telegram_token else None, homeserver) if url]
