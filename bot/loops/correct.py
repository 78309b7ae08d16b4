"""What changed in the dossier after it was posted is put right where it was posted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.base import Base
from bot.composing import corrected, correction, outdated
from bot.deliveries import SENT, Delivery, Gone, Missing, Refused, Sent
from bot.digests import Slot
from bot.messages import Reply
from bot.speaker import Speaker
from bot.store import Store, Transaction, ledger, outbox, panic, subscriptions
from bot.transports import Transport

LOOKS_BACK = timedelta(days=60)
OVERLAP = timedelta(seconds=30)
"""What was sent so long before the last look may not have been written down by then."""
AT_ONCE = timedelta(days=1)
"""Of so much is read at once, so that answers do not wait for it."""
Posted = tuple[tuple[str, ...], str, Reply]
"""Items, language and text, which many channels have in common."""


class Corrector:
    """Looks at all that was posted where the base is new, else at what was posted since its last look."""

    def __init__(self, store: Store, transports: Mapping[str, Transport], base: Callable[[], Base], fallback: str) -> None:
        self._store, self._transports, self._base, self._fallback = store, transports, base, fallback
        self._done: tuple[Base, datetime] | None = None

    async def tick(self, now: datetime) -> None:
        """Edit what is outdated; what could not be reached is tried again at the next tick."""
        if await self._store.run(panic.since) is not None:
            return
        base = self._base()
        since = self._done[1] - OVERLAP if self._done is not None and self._done[0] is base else now - LOOKS_BACK
        settled, same = True, dict[Posted, bool]()
        while since <= now:
            until = since + AT_ONCE
            posted = await self._store.run(lambda t, a=since, b=until: ledger.sent_between(self._store, t, a, b))  # type: ignore[misc]
            for delivery in posted:
                settled = await self._one(delivery, base, same, now) and settled
            since = until
        self._done = (base, now) if settled else None

    async def _one(self, delivery: Delivery, base: Base, same: dict[Posted, bool], now: datetime) -> bool:
        items = [base.items[id] for id in delivery.items if id in base.items]
        speaker = Speaker(base, delivery.language, self._fallback, private=False)
        transport = self._transports.get(delivery.address.platform)
        if not items or transport is None:
            return True
        posted = delivery.items, delivery.language, delivery.reply
        if posted not in same:
            same[posted] = not outdated(items, delivery.reply, speaker)
        if same[posted]:
            return True
        new = corrected(items, delivery.reply, speaker)
        key = f"{delivery.id}/{hashlib.sha256(new.text.encode()).hexdigest()[:16]}"
        outcome = await transport.edit(delivery.address, delivery.ref, new, key)
        if isinstance(outcome, Sent):
            return await self._note(replace(delivery, reply=new), None, now)
        if isinstance(outcome, (Missing, Refused)):
            # From now on the correction is what is kept right.
            return await self._note(replace(delivery, reply=new, ref=""), correction(items, speaker), now)
        return isinstance(outcome, Gone)

    async def _note(self, delivery: Delivery, follow: Reply | None, now: datetime) -> bool:
        """What stands there now; and where it could not be changed, a correction that follows."""

        async def write(transaction: Transaction) -> bool:
            await outbox.record(self._store, transaction, delivery, was=SENT)
            found = await subscriptions.subscription_of(self._store, transaction, delivery.address)
            if follow is not None and found is not None:
                parts = [(delivery.items, follow)]
                await outbox.owe(self._store, transaction, outbox.parts_of(found, Slot(now.date(), now), parts, now, first=0))
            return True

        return await self._store.run(write)
