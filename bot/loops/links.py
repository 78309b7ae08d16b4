"""Once a week each source's address is looked after; of one that is newly dead the stewards hear once. Nothing is removed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from bot.base import Base
from bot.intake.fetched import Link
from bot.intake.found import NotTaken
from bot.logs import Event, fail, log
from bot.loops.stewards import Tell
from bot.spoofing import shown
from bot.store import Store, Transaction, links

LOOK_SECONDS = 3600.0
EVERY = timedelta(days=7)

Check = Callable[[str], Awaitable[Link]]


def addresses_of(base: Base) -> dict[str, str]:
    """Each address that the dossier names, and what names it."""
    found = {item.url: item.id for item in base.items.values() if item.url}
    dossier = base.dossier.get("url")
    return found | ({dossier: base.dossier["name"]} if dossier and dossier not in found else {})


async def checked(check: Check, url: str) -> Link:
    """How an address is; where the look itself went wrong nobody can tell."""
    try:
        return await check(url)
    except NotTaken as error:
        return Link("unclear", url, error.problem)


def is_dead(link: Link) -> bool | None:
    """Nothing where nobody can tell: what is unclear neither dies nor comes back."""
    return None if link.state == "unclear" else link.state == "dead"


class LinkWatcher:
    """`list_addresses` gives what the dossier names now."""

    def __init__(
        self,
        store: Store,
        list_addresses: Callable[[], Mapping[str, str]],
        check: Check,
        tell: Tell,
        now: Callable[[], datetime],
    ) -> None:
        self._store, self._addresses, self._check, self._tell, self._now = store, list_addresses, check, tell, now

    async def watch_for_ever(self) -> None:
        """Until cancelled; the first look is not at the start, when there is other work."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look(self._now())
            except Exception as error:  # The next round tries again.
                fail(Event.UNHANDLED, exception=error)

    async def look(self, now: datetime) -> None:
        """At every address that is due."""
        named = self._addresses()

        async def begin(transaction: Transaction) -> list[str]:
            await links.keep_only(transaction, list(named))
            await links.know(self._store, transaction, list(named))
            return await links.due(transaction, now - EVERY)

        due = await self._store.run(begin)
        found = {url: await self._one(url, now) for url in due}
        log(Event.LINKS_CHECKED, count=len(found))
        untold = await self._store.run(links.untold)
        dead = [_line(named[url], link) for url, link in found.items() if url in untold and link.state == "dead"]
        if dead:
            await self._tell("steward.links-dead", {"links": "\n".join(dead)})
            await self._store.run(lambda transaction: links.tell(transaction, untold & set(found)))

    async def _one(self, url: str, now: datetime) -> Link:
        link = await checked(self._check, url)
        await self._store.run(lambda transaction: links.record(transaction, url, is_dead(link), now))
        return link


def _line(name: str, link: Link) -> str:
    copy = f" → {link.archived}" if link.archived else ""
    return f"{name}: {shown(link.url)} ({link.why}){copy}"
