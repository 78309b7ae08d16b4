"""What changed in the dossier after it was posted is put right where it was posted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from bot.base import Base
from bot.composing import corrected, correction, for_channels, outdated
from bot.deliveries import SENT, Delivery, Gone, Missing, Refused, Sent, Withheld
from bot.digests import Slot
from bot.loops.brake import may_edit
from bot.loops.news import News
from bot.messages import Reply
from bot.speaker import Speaker
from bot.store import Store, Transaction, held, ledger, outbox, panic, subscriptions
from bot.store.held import Kept
from bot.transports import Transport

LOOKS_BACK = timedelta(days=60)
OVERLAP = timedelta(seconds=30)
"""What was sent so long before the last look may not have been written down by then."""
AT_ONCE = timedelta(days=1)
"""Of so much is read at once, so that answers do not wait for it."""
Posted = tuple[tuple[str, ...], str, Reply]
"""Items, language and text, which many channels have in common."""


@dataclass(frozen=True)
class _Look:
    """One look over what was posted: the base as channels may see it, what is kept back from them, and what was compared."""

    base: Base
    kept: Kept
    now: datetime
    same: dict[Posted, bool] = field(default_factory=dict)


class Corrector:
    """Looks at all that was posted where the base is new or what is kept back is, else at what was posted since its last look.

    What stewards keep back, and what one alone published too lately, stays in posts as it was.
    """

    def __init__(self, store: Store, transports: Mapping[str, Transport], base: Callable[[], Base], fallback: str) -> None:
        self._store, self._transports, self._base, self._fallback = store, transports, base, fallback
        self._done: tuple[Base, Kept, datetime] | None = None
        self._news = News(store)

    async def tick(self, now: datetime) -> None:
        """Edit what is outdated; what could not be reached, or was stopped meanwhile, is tried again at the next tick."""
        base = self._base()
        if not await self._news.came(now, base):
            return
        kept = await self._store.run(partial(_kept, now=now))
        if kept is None:
            return
        known = self._done is not None and self._done[0] is base and self._done[1] == kept
        since = self._done[2] - OVERLAP if self._done is not None and known else now - LOOKS_BACK
        look = _Look(for_channels(base, kept.entries, kept.reasons), kept, now)
        self._done = (base, kept, now) if await self._all(since, look) else None
        if self._done is not None:
            self._news.none(now)

    async def _all(self, since: datetime, look: _Look) -> bool:
        """Whether nothing is left to do of what was posted since then."""
        settled = True
        while since <= look.now:
            until = since + AT_ONCE
            posted = await self._store.run(lambda t, a=since, b=until: ledger.sent_between(self._store, t, a, b))  # type: ignore[misc]
            for delivery in posted:
                done = await self._one(delivery, look)
                if done is None:
                    return False
                settled = done and settled
            since = until
        return settled

    async def _one(self, delivery: Delivery, look: _Look) -> bool | None:
        """Whether it is as it should be; None where nothing more may be edited just now."""
        items = [look.base.items[id] for id in delivery.items if id in look.base.items]
        speaker = Speaker(look.base, delivery.language, self._fallback, private=False)
        transport = self._transports.get(delivery.address.platform)
        if not items or transport is None:
            return True
        posted = delivery.items, delivery.language, delivery.reply
        if posted not in look.same:
            look.same[posted] = not outdated(items, delivery.reply, speaker, look.kept.entries)
        if look.same[posted]:
            return True
        new = corrected(items, delivery.reply, speaker, look.kept.entries)
        key = f"{delivery.id}/{hashlib.sha256(new.text.encode()).hexdigest()[:16]}"
        may = partial(may_edit, self._store, look.kept, look.now)
        outcome = await transport.edit(delivery.address, delivery.ref, new, key, may=may)
        if isinstance(outcome, Withheld):
            return None
        if isinstance(outcome, Sent):
            return await self._note(replace(delivery, reply=new), (), look.now)
        if isinstance(outcome, (Missing, Refused)):
            # From now on the correction is what is kept right.
            some = [[item for item in items if (item.id in look.kept.entries) is waits] for waits in (False, True)]
            follow = [(tuple(item.id for item in part), correction(part, speaker)) for part in some if part]
            return await self._note(replace(delivery, reply=new, ref=""), follow, look.now)
        return isinstance(outcome, Gone)

    async def _note(self, delivery: Delivery, follow: Sequence[tuple[tuple[str, ...], Reply]], now: datetime) -> bool:
        """What stands there now; and where it could not be changed, a correction that follows, and another of what waits."""

        async def write(transaction: Transaction) -> bool:
            await outbox.record(self._store, transaction, delivery, was=SENT)
            found = await subscriptions.subscription_of(self._store, transaction, delivery.address)
            if found is not None:
                slot = Slot(now.date(), now)
                made = [one for part in follow for one in outbox.parts_of(found, slot, [part], now, first=0)]
                await outbox.owe(self._store, transaction, made)
            return True

        return await self._store.run(write)


async def _kept(transaction: Transaction, now: datetime) -> Kept | None:
    """What is kept back; None where all is stopped."""
    return None if await panic.since(transaction) is not None else await held.kept(transaction, now)
