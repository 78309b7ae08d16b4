"""Whether a look is worth it. Most of the time nothing happens, and looks that find nothing are most of what rest costs."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.store import Store

LONGEST = timedelta(minutes=1)
"""After which a look is worth it in any case, for what changes with time alone and is not asked for to the second."""


class News:
    """Of one kind of look: none where the last one found nothing, and since then nobody wrote and no time came."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asked: tuple[object, object] = None, None
        self._quiet: tuple[object, object, datetime, datetime] | None = None

    async def came(self, now: datetime, beside: object = None) -> bool:
        """Ask before each look; what it looks at `beside` the database must be the very same as the last time.

        :raises Exception: of the database's driver, where it does not answer.
        """
        self._asked = await self._store.version(), beside
        if self._quiet is not None:
            version, thing, since, until = self._quiet
            if (version, thing is beside) == (self._asked[0], True) and since <= now < until:
                return False
        self._quiet = None
        return True

    def none(self, now: datetime, until: datetime | None = None) -> None:
        """The look found nothing to do, and will not before `until`, if nobody writes."""
        latest = now + LONGEST
        # Asked before the look: what was written during it is news.
        self._quiet = *self._asked, now, latest if until is None else min(until, latest)
