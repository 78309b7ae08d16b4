"""Is there room on the disk? While there is hardly any, nothing is claimed or planned; answers go on."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.logs import Event, warn
from bot.loops.stewards import Tell

EVERY_SECONDS = 10.0
LEAST_FREE = 64 * 2**20
"""Bytes below which what became of a digest might no longer be written down."""


def free_bytes(folder: Path) -> int:
    """What an ordinary user may still write there."""
    return shutil.disk_usage(folder).free


class Disk:
    """`may` publish while every one of the folders has room. Both ends of a shortage are told once."""

    def __init__(self, folders: Sequence[Path], tell: Tell, free: Callable[[Path], int] = free_bytes) -> None:
        self._folders, self._tell, self._free = folders, tell, free
        self.full = False

    def may(self) -> bool:
        return not self.full

    async def watch_for_ever(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """A folder that cannot be asked counts as full: nothing can be written there either."""
        room = await asyncio.to_thread(self._room)
        full = room < LEAST_FREE
        if full != self.full:
            self.full = full
            if full:
                warn(Event.DISK_FULL)
            await self._tell("steward.disk" if full else "steward.disk-well", {"megabytes": str(room // 2**20)})

    def _room(self) -> int:
        try:
            return min(self._free(folder) for folder in self._folders)
        except OSError:
            return 0
