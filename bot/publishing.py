"""The second half of the product, put together: planning, delivery, corrections, and what the stewards hear of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.app import App, now
from bot.base import Base
from bot.config import Settings
from bot.digests import Subscription
from bot.facts import Item
from bot.logs import Event, fail
from bot.loops.clock import Clock
from bot.loops.correct import Corrector
from bot.loops.deliver import Deliverer
from bot.loops.disk import Disk
from bot.loops.plan import Planner
from bot.loops.preview import Previewer
from bot.loops.ready import Ready
from bot.loops.rounds import Rounds
from bot.loops.sparing import Sparing
from bot.loops.stewards import Stewards
from bot.messages import Address, Button, reply
from bot.speaker import Speaker
from bot.store import Store, Transaction, subscriptions
from bot.transports import Transport, TransportEnded

TICK_SECONDS = 5


class Publishing:
    """`chores` run as long as the service does."""

    def __init__(self, app: App, store: Store, transports: Mapping[str, Transport], stewards: Stewards) -> None:
        settings = app.settings
        self._app, self._store, self._stewards = app, store, stewards
        self.clock = Clock(_urls(app), now, self.tell)
        self.disk = Disk([settings.state, *([store.folder] if store.folder else [])], self.tell)
        self.rounds = Rounds()
        self.sparing = Sparing(self.tell, now)
        self.planner = Planner(store, self._base, settings.timezone, settings.language, self.sparing.tell)
        ready = Ready(self._base, settings.timezone, settings.language)
        self.deliverer = Deliverer(store, transports, now, self._may, self.sparing.tell, ready)
        self.previewer = Previewer(store, self._base, settings.timezone, settings.preview_hours, self._show)
        self.corrector = Corrector(store, transports, self._base, settings.language)
        self.chores = (
            self._tick_for_ever,
            self.deliverer.deliver_for_ever,
            self.clock.watch_for_ever,
            self.disk.watch_for_ever,
            stewards.tell_for_ever,
        )

    async def stop(self) -> None:
        """Let what is being sent come to its end."""
        await self.deliverer.stop()

    async def left(self, place: Address) -> None:
        """The bot was removed from a chat: its subscriptions rest until it is let in again, and the stewards hear of it."""

        async def write(transaction: Transaction) -> list[Subscription]:
            found = [one for one in await subscriptions.of_place(self._store, transaction, place) if one.paused != "gone"]
            for one in found:
                await subscriptions.change(transaction, replace(one, paused="gone"), now())
            return found

        for one in await self._store.run(write):
            await self.sparing.tell("steward.gone", {"address": one.id, "id": one.id, "items": ""})

    async def tell(self, key: str, values: Mapping[str, str]) -> None:
        """A note to the stewards' room, where there is one."""
        self._stewards.tell(reply(self._app.base.texts.say(self._app.settings.language, key, **values)))

    async def ended(self, transport: Transport, error: TransportEnded) -> None:
        """A platform ended while others go on: whoever reads the stewards' room can mend it."""
        await self.tell("steward.ended", {"platform": transport.platform, "why": str(error)})

    def held(self) -> list[str]:
        """Why nothing is planned and delivered just now."""
        return [name for name, ours in (("clock", self.clock), ("disk", self.disk)) if not ours.may()]

    def _may(self) -> bool:
        return not self.held()

    def _base(self) -> Base:
        return self._app.base

    async def _show(self, item: Item) -> bool:
        """An item before it goes out."""
        speaker = Speaker(self._app.base, self._app.settings.language, self._app.settings.language)
        title, summary = speaker.curated(item.title), speaker.curated(item.summary)
        text = speaker.say("steward.preview", title=title, summary=summary, id=item.id)
        return await self._stewards.show(
            reply(text, *(Button(f"/{how} {item.id}"[:60], f"/{how} {item.id}") for how in ("hold", "drop")))
        )

    async def _tick_for_ever(self) -> None:
        """APScheduler only ticks: in memory, in UTC, and a tick that comes late is no tick lost. No duty waits for another."""
        scheduler = AsyncIOScheduler(timezone="UTC")
        await self._plan()
        for duty in (self._plan, self._preview, self._correct):
            scheduler.add_job(
                _until_stopped,
                "interval",
                [duty],
                seconds=TICK_SECONDS,
                coalesce=True,
                misfire_grace_time=None,
                max_instances=1,
            )
        scheduler.start()
        try:
            await asyncio.Event().wait()
        finally:
            scheduler.shutdown(wait=False)

    async def _plan(self) -> None:
        async with _guarded():
            await self.sparing.look()
            while self._may():
                if await self.planner.tick(now()):
                    self.deliverer.wake()
                self.rounds.came("plan")
                if not self.planner.behind:
                    break
        self.rounds.came("plan")

    async def _preview(self) -> None:
        async with _guarded():
            # Where there is no room nobody can say no. What cannot be written down as shown would be shown again and again.
            if self._app.settings.steward_room is not None and self._may():
                await self.previewer.tick(now())

    async def _correct(self) -> None:
        async with _guarded():
            if self._may():
                await self.corrector.tick(now())


@asynccontextmanager
async def _guarded() -> AsyncIterator[None]:
    """The next tick tries again; nothing is lost, since each of them is idempotent."""
    try:
        yield
    except Exception as error:
        fail(Event.UNHANDLED, exception=error)


async def _until_stopped(duty: Callable[[], Awaitable[None]]) -> None:
    """APScheduler logs as an error that it was itself that cancelled a tick."""
    with suppress(asyncio.CancelledError):
        await duty()


def clocks(settings: Settings) -> dict[str, str]:
    """Platform to an address of it that tells the time."""
    homeserver = f"{settings.matrix_homeserver}/_matrix/client/versions" if settings.matrix_homeserver else None
    urls = {"telegram": settings.telegram_api_url if settings.telegram_token else None, "matrix": homeserver}
    return {name: url for name, url in urls.items() if url}


def _urls(app: App) -> list[str]:
    """Whom to ask for the time."""
    return list(clocks(app.settings).values())
