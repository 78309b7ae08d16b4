"""A bot on Matrix for tests that stop, kill or rob it: in this process or in one of its own, and what its homeserver knows."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.app import App
from bot.loops.serve import Service
from tests import chaos
from tests.live import QUESTION, app_on_matrix, live
from tests.matrix import Homeserver, Person

SEND = r"/send/m\.room\.(message|encrypted)/"
DEADLINE = 120.0


async def until(true: Callable[[], bool | Awaitable[bool]], what: str, seconds: float = DEADLINE) -> None:
    """Wait until something is so."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                found = true()
                if found if isinstance(found, bool) else await found:
                    return
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise TimeoutError(f"not within {seconds} s: {what}") from None


@dataclass
class Account:
    """The bot's account, and where it keeps its state."""

    hs: Homeserver
    user: str
    password: str
    state: Path

    @classmethod
    async def make(cls, hs: Homeserver, state: Path) -> Account:
        return cls(hs, *await hs.new_user("bot"), state)

    @asynccontextmanager
    async def here(self, app: App, url: str | None = None) -> AsyncIterator[Service]:
        """The bot in this process, ready to be written to."""
        async with live(app_on_matrix(app, url or self.hs.url, self.user, self.password, self.state)) as service:
            yield service

    @asynccontextmanager
    async def apart(self, url: str | None = None, **more: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """The bot in a process of its own."""
        own = {
            "RUECKSPIEGEL_TELEGRAM_TOKEN": "",
            "RUECKSPIEGEL_MATRIX_HOMESERVER": url or self.hs.url,
            "RUECKSPIEGEL_MATRIX_USER": self.user,
            "RUECKSPIEGEL_MATRIX_PASSWORD": self.password,
        }
        self.state.parent.mkdir(parents=True, exist_ok=True)
        async with chaos.bot("http://127.0.0.1:9", self.state, **{**own, **more}) as process:
            yield process

    async def signed(self) -> bool:
        """Whether the homeserver shows a device that the account itself has signed."""
        found = await self.hs.keys(self.user)
        key = found.get("self_signing_keys", {}).get(self.user, {}).get("keys")
        devices = found["device_keys"].get(self.user, {}).values()
        return bool(key and devices) and all(next(iter(key)) in device["signatures"][self.user] for device in devices)

    async def ready(self) -> None:
        await until(self.signed, "the bot's keys at the homeserver")

    def devices(self) -> list[str]:
        """All devices of the account, those without keys included."""
        found = self._database("SELECT device_id FROM devices WHERE user_id = ? AND NOT hidden", self.user)
        return [str(row[0]) for row in found]

    async def master(self) -> str:
        found: dict[str, Any] = (await self.hs.keys(self.user))["master_keys"][self.user]["keys"]
        return str(next(iter(found)))

    def _database(self, query: str, *values: str) -> list[Any]:
        connection = sqlite3.connect(f"file:{self.hs.database}?mode=ro", uri=True)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()


async def meet(person: Person, bot: str, encrypted: bool = True) -> str:
    """A direct chat that the bot has entered."""
    room = await person.direct(bot, encrypted)
    await person.wait_member(room, bot, timeout=DEADLINE)
    return room


async def ask(person: Person, room: str, n: int = 1, text: str = QUESTION) -> str:
    """Ask, and get an answer that can be read; its body."""
    await person.say(room, text)
    return (await person.wait_message(room, n, timeout=DEADLINE))[n - 1].body


async def said_by(person: Person, room: str, sender: str) -> list[dict[str, Any]]:
    """All events of somebody in a room that are messages, as the homeserver keeps them."""
    found = await person.call("GET", f"/rooms/{room}/messages?dir=b&limit=1000")
    kinds = ("m.room.message", "m.room.encrypted")
    return [event for event in found["chunk"] if event["type"] in kinds and event["sender"] == sender]
