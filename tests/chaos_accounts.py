"""Six accounts on three processes, which are killed one after the other, and the database server once.

Meanwhile channels are owed digests and people ask. `make chaos` runs the long form.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from bot.messages import Address
from tests import postgres
from tests.bot_api import BotApi
from tests.chaos import ROOT
from tests.chaos_digests import FIRST, Ledger, count, data_of, ids_of, store_at, subscribe, to_the_end
from tests.live import CONTACT
from tests.postgres import Postgres

PROCESSES = 3
UPDATES_AT_ONCE = 32


@dataclass
class Found:
    """What became of digests and of questions; `again` are the seconds until each account answered after a kill."""

    digests: Ledger
    asked: int
    unanswered: int
    answered_twice: int
    served: dict[str, list[float]] = field(default_factory=dict)

    def __str__(self) -> str:
        times = "; ".join(
            f"served again after {what}: {', '.join(f'{seconds:.1f}' for seconds in found)} s"
            for what, found in self.served.items()
        )
        questions = f"{self.asked} questions, {self.unanswered} lost, {self.answered_twice} repeated"
        return f"{self.digests}; {questions}; {times}"


class People:
    """Those who ask an account: one after the other, each once."""

    def __init__(self, apis: Sequence[BotApi]) -> None:
        self._apis, self._next = apis, 1
        self.asked: list[tuple[BotApi, int]] = []

    def ask(self, api: BotApi) -> int:
        """Somebody new asks; who."""
        id, self._next = self._next, self._next + 1
        api.say(api.user(id, "Ana", "en"), "hello")
        self.asked.append((api, id))
        return id

    async def until_answered(self, api: BotApi, id: int) -> None:
        """Wait for it."""
        async with asyncio.timeout(90):
            while not api.sent_to(id):
                await asyncio.sleep(0.05)

    async def ask_on(self, dice: random.Random) -> None:
        """Until cancelled."""
        while True:
            self.ask(dice.choice(self._apis))
            await asyncio.sleep(0.3)

    async def ask_all(self) -> list[float]:
        """Somebody asks each account now; the seconds until each answered."""
        began = time.monotonic()

        async def one(api: BotApi) -> float:
            await self.until_answered(api, self.ask(api))
            return time.monotonic() - began

        return await asyncio.gather(*map(one, self._apis))


async def run(
    folder: Path, server: Postgres, *, accounts: int = 6, channels: int = 2, items: int = 13, kills: int = 3, seed: int = 1
) -> Found:
    """Kill one process after the other, then the server; a second slot in peace heals what was uncertain."""
    dice = random.Random(seed)
    data, url = data_of(folder / "data", items), server.database()
    chats = [Address("telegram", str(FIRST - number)) for number in range(channels)]
    async with AsyncExitStack() as stack:
        apis = [await stack.enter_async_context(BotApi(f"{1001 + n}:TEST", seed=seed + n)) for n in range(accounts)]
        for number, api in enumerate(apis):
            for chat in chats:
                api.channel(id=int(chat.chat), title="Union news", admins=[])
            async with store_at(url, folder / "state") as store:
                await subscribe(store.of(f"union-{number}"), chats)
        environment = settings_of(folder, apis, data, url)
        people, served = People(apis), dict[str, list[float]]()
        async with _processes(environment, folder) as running:
            served["start"] = await people.ask_all()
            asking = asyncio.create_task(people.ask_on(dice))
            for kill in range(kills):
                for place in range(PROCESSES):
                    await running.serves(place)
                await asyncio.sleep(dice.uniform(0.5, 2))
                await running.kill(kill % PROCESSES)
                served[f"kill {kill + 1}"] = await people.ask_all()
                await running.start(kill % PROCESSES)
            for place in range(PROCESSES):
                await running.serves(place)
            server.kill()
            await asyncio.sleep(dice.uniform(0.2, 1.5))
            await asyncio.to_thread(server.start_again)
            served["the server's kill"] = await people.ask_all()
            asking.cancel()
            await asyncio.gather(*(people.until_answered(*one) for one in people.asked))
        for shift, digests in ((0, 1), (24 * 3600, 2)):
            async with (
                _processes(environment | {"TEST_SHIFT": str(shift)}, folder) as running,
                store_at(url, folder / "state") as store,
            ):
                await to_the_end(running.alive[0], store, digests * channels * accounts)
        texts = [[str(m["text"]) for m in api.sent_to(int(chat.chat))] for api in apis for chat in chats]
    answers = Counter({one: len(one[0].sent_to(one[1])) for one in people.asked})
    lost = sum(number == 0 for number in answers.values())
    return Found(
        count(texts, ids_of(data), kills + 1),
        len(answers),
        lost,
        sum(max(0, number - 1) for number in answers.values()),
        served,
    )


class Processes:
    """`tests.timeshift`, several times on the same settings."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self._environment, self._folder = environment, folder
        self.alive: list[asyncio.subprocess.Process] = []
        self._logs: list[Path] = []

    async def start(self, place: int) -> None:
        """Start one, or start one again."""
        path = self._folder / f"log-{place}-{time.monotonic_ns()}"
        with path.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.timeshift", cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        self.alive[place : place + 1], self._logs[place : place + 1] = [process], [path]

    async def serves(self, place: int, accounts: int = 1) -> None:
        """Wait until it serves so many accounts, so that a kill hits something."""
        async with asyncio.timeout(120):
            while self._logs[place].read_text(encoding="utf-8").count(" listening") < accounts:
                await asyncio.sleep(0.05)

    async def kill(self, place: int) -> None:
        """As if its machine were gone."""
        self.alive[place].kill()
        await self.alive[place].wait()


@asynccontextmanager
async def _processes(environment: dict[str, str], folder: Path) -> AsyncIterator[Processes]:
    made = Processes(environment, folder)
    try:
        for place in range(PROCESSES):
            await made.start(place)
        yield made
        for process in made.alive:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        ends = {await asyncio.wait_for(process.wait(), 25) for process in made.alive}
        assert ends <= {0, -signal.SIGTERM}, "one was told to end and failed; before it was up the signal itself ends it"
    finally:
        for process in made.alive:
            if process.returncode is None:
                process.kill()
                await process.wait()


def settings_of(folder: Path, apis: Sequence[BotApi], data: Path, url: str) -> dict[str, str]:
    """An environment with a file of accounts, one on each server."""
    told = {
        f"union-{number}": {"telegram_token": api.token, "telegram_api_url": api.url, "contact": CONTACT, "language": "en"}
        for number, api in enumerate(apis)
    }
    (folder / "accounts.yaml").write_text(yaml.safe_dump(told, sort_keys=False), encoding="utf-8")
    shared = {"ACCOUNTS": folder / "accounts.yaml", "DATABASE": url, "DATA": data, "STATE": folder / "state"}
    return {**os.environ, "TEST_SHIFT": "0", **{f"RUECKSPIEGEL_{name}": str(value) for name, value in shared.items()}}


def main() -> int:
    """The long form; 1 where a promise was broken."""
    with postgres.running() as server, tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(run(Path(folder), server, channels=3, kills=9))
    print(f"Six accounts on three processes: {found}")
    broken = found.digests.lost or found.digests.doubled or found.unanswered
    return 1 if broken or found.answered_twice > UPDATES_AT_ONCE * found.digests.kills else 0


if __name__ == "__main__":
    sys.exit(main())
