"""New drafts are shown in the stewards' room, each once, however they came."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from bot.curating.curation import Curation
from bot.intake.drafts import Draft
from bot.logs import Event, fail
from bot.store import Store, Transaction, panic, reviews

EVERY_SECONDS = 20.0
MOST_AT_ONCE = 3
"""Publications shown in full; of more only how many there are, since an import brings dozens."""

Show = Callable[[Draft, Mapping[str, Draft]], Awaitable[bool]]
Tell = Callable[[str, Mapping[str, str]], Awaitable[None]]


class DraftWatch:
    """`show` puts one draft into the stewards' room: whether it arrived."""

    def __init__(self, curation: Curation, store: Store, show: Show, tell: Tell) -> None:
        self._curation, self._store, self._show, self._tell = curation, store, show, tell

    async def watch_for_ever(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
            except Exception as error:  # The next look tries again.
                fail(Event.UNHANDLED, exception=error)
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Show what the stewards did not see yet."""
        if await self._store.run(panic.since) is not None:
            return
        # In this order: what is published in between is a draft no more, and must not count as one that nobody saw.
        known = await self._store.run(reviews.were_shown)
        drafts = await self._curation.drafts()
        new = [draft for draft in drafts.values() if draft.id not in known]
        items = [draft for draft in new if draft.kind == "item"]
        if len(items) > MOST_AT_ONCE:
            await self._tell("steward.draft-new", {"count": str(len(items))})
        else:
            for draft in items:
                if not await self._show(draft, drafts):
                    return

        async def note(transaction: Transaction) -> None:
            await reviews.show(self._store, transaction, [draft.id for draft in new])
            await reviews.close(transaction, known - set(drafts))

        await self._store.run(note)
