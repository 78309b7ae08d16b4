"""What is withdrawn: out of the folder with its drafts, and what posts may say of it when."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from bot.curating import limit
from bot.curating.bundles import Withdrawn
from bot.intake.drafts import Draft
from bot.intake.shelf import Shelf
from bot.store import Store, Transaction, reviews


def take_back(shelf: Shelf, id: str, drafts: Sequence[Draft], item: tuple[date, Mapping[str, str]] | None) -> None:
    """What is published goes, with the drafts that would say it again; of an item the day and the reason.

    :raises KeyError: where nothing of that id is published.
    """
    if item is None:
        shelf.remove(id)
    else:
        shelf.withdraw(id, *item)
    for draft in drafts:
        shelf.decline(draft)


async def note(
    store: Store,
    transaction: Transaction,
    id: str,
    reason: Mapping[str, str] | None,
    steward: str,
    now: datetime,
    hold: timedelta | None,
    aside: tuple[str, ...],
) -> Withdrawn:
    """Count it, and see what posts say: of an item its reason after `hold`, or where that is None once another steward said it.

    :raises Refused: where it was too much within the hour.
    """
    await limit.count(transaction, steward, now)
    await reviews.close(transaction, [one for one in aside if one != id])
    if reason is None:
        return Withdrawn(True, aside=aside)
    if hold is not None:
        await reviews.withhold_reason(store, transaction, id, now, hold)
        return Withdrawn(True, hold, aside)
    mark = hashlib.sha256(f"withdraw {id} {sorted(reason.items())}".encode()).hexdigest()
    if await reviews.approved_by(transaction, id, mark) - {steward}:
        await reviews.close(transaction, [id])
        return Withdrawn(True, aside=aside)
    await reviews.approve(store, transaction, id, mark, steward)
    return Withdrawn(False, aside=aside)
