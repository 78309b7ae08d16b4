"""A union's own folder, two stewards, and the bot between them, without any platform."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from bot.app import App
from bot.base import Base, load_base
from bot.curating.curation import Curation
from bot.desk import Desk
from bot.intake.found import NotTaken, Publication
from bot.memory import Memory
from bot.messages import Address, Message, Reply, Role
from bot.search.matcher import Matcher
from bot.store import Store
from handlers import router

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
ROOM = Address("telegram", "-100555")
ARTICLE = Publication(
    title="Kameras am Fließband in Leipzig",
    date=date(2026, 11, 20),
    author="Rosa Beispiel",
    outlet="Stadtzeitung",
    url="https://stadtzeitung.example/kameras",
    language="de",
    country=("DE",),
    passage="In Leipzig sollen am Fließband seit Oktober Kameras hängen.",
)


def empty_folder(folder: Path) -> Path:
    """A data folder with nothing in it yet."""
    for part in ("dossier", "facts"):
        (folder / part).mkdir(parents=True)
    return folder


def commits(folder: Path) -> list[str]:
    """Author and subject of every commit, newest first."""
    said = subprocess.run(["git", "log", "--format=%an: %s"], cwd=folder, capture_output=True, text=True, check=True)
    return said.stdout.splitlines()


@dataclass
class Newsroom:
    """`say` is what a steward says in the stewards' room, and what the bot says to it."""

    app: App
    store: Store
    folder: Path
    two: bool = False
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.reread()
        self.curation = Curation(self.folder, self.store, lambda: self.base, self.reread, self.two, self._article)

    def reread(self) -> None:
        self.base: Base = load_base(self.folder, TODAY)[0]

    async def _article(self, url: str) -> Publication:
        if url != ARTICLE.url:
            raise NotTaken(f"{url} is not there (404)", "check the address")
        return ARTICLE

    async def say(self, text: str, steward: str = "anna", role: Role = Role.STEWARD) -> Reply:
        async def role_of(_: Message) -> Role:
            return role

        said = await router.route(Message("1", ROOM, text, "en", is_private=False, steward=steward), self.desk(), role_of)
        assert isinstance(said, Reply)
        return said

    def desk(self) -> Desk:
        """From today's base, with nothing remembered."""
        matcher = Matcher(self.base.corpus, self.app.model, self.app.encoder)
        desk = replace(self.app, base=self.base, memory=Memory(), store=self.store, curation=self.curation).desk(self.now)
        return replace(desk, matcher=matcher, language="en")
