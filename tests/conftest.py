"""What tests share: the shipped base opened once, and a chat on it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from bot.app import App, open_app
from bot.base import shipped_folder
from bot.config import Settings
from bot.memory import Memory
from bot.messages import Address, Message, Reply, Role
from handlers import router
from tests import audit, postgres
from tests.bot_api import BotApi
from tests.live import app_on_matrix, live
from tests.matrix import Homeserver, Person, Proxy
from tests.matrix_runs import Account

audit.listen()
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TODAY = NOW.date()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """No test may reach beyond this machine."""
    if outside := audit.outside(audit.seen):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print(f"\nconnected or looked up outside: {outside}")


LONG = ("promises/", "_live", "_kill", "test_matrix", "test_federation", "test_curating", "test_digests")
"""In the names of files that take long: begun first, so that no process is left alone with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; within a file as it is written."""
    items.sort(key=lambda item: not any(part in item.nodeid.partition("::")[0] for part in LONG))


@pytest.fixture(scope="session")
def app() -> App:
    """The shipped base with its shipped model."""
    return open_app(Settings())


class Chat:
    """One chat with the bot; its clock moves when told to."""

    def __init__(self, app: App, role: Role = Role.ANYONE) -> None:
        self.app, self.role, self.now = replace(app, memory=Memory()), role, NOW
        self.app.__dict__["matcher"] = app.matcher
        self.replies: list[Reply] = []

    async def say(self, text: str, *, about: str | None = None) -> Reply:
        message = Message("m1", Address("test", "1"), text, about=about)

        async def role_of(_: Message) -> Role:
            return self.role

        reply = await router.route(message, self.app.desk(self.now), role_of)
        assert reply is not None
        self.replies.append(reply)
        return reply

    async def tap(self, number: int) -> Reply:
        return await self.say(self.replies[-1].buttons[number - 1].says)

    def wait(self, time: timedelta) -> None:
        self.now += time


@pytest.fixture
def chat(app: App) -> Chat:
    return Chat(app)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped data folder, without questions and model, to break."""
    copy = tmp_path / "data"
    shutil.copytree(shipped_folder(), copy, ignore=shutil.ignore_patterns("model", "questions"))
    return copy


@pytest.fixture
def bare(folder: Path) -> Path:
    """The same without facts and items: a valid base that is read at once."""
    for part in ("facts", "dossier"):
        for file in (folder / part).iterdir():
            file.unlink()
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    with postgres.running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each engine."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/test.db"
    server: postgres.Postgres = request.getfixturevalue("postgres_server")
    return server.database()


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """A Bot API server; every call that a test made must have been valid."""
    async with BotApi(token="123456:TEST") as server:
        yield server
        assert server.violations == []
        assert server.previews == []


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def hs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Homeserver]:
    """A real Synapse for all tests of a session."""
    async with Homeserver.start(tmp_path_factory.mktemp("synapse")) as homeserver:
        yield homeserver


@pytest.fixture
async def proxy(hs: Homeserver) -> AsyncIterator[Proxy]:
    async with Proxy(hs.url) as proxy:
        yield proxy


@pytest.fixture
async def bot(hs: Homeserver, tmp_path: Path) -> Account:
    return await Account.make(hs, tmp_path / "state")


@pytest.fixture
async def anna(hs: Homeserver, tmp_path: Path) -> AsyncIterator[Person]:
    """A worker with a client of her own."""
    person = await Person.join(hs, "Anna", tmp_path / "anna")
    yield person
    await person.close()


@pytest.fixture
async def ben(hs: Homeserver, tmp_path: Path) -> AsyncIterator[Person]:
    """Another one."""
    person = await Person.join(hs, "Ben", tmp_path / "ben")
    yield person
    await person.close()


@pytest.fixture
async def matrix_bot(hs: Homeserver, app: App, tmp_path: Path) -> AsyncIterator[str]:
    """The bot, running in this process; its user id."""
    user, password = await hs.new_user("bot")
    async with live(app_on_matrix(app, hs.url, user, password, tmp_path / "state")):
        yield user


@dataclass
class Clock:
    """The bot's clock, moved by the test."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock(datetime(2026, 11, 24, 12, 0, tzinfo=UTC))
    for module in ("bot.running", "bot.publishing"):
        monkeypatch.setattr(f"{module}.now", made)
    monkeypatch.setattr("bot.publishing.TICK_SECONDS", 0.2)
    # The platform's clock is not moved with ours, and would rightly hold publishing.
    monkeypatch.setattr("bot.publishing._urls", lambda app: [])
    return made
