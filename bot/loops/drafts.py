"""New drafts are shown in the stewards' room, each once, however they came."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

from bot.curating.curation import Curation
from bot.findings import Finding
from bot.intake.drafts import FOLDER, Draft
from bot.intake.ledger import mark
from bot.logs import Event, fail
from bot.store import Store, panic, reviews

EVERY_SECONDS = 20.0
MOST_AT_ONCE = 3
"""Publications shown in full; of more only how many there are, since an import brings dozens."""
MOST_FINDINGS = 10

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
        drafts, findings = await self._curation.all_drafts()
        new = [draft for draft in drafts.values() if draft.id not in known]
        items = [draft for draft in new if draft.kind == "item"]
        if len(items) > MOST_AT_ONCE:
            await self._tell("steward.draft-new", {"count": str(len(items))})
        else:
            for draft in items:
                if not await self._shown(draft, drafts):
                    return
        await self._note(draft.id for draft in new)
        broken = {mark(str(one)): one for one in findings}
        if unheard := [str(one) for name, one in broken.items() if name not in known]:
            await self._tell("draft.broken", {"findings": "\n".join(unheard[:MOST_FINDINGS])})
        await self._note(broken)
        await self._store.run(lambda transaction: reviews.close(transaction, known - set(drafts) - set(broken)))

    async def _shown(self, draft: Draft, drafts: Mapping[str, Draft]) -> bool:
        """Whether nothing is left to do for it. One that cannot be shown is named, and must not keep back the others."""
        try:
            if not await self._show(draft, drafts):
                return False
        except Exception as error:
            fail(Event.UNHANDLED, exception=error)
            problem = f"it cannot be shown ({type(error).__name__})"
            finding = Finding(f"{FOLDER}/{draft.path.name}", 1, "", problem, "look over the file", "warning")
            await self._tell("draft.broken", {"findings": str(finding)})
        await self._note([draft.id])
        return True

    async def _note(self, shown: Iterable[str]) -> None:
        """At once: whatever comes after, it is not shown again."""
        ids = list(shown)
        await self._store.run(lambda transaction: reviews.show(self._store, transaction, ids))
