"""One of several bot accounts, as long as this process serves it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

from bot.app import App
from bot.config import Settings
from bot.loops.serve import Service
from bot.running import LONGEST_END


@dataclass(eq=False)
class Seat:
    """Its task is done when it has ended."""

    app: App
    task: asyncio.Task[None]
    ending: bool = False
    _lost: bool = False
    _service: Service | None = None

    def begin(self, service: Service) -> None:
        """This is what serves it."""
        self._service = service
        if self.ending:
            self.stop(lost=self._lost)

    def stop(self, *, lost: bool) -> None:
        """Begin its orderly end. Where its lease is `lost` somebody else may serve it already, so the end must come soon."""
        if lost and not self._lost and not self.task.done():
            deadline = asyncio.get_running_loop().call_later(LONGEST_END, os._exit, 1)
            self.task.add_done_callback(lambda _: deadline.cancel())
        self.ending, self._lost = True, self._lost or lost
        if self._service is not None:
            self._service.lost = self._lost
            self._service.stop()


def leased(settings: Settings) -> tuple[str, ...]:
    """What one process at a time may hold of an account: its name, since work goes by it, and what it is on each platform."""
    return (f"account:{settings.name}", *settings.identities.values())
