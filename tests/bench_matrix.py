"""Encrypted questions over Matrix: how long one takes, how many a second, and what the process keeps resident."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from tests.bot_api.process import RemoteBotApi
from tests.matrix import Homeserver, Person
from tests.matrix_runs import Account, meet, said_by, until

PEOPLE, ROUNDS, WAITING = 10, 20, 20
IDLE_SECONDS = 60.0
MOST_MEMORY = 300


@dataclass(frozen=True)
class Figures:
    """Milliseconds from the homeserver's acceptance of a question to its answer, read; answers a second; MB resident.

    `both` is MB resident on both platforms after questions on each, and per cent of a core at rest then.
    """

    middle: float
    last: float
    rate: float
    cpu: float
    memory: float
    both: tuple[float, float]


async def _asked(person: Person, room: str, text: str) -> float:
    count = len(person.seen(room))
    await person.say(room, text)
    began = time.perf_counter()
    await person.wait_message(room, count + 1, timeout=60)
    return (time.perf_counter() - began) * 1000


async def _latencies(people: Sequence[tuple[Person, str]], texts: Sequence[str]) -> list[float]:
    """One question after the other, each room in turn."""
    for person, room in people:
        await _asked(person, room, texts[0])  # the first of a room also exchanges keys
    asked = [(person, room) for _ in range(ROUNDS) for person, room in people]
    return [await _asked(person, room, texts[number % len(texts)]) for number, (person, room) in enumerate(asked)]


async def _answered(people: Sequence[tuple[Person, str]], bot: str) -> list[int]:
    """When the bot said something, by the homeserver's clock."""
    found = [event["origin_server_ts"] for person, room in people for event in await said_by(person, room, bot)]
    return sorted(found)


async def _measured(texts: Sequence[str]) -> Figures:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hs = await stack.enter_async_context(Homeserver.start(folder / "synapse"))
        bot, people = await Account.make(hs, folder / "bot" / "state"), []
        async with bot.apart() as process:
            await bot.ready()
            for number in range(PEOPLE):
                person = await Person.join(hs, f"person{number}", folder / f"person{number}")
                stack.push_async_callback(person.close)
                people.append((person, await meet(person, bot.user)))
            times = await _latencies(people, texts)
            process.terminate()
            await process.wait()
        before = len(await _answered(people, bot.user))
        for start in range(WAITING):
            await asyncio.gather(*(person.say(room, texts[start % len(texts)]) for person, room in people))
        wanted = PEOPLE * WAITING
        async with bot.apart() as process:
            await until(lambda: sum(len(one.seen(room)) for one, room in people) >= before + wanted, "all answers", 300)
            at = (await _answered(people, bot.user))[before:]
            measured = psutil.Process(process.pid)
            memory, spent = measured.memory_info().rss / 2**20, measured.cpu_times()
            process.terminate()
            await process.wait()
        both = await _on_both(bot, people, texts)
    return Figures(
        middle=float(np.percentile(times, 50)),
        last=float(np.percentile(times, 99)),
        rate=(len(at) - 1) / max(0.001, (at[-1] - at[0]) / 1000),
        cpu=(spent.user + spent.system) / len(at) * 1000,
        memory=memory,
        both=both,
    )


async def _on_both(bot: Account, people: Sequence[tuple[Person, str]], texts: Sequence[str]) -> tuple[float, float]:
    async with RemoteBotApi() as api:
        telegram = {"RUECKSPIEGEL_TELEGRAM_TOKEN": api.token, "RUECKSPIEGEL_TELEGRAM_API_URL": api.url}
        async with bot.apart(**telegram) as process:
            await _latencies(people, texts)
            report = await api.load(PEOPLE * ROUNDS, list(texts), 20, 300, language_code="en")
            assert report["missing"] == 0
            await asyncio.sleep(10)
            found = await idle(psutil.Process(process.pid), IDLE_SECONDS)
            process.terminate()
            await process.wait()
    return found


async def idle(process: psutil.Process, seconds: float) -> tuple[float, float]:
    """MB resident, and per cent of a core over so many seconds in which nobody asks."""
    before, began = process.cpu_times(), time.monotonic()
    await asyncio.sleep(seconds)
    after = process.cpu_times()
    busy = after.user + after.system - before.user - before.system
    return process.memory_info().rss / 2**20, 100 * busy / (time.monotonic() - began)


def waking() -> float:
    """Per cent of a core that this machine takes for a process which wakes fifty times a second and does next to nothing."""
    code = (
        "import time\nused, end = time.process_time(), time.monotonic() + 10\n"
        "while time.monotonic() < end:\n    time.sleep(0.02)\n    sum(range(200))\n"
        "print(10 * (time.process_time() - used))"
    )
    return float(subprocess.check_output([sys.executable, "-c", code]))


def matrix(questions: Sequence[str]) -> str:
    """The page's part."""
    load = os.getloadavg()[0]
    found = asyncio.run(_measured(list(dict.fromkeys(questions))))
    return "\n".join(
        [
            "## Matrix",
            "",
            f"The bot on Matrix alone, as `run` starts it; Synapse with its limits lifted and {PEOPLE} people's clients, "
            f"each in an encrypted room of its own, on the same machine; load average {load:.2f} at the start.",
            "",
            "| what | measured | goal |",
            "| --- | --- | --- |",
            f"| from accepted question to answer read, {PEOPLE * ROUNDS} in turn, p50 | {found.middle:.0f} ms | 200 ms |",
            f"| the same, p99 | {found.last:.0f} ms | reported |",
            f"| answers a second, {PEOPLE * WAITING} waiting at its start | {found.rate:.1f} | reported |",
            f"| CPU of the process an answer then, start included | {found.cpu:.0f} ms | reported |",
            f"| resident after these | {found.memory:.0f} MB | {MOST_MEMORY} MB |",
            f"| on both platforms, {PEOPLE * ROUNDS} questions each: resident | {found.both[0]:.0f} MB | {MOST_MEMORY} MB |",
            f"| the same at rest then, of a core | {found.both[1]:.2f} % | 1 % |",
            f"| of a core, for a process that wakes fifty times a second and does next to nothing | {waking():.2f} % | – |",
        ]
    )


if __name__ == "__main__":
    print(matrix(["what can the in-van camera record?", "Is consent needed for biometric data?"]))
