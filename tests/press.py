"""A newsroom whose base reaches channels: what stewards say there, and what then stands in posts."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

from bot.app import App
from bot.digests import Schedule, Subscription
from bot.intake.history import begin
from bot.loops.correct import Corrector
from bot.messages import Reply, parse_address
from bot.store import subscriptions
from tests.ledger_world import HOME, START, Platform, World
from tests.newsroom import Newsroom, empty_folder

CHANNEL = "telegram:-1"
SLOT = START.replace(hour=17)


class Press:
    """`say` is what a steward says, `correct` a look over what was posted some minutes later."""

    def __init__(self, app: App, world: World, folder: Path, *, two: bool = False) -> None:
        (empty_folder(folder) / "README").write_text("ours")
        begin(folder, "Begin", START)
        self.world, self.room = world, Newsroom(app, world.store, folder, two=two)
        self.corrector = Corrector(world.store, world.platforms, lambda: world.base, "en")  # type: ignore[arg-type]

    @property
    def channel(self) -> Platform:
        return self.world.platforms["telegram"]

    async def say(self, text: str, steward: str = "anna") -> Reply:
        """In the room, at the world's hour."""
        self.room.now = self.world.now
        said = await self.room.say(text, steward)
        self.world.base = self.room.base
        return said

    async def subscribe(self, *addresses: str) -> None:
        """Daily at 18:00 in Berlin; what is published from now on is owed."""
        for address in addresses:
            one = Subscription("", parse_address(address), Schedule("daily", time(18), HOME), "en")
            await self.world.store.run(lambda t, one=one: subscriptions.subscribe(self.world.store, t, one, START, ()))  # type: ignore[misc]

    async def post(self) -> None:
        """The digest of today."""
        self.world.now = SLOT
        await self.world.planner.tick(self.world.now)
        await self.world.deliver()

    async def correct(self, minutes: float) -> list[str]:
        """What posts were changed to, so much later."""
        self.world.now += timedelta(minutes=minutes)
        before = len(self.channel.edits)
        await self.corrector.tick(self.world.now)
        await self.world.deliver()
        return [text for _, text in self.channel.edits[before:]]
