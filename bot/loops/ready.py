"""Whether a part may go out at this moment, and as what: much may have happened since it was planned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.base import Base
from bot.composing import corrected, for_channels, outdated
from bot.deliveries import SENDING, UNKNOWN, Delivery, expired, stopped
from bot.digests import Subscription, is_out
from bot.speaker import Speaker
from bot.store.held import Kept

WAITS = timedelta(minutes=5)
"""Between two looks at a correction that is kept back."""


@dataclass(frozen=True)
class Ready:
    """`base` is today's, `zone` where the bot is at home, `fallback` the language where a channel's has nothing."""

    base: Callable[[], Base]
    zone: str
    fallback: str

    def looked_over(self, part: Delivery, one: Subscription | None, kept: Kept, now: datetime) -> Delivery:
        """The part as `sending` where it may go; else as it is now: later in quiet hours, or stopped."""
        if one is None or one.paused:
            return stopped(part, "paused", now)
        if one.wakes(now) > now:
            return replace(part, due=one.wakes(now))
        if expired(part, now):
            return replace(part, state=UNKNOWN, due=now)
        if part.part == 0 and kept.entries & set(part.items):
            return replace(part, due=now + WAITS)  # Nobody would write it anew.
        base = for_channels(self.base(), kept.entries, kept.reasons)
        today = now.astimezone(ZoneInfo(self.zone)).date()
        items = [base.items[id] for id in part.items if id in base.items]
        if part.part:
            items = [item for item in items if item.id not in kept.entries and is_out(item, today)]
        fewer = len(items) < len(part.items)
        if not items or (fewer and part.first):
            # What may be there already under this transaction id cannot become another text.
            return stopped(part, "stopped", now)
        speaker = Speaker(base, part.language, self.fallback, private=False)
        if part.first is None and (fewer or outdated(items, part.reply, speaker)):
            part = replace(part, items=tuple(item.id for item in items), reply=corrected(items, part.reply, speaker))
        return replace(part, state=SENDING)
