"""The bot in a process of its own, killed and starved, against a Bot API server in another. `make chaos` runs the long form."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bot_api.faults import ApiError, Fault
from tests.bot_api.process import RemoteBotApi
from tests.live import CONTACT

ROOT = Path(__file__).parent.parent
AT_ONCE = 32
"""More updates than this are never between the call and the record of it."""
LONGEST_WAIT = 2000.0
"""Milliseconds within which 99 of 100 are answered, whatever another one does."""
SHARE = 0.13 / 6
FAULTS = (
    Fault("sendMessage", error=ApiError(429, "Too Many Requests: retry after 1", retry_after=1), chance=SHARE, times=None),
    Fault("sendMessage", before="reset", chance=SHARE, times=None),
    Fault("sendMessage", after="reset", chance=SHARE, times=None),
    Fault("sendMessage", before="502", chance=SHARE, times=None),
    Fault("sendMessage", after="502", chance=SHARE, times=None),
    Fault("sendMessage", before="hang", chance=SHARE, times=None),
)


@dataclass(frozen=True)
class Result:
    """What became of the questions of so many people: `lost` and `repeated` answers over `kills`."""

    asked: int
    lost: int
    repeated: int
    kills: int


def environment(url: str, state: Path, **more: str) -> dict[str, str]:
    """The settings of a bot on a Bot API server."""
    own = {
        "RUECKSPIEGEL_TELEGRAM_TOKEN": "123456:TEST",
        "RUECKSPIEGEL_TELEGRAM_API_URL": url,
        "RUECKSPIEGEL_STATE": str(state),
        "RUECKSPIEGEL_CONTACT": CONTACT,
        "RUECKSPIEGEL_LANGUAGE": "en",
    }
    return {**os.environ, **own, **more}


@asynccontextmanager
async def bot(url: str, state: Path, module: str = "bot", **more: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m bot run`, killed at the end if it still lives."""
    words = [sys.executable, "-m", module] + (["run"] if module == "bot" else [])
    log = (state.parent / "log").open("ab")
    process = await asyncio.create_subprocess_exec(
        *words, cwd=ROOT, env=environment(url, state, **more), stdout=log, stderr=log
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        log.close()


async def killed(state: Path, *, people: int, kills: int, seed: int) -> Result:
    """Everybody asks at once; the bot is killed with -9 again and again while it answers, and started again."""
    dice = random.Random(seed)
    async with RemoteBotApi(seed=seed) as api:
        # What was sent when the bot dies takes effect all the same, unknown to the bot: the longer it takes, the more.
        await api.set_latency(0.02)
        for id in range(1, people + 1):
            await api.user(id, "Ana", "en")
        for id in range(1, people + 1):
            await api.say(id, "hello")
        done = 0
        for kill in range(kills):
            async with bot(api.url, state) as process:
                share = people * (kill + 1) // (kills + 1)
                await api.wait_sent(min(people, max(done + 1, share)), 60)
                await asyncio.sleep(dice.uniform(0, 0.08))
                process.send_signal(signal.SIGKILL)
                await process.wait()
            done = len(await api.sent())
        async with bot(api.url, state) as process:
            await api.wait_drained(120)
            process.terminate()
            assert await asyncio.wait_for(process.wait(), 20) == 0
        assert await api.violations() == []
        return _result(people, kills, await api.sent())


async def faulty(state: Path, *, people: int, seed: int) -> Result:
    """Everybody asks while 13 % of the calls fail, before or after they took effect."""
    async with RemoteBotApi(seed=seed) as api:
        await api.add_fault(*FAULTS)
        for id in range(1, people + 1):
            await api.user(id, "Ana", "en")
            await api.say(id, "hello")
        async with bot(api.url, state) as process:
            await api.wait_drained(300)
            async with asyncio.timeout(120):
                while len({message["chat"]["id"] for message in await api.sent()}) < people:
                    await asyncio.sleep(0.5)
            process.terminate()
            await asyncio.wait_for(process.wait(), 20)
        assert await api.violations() == []
        return _result(people, 0, await api.sent())


async def parked(state: Path, *, people: int) -> tuple[dict[str, float], int]:
    """One chat is parked for an hour while so many others ask one each: their waits in ms, and how many missed."""
    async with RemoteBotApi() as api, bot(api.url, state):
        await api.user(1, "Ana", "en")
        await api.say(1, "hello")
        await api.wait_sent(1, 30)
        wait = ApiError(429, "Too Many Requests: retry after 3600", retry_after=3600)
        await api.add_fault(Fault("sendMessage", chat_id=1, error=wait, times=None))
        await api.say(1, "hello")
        # Not faster than we may answer: how long others wait for the parked one is asked, not for each other.
        report = await api.load(people, ["hello"], 20, people, language_code="en")
        assert await api.violations() == []
        return report["ms"], report["missing"]


async def flooded(state: Path, *, seconds: int) -> tuple[dict[str, float], int]:
    """One attacker writes 100 messages a second while fifty others ask one each: their waits in ms, and how many missed."""
    async with RemoteBotApi() as api, bot(api.url, state):
        await api.user(1, "Mallory", "en")
        await api.say(1, "hello")
        await api.wait_sent(1, 30)
        attack = asyncio.create_task(_attack(api, seconds))
        await asyncio.sleep(1)
        report = await api.load(50, ["hello"], 50 / (seconds - 1), 50, language_code="en")
        await attack
        assert await api.violations() == []
        return report["ms"], report["missing"]


async def _attack(api: RemoteBotApi, seconds: int) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(100 * seconds):
        await asyncio.sleep(max(0.0, began + number / 100 - loop.time()))
        await api.say(1, f"hello {number}")


async def _long(folder: Path) -> int:
    """The long form: what it found, a line each; 1 where a promise was broken."""
    results = [await killed(folder / f"killed-{seed}", people=60, kills=4, seed=seed) for seed in range(10)]
    lost, repeated, kills = (sum(getattr(result, name) for result in results) for name in ("lost", "repeated", "kills"))
    print(f"kill -9: {kills} kills, {sum(r.asked for r in results)} questions, {lost} lost, {repeated} repeated")
    faults = [await faulty(folder / f"faulty-{seed}", people=200, seed=seed) for seed in range(3)]
    missed = sum(result.lost for result in faults)
    print(f"13 % of calls failing: {sum(r.asked for r in faults)} questions, {missed} without an answer")
    waits, silent = await flooded(folder / "flooded", seconds=20)
    print(f"100 messages a second from one: the other fifty wait {_told(waits)}")
    beside, silenced = await parked(folder / "parked", people=150)
    print(f"one chat parked for an hour: the other 150 wait {_told(beside)}")
    slow = max(waits["p99"], beside["p99"]) > LONGEST_WAIT
    broken = lost or repeated > kills or missed or silent or silenced or slow
    print("a promise was broken" if broken else "all promises held")
    return 1 if broken else 0


def _told(waits: dict[str, float]) -> str:
    return ", ".join(f"{waits[name]:.0f} ms ({name})" for name in ("p50", "p99", "max"))


def _result(people: int, kills: int, sent: list[dict[str, object]]) -> Result:
    answers: Counter[object] = Counter(message["chat"]["id"] for message in sent)  # type: ignore[index]
    lost = sum(answers[id] == 0 for id in range(1, people + 1))
    return Result(people, lost, sum(answers.values()) - len(answers), kills)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(asyncio.run(_long(Path(folder))))
