"""The composition root: settings to a base, a model, a matcher and a desk. The only place that asks for the time."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.accounts import accounts_of
from bot.backups import Backups
from bot.base import Base, load_base, shipped_folder
from bot.config import Settings
from bot.curating.curation import Curation
from bot.desk import Desk
from bot.environment import MAIN, broken
from bot.findings import Finding
from bot.keys import Keys
from bot.memory import Memory
from bot.search.arrays import ARRAYS, Model, OldArrays, load
from bot.search.encoder import Encoder, load_encoder
from bot.search.large import LARGE_FROM, LargeMatcher, load_index
from bot.search.matcher import Matcher
from bot.store import Store, open_store


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """Today where the process runs."""
    return datetime.now().astimezone().date()


@dataclass
class App:
    """Everything of one process, made from its settings."""

    settings: Settings
    base: Base
    findings: tuple[Finding, ...]
    model: Model
    memory: Memory
    fingerprints: dict[str, str] = field(default_factory=dict)
    store: Store | None = None
    curation: Curation | None = None
    _beside: list[App] = field(default_factory=list, init=False, repr=False)

    @cached_property
    def executor(self) -> Executor:
        """One thread for the search: a second would only take turns with it."""
        return ThreadPoolExecutor(1, "search")

    @cached_property
    def encoder(self) -> Encoder | None:
        return load_encoder()

    @cached_property
    def matcher(self) -> Matcher:
        return self._matcher(self.base, self.model)

    def warm_up(self) -> None:
        """Load what the first question would wait for."""
        _ = self.matcher
        _settle()

    def read(self) -> Base:
        """The base as the folder has it now.

        :raises BrokenBase: where the folder has mistakes.
        """
        return load_base(self.base.folder, today())[0]

    def take(self, base: Base, model: Model) -> None:
        """From the next message on: another base, with a model that may be older than it."""
        matcher = self._matcher(base, model)
        for app in (self, *self._beside):
            app.base, app.model, app.__dict__["matcher"] = base, model, matcher
        _settle()

    def beside(self, settings: Settings) -> App:
        """The app of another account of this process: the same base and search, everything else its own."""
        app = App(settings, self.base, self.findings, self.model, Memory())
        app.__dict__.update(executor=self.executor, encoder=self.encoder, matcher=self.matcher)
        self._beside.append(app)
        return app

    def leave(self, app: App) -> None:
        """An app from `beside` is no longer used."""
        self._beside = [other for other in self._beside if other is not app]

    def _matcher(self, base: Base, model: Model) -> Matcher:
        corpus = base.corpus
        if len(corpus.facts) >= LARGE_FROM and self.encoder is not None:
            index, line = load_index(base.folder / "model", corpus)
            return LargeMatcher(corpus, model, self.encoder, index, line)
        return Matcher(corpus, model, self.encoder)

    def desk(self, moment: datetime) -> Desk:
        """The desk for a message of this moment."""
        return Desk(
            self.base,
            self.matcher,
            self.memory,
            moment,
            self.settings.language,
            self.settings.contact,
            self.executor,
            self.settings.steward_room is not None,
            ZoneInfo(self.settings.timezone),
            store=self.store,
            fingerprints=self.fingerprints,
            curation=self.curation,
        )


def open_app(settings: Settings) -> App:
    """The app of a data folder.

    :raises BrokenBase: where the folder has mistakes.
    :raises OldArrays: where neither the folder nor the product has a model that can be read.
    :raises BrokenSettings: where the language of an account has no phrases.
    """
    with _uncollected():
        base, findings = load_base(settings.data or shipped_folder(), today())
        model, doubts = load_model(base.folder)
    check_languages(settings, base)
    return App(settings, base, (*findings, *doubts), model, Memory())


def check_languages(settings: Settings, base: Base) -> None:
    """Whether the bot can speak as each account wants it.

    :raises BrokenSettings: where it cannot.
    """
    spoken = base.texts.phrases
    for account in accounts_of(settings):
        if account.language not in spoken:
            whose = "" if account.name == MAIN else f"{account.name}: "
            remedy = f"write one of {', '.join(sorted(spoken))}"
            raise broken("LANGUAGE", f"{whose}nothing is written in {account.language!r}; {remedy}")


def _settle() -> None:
    """What lives now stays, and is not looked through again for what nobody needs: that would hold up answers."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    with suppress(OSError, AttributeError):  # Other C libraries than glibc give back by themselves, or never.
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def _uncollected() -> Iterator[None]:
    """A growing base would be looked through again and again, and all of it stays."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def open_database(settings: Settings, keys: Keys) -> AbstractAsyncContextManager[Store]:
    """The database of the settings; where it must be migrated it is backed up first.

    :raises BrokenStore: where it cannot be opened.
    """
    return open_store(settings.database_url, keys, backups_of(settings))


def backups_of(settings: Settings) -> Backups:
    """The backups that are made without being asked for."""
    return Backups(settings.state / "backups", settings.backup_to, settings.backup_days)


def load_model(folder: Path) -> tuple[Model, tuple[Finding, ...]]:
    """The folder's model; where it has none that can be read, the shipped one, and a warning."""
    try:
        return load(folder / "model"), ()
    except OldArrays as error:
        if folder == shipped_folder():
            raise
        doubt = Finding(f"model/{ARRAYS}", 1, "", str(error), "run `rueckspiegel train`", "warning")
        return load(shipped_folder() / "model"), (doubt,)
