"""Answers a second over Telegram: the bot without its pacer, the Bot API server in another process."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from tests.bot_api.process import RemoteBotApi
from tests.chaos import bot

NEW, KNOWN = 45, 200
"""Answers a second that are wanted: to new questions, which are searched for, and to all that is not."""
MOST_MEMORY = 250
COUNT = 1000
TAP = "1r/start van-cameras"


@dataclass(frozen=True)
class Pace:
    """Answers a second, milliseconds of CPU an answer, MB resident at the end."""

    name: str
    rate: float
    cpu: float
    memory: float
    missing: int
    goal: int | None = None

    def row(self) -> str:
        goal = "" if self.goal is None else f"≥ {self.goal}, ≤ {MOST_MEMORY} MB"
        return f"| {self.name} | {self.rate:.0f} | {self.cpu:.1f} | {self.memory:.0f} | {self.missing} | {goal} |"


async def pace(
    name: str,
    module: str,
    texts: Sequence[str],
    latency: float,
    count: int,
    goal: int | None = None,
    tap: str | None = None,
) -> Pace:
    """All of `count` texts, or taps, are waiting when the clock starts."""
    with tempfile.TemporaryDirectory() as folder:
        async with RemoteBotApi() as api, bot(api.url, Path(folder) / "state", module) as process:
            await api.user(1, "Ana", "en")
            await api.say(1, "hello")
            await api.wait_sent(1, 30)
            await asyncio.sleep(2)
            await api.set_latency(latency)
            measured = psutil.Process(process.pid)
            before = measured.cpu_times()
            report = await api.load(count, list(texts), 10_000, count, language_code="en", tap=tap)
            after = measured.cpu_times()
            seconds = max(wait or 0 for wait in report["latencies"])
            cpu = (after.user + after.system - before.user - before.system) / max(1, report["answered"]) * 1000
            memory = measured.memory_info().rss / 2**20
        return Pace(name, report["answered"] / seconds, cpu, memory, report["missing"], goal)


async def _all(new: Sequence[str]) -> list[Pace]:
    rows = []
    for latency in (0.0, 0.06):
        with_latency = f", {latency * 1000:.0f} ms latency" if latency else ""
        ours = partial(pace, module="tests.unpaced", latency=latency)
        rows += [
            await ours(f"new questions{with_latency}", texts=new, count=min(300, len(new)), goal=NEW),
            await ours(f"questions just asked{with_latency}", texts=new[:5], count=COUNT, goal=KNOWN),
            await ours(f"commands{with_latency}", texts=["/topics", "/privacy", "/help"], count=COUNT, goal=KNOWN),
            await ours(f"taps{with_latency}", texts=["/topics"], count=COUNT, goal=KNOWN, tap=TAP),
        ]
        rows.append(await pace(f"stock python-telegram-bot, echo{with_latency}", "tests.echo", new, latency, COUNT))
    return rows


def telegram(questions: Sequence[str]) -> str:
    """The page's part."""
    rows = asyncio.run(_all(list(dict.fromkeys(questions))))
    return "\n".join(
        [
            "## Telegram",
            "",
            "The bot without its pacer (Telegram itself allows about 30 a second), the Bot API server in another process "
            "on the same machine, each question from another person. "
            "Stock python-telegram-bot's echo searches nothing and records nothing.",
            "",
            "| | answers/s | ms of CPU an answer | MB | missing | goal |",
            "| --- | --- | --- | --- | --- | --- |",
            *(pace.row() for pace in rows),
        ]
    )
