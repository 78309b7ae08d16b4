"""A changed data folder: validated as a whole, taken or left as a whole; heads fitted anew beside it, in a child process."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from bot.base import Base, BrokenBase
from bot.findings import errors_of
from bot.logs import Event, fail, log, warn
from bot.loops.stewards import Tell
from bot.search.arrays import Model, OldArrays, load
from bot.search.corpus import label_of

EVERY_SECONDS = 10.0
FIT_SECONDS = 3600.0
MOST_SHOWN = 5
_WATCHED = ("base.yaml", "names.yaml", "grid.yaml", "feeds.yaml", "facts", "dossier", "talk", "texts", "model")


class Reloadable(Protocol):
    """What takes a new base and a new model."""

    @property
    def base(self) -> Base: ...

    @property
    def model(self) -> Model: ...

    def read(self) -> Base: ...

    def take(self, base: Base, model: Model) -> None: ...


class Reloader:
    """Watches one folder. `state` is where fitted heads go, since the data folder may be read-only."""

    def __init__(self, app: Reloadable, state: Path, tell: Tell, every: float = EVERY_SECONDS) -> None:
        self._app, self._state, self._tell, self._every = app, state, tell, every
        self._seen = signature(app.base.folder)
        self._fitting: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """The folder was changed just now: look at once."""
        self._changed.set()

    async def watch_for_ever(self) -> None:
        """Until cancelled."""
        try:
            await self._fit_if_due()
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._every):
                        await self._changed.wait()
                self._changed.clear()
                await self._look()
        finally:
            if self._fitting is not None:
                self._fitting.cancel()
                await asyncio.gather(self._fitting, return_exceptions=True)

    async def _look(self) -> None:
        found = await asyncio.to_thread(signature, self._app.base.folder)
        if found == self._seen:
            return
        self._seen = found
        try:
            base = await asyncio.to_thread(self._app.read)
        except BrokenBase as error:
            errors = errors_of(error.findings)
            warn(Event.NOT_RELOADED, count=len(errors))
            shown = "\n".join(str(finding) for finding in errors[:MOST_SHOWN])
            await self._tell("steward.broken", {"count": str(len(errors)), "findings": shown})
            return
        except Exception as error:  # A file that is being written: the next look finds it whole.
            fail(Event.NOT_RELOADED, exception=error)
            return
        await asyncio.to_thread(self._app.take, base, self._app.model)
        log(Event.RELOADED, count=len(base.facts))
        await self._fit_if_due()

    async def _fit_if_due(self) -> None:
        """Where the model does not know every entry, fit heads that do."""
        if self._fitting is not None and not self._fitting.done():
            self._fitting.cancel()
            await asyncio.gather(self._fitting, return_exceptions=True)
        wanted = {label_of(entry) for entry in self._app.base.corpus.entries()}
        if not wanted <= set(self._app.model.labels):
            self._fitting = asyncio.ensure_future(self._fit())

    async def _fit(self) -> None:
        folder = self._state / "model"
        if not await self._use(folder):
            words = ("-m", "bot", "refit", "--data", str(self._app.base.folder), "--into", str(folder))
            child = await asyncio.create_subprocess_exec(
                sys.executable, *words, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
            )
            try:
                async with asyncio.timeout(FIT_SECONDS):
                    status = await child.wait()
            except (TimeoutError, asyncio.CancelledError):
                child.kill()
                raise
            if status != 0 or not await self._use(folder):
                fail(Event.NOT_RELOADED)

    async def _use(self, folder: Path) -> bool:
        """Take the heads of a folder where they fit this base."""
        try:
            model = await asyncio.to_thread(load, folder)
        except OldArrays:
            return False
        base = self._app.base
        if not {label_of(entry) for entry in base.corpus.entries()} <= set(model.labels):
            return False
        await asyncio.to_thread(self._app.take, base, model)
        log(Event.REFITTED, count=len(model.labels))
        return True


def signature(folder: Path) -> str:
    """A name for the state of a folder: it changes with any file that the bot reads."""
    found = hashlib.sha256()
    for name in _WATCHED:
        path = folder / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            try:
                stat = file.stat()
            except OSError:
                continue
            found.update(f"{file.relative_to(folder)} {stat.st_mtime_ns} {stat.st_size}\n".encode())
    return found.hexdigest()
