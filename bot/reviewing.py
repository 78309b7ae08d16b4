"""Curation in a running bot, put together: drafts in chat, feeds that are watched, sources' addresses, and who hears of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

from bot.app import App, now
from bot.curating.curation import Curation
from bot.curating.showing import shown
from bot.intake.child import Fetcher
from bot.intake.drafts import Draft
from bot.intake.found import Publication
from bot.loops.drafts import DraftWatch
from bot.loops.feeds import FeedWatcher
from bot.loops.links import LinkWatcher, addresses_of
from bot.loops.stewards import Stewards, Tell
from bot.speaker import Speaker
from bot.store import Store
from bot.store.lease import Turn

Chore = Callable[[], Awaitable[None]]


class Reviewing:
    """`changed` makes the bot read the folder again, `turn` is whose it is to write there.

    Drafts need a folder of the union's own, notes a stewards' room.

    Of several accounts the one that `leads` looks after feeds, new drafts and links; stewards of all may curate.
    """

    def __init__(
        self,
        app: App,
        store: Store,
        stewards: Stewards,
        tell: Tell,
        changed: Callable[[], None],
        turn: Turn,
        leads: bool = True,
    ) -> None:
        self._app, self._stewards, self._turn = app, stewards, turn
        fetcher, chores = Fetcher(), list[Chore]()
        if app.settings.data is not None:
            curation = app.curation = self._curation(app.settings.data, store, fetcher, changed)
            feeds = FeedWatcher(store, lambda: app.base.feeds, fetcher.feed, partial(_drafted, curation), tell, now)
            chores += [feeds.watch_for_ever]
            if app.settings.steward_room is not None:
                chores += [DraftWatch(curation, store, self._show, tell).watch_for_ever]
        if app.settings.steward_room is not None:
            chores += [LinkWatcher(store, lambda: addresses_of(app.base), fetcher.link, tell, now).watch_for_ever]
        self.chores = tuple(chores) if leads else ()

    def _curation(self, folder: Path, store: Store, fetcher: Fetcher, changed: Callable[[], None]) -> Curation:
        two = self._app.settings.two_stewards
        return Curation(folder, store, lambda: self._app.base, changed, two, fetcher.article, self._turn)

    async def _show(self, draft: Draft, drafts: Mapping[str, Draft]) -> bool:
        language = self._app.settings.language
        return await self._stewards.show(shown(draft, drafts, Speaker(self._app.base, language, language)))


async def _drafted(curation: Curation, publications: list[Publication], _feed: str) -> list[str]:
    """A feed's new entries as drafts; what an entry does not say of its outlet a steward must."""
    return await curation.take(publications)
