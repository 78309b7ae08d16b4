"""How much one steward does in an hour: a stolen account is to be noticed before the whole base is changed."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.curating.bundles import MOST_TOGETHER, Refused
from bot.store import Transaction, reviews

HOUR = timedelta(hours=1)
MOST_AN_HOUR = MOST_TOGETHER
"""Publications, withdrawals, drafts put aside, items dropped and released, all together. To hold back is never too much."""


async def allow(transaction: Transaction, steward: str, now: datetime, times: int = 1) -> None:
    """:raises Refused: where a steward would have done more than may be within the hour."""
    if await reviews.done_since(transaction, steward, now - HOUR) + times > MOST_AN_HOUR:
        raise Refused("publish.too-many", most=str(MOST_AN_HOUR))


async def count(transaction: Transaction, steward: str, now: datetime, times: int = 1) -> None:
    """Note what a steward does.

    :raises Refused: where that is too much.
    """
    await allow(transaction, steward, now, times)
    await reviews.note(transaction, steward, times, now)
