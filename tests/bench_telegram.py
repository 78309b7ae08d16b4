"""Answers a second over Telegram: the bot without its pacer, the Bot API server in another process."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bot_api.process import RemoteBotApi
from tests.chaos import bot


@dataclass(frozen=True)
class Pace:
    """Answers a second, milliseconds of CPU an answer, MB resident at the end."""

    name: str
    rate: float
    cpu: float
    memory: float
    missing: int

    def row(self) -> str:
        return f"| {self.name} | {self.rate:.0f} | {self.cpu:.1f} | {self.memory:.0f} | {self.missing} |"


async def pace(name: str, module: str, texts: Sequence[str], latency: float, count: int) -> Pace:
    """All of `count` texts are waiting when the clock starts."""
    with tempfile.TemporaryDirectory() as folder:
        async with RemoteBotApi() as api, bot(api.url, Path(folder) / "state", module) as process:
            await api.user(1, "Ana", "en")
            await api.say(1, "hello")
            await api.wait_sent(1, 30)
            await asyncio.sleep(2)
            await api.set_latency(latency)
            measured = psutil.Process(process.pid)
            before = measured.cpu_times()
            report = await api.load(count, list(texts), 10_000, count, language_code="en")
            after = measured.cpu_times()
            seconds = max(wait or 0 for wait in report["latencies"])
            cpu = (after.user + after.system - before.user - before.system) / max(1, report["answered"]) * 1000
            memory = measured.memory_info().rss / 2**20
        return Pace(name, report["answered"] / seconds, cpu, memory, report["missing"])


async def _all(new: Sequence[str]) -> list[Pace]:
    rows = []
    for latency in (0.0, 0.06):
        with_latency = f", {latency * 1000:.0f} ms latency" if latency else ""
        rows.append(await pace(f"new questions{with_latency}", "tests.unpaced", new, latency, min(300, len(new))))
        rows.append(await pace(f"questions just asked{with_latency}", "tests.unpaced", new[:5], latency, 1000))
        rows.append(await pace(f"commands{with_latency}", "tests.unpaced", ["/topics", "/privacy", "/help"], latency, 1000))
        rows.append(await pace(f"stock python-telegram-bot, echo{with_latency}", "tests.echo", new, latency, 1000))
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
            "| | answers/s | ms of CPU an answer | MB | missing |",
            "| --- | --- | --- | --- | --- |",
            *(pace.row() for pace in rows),
        ]
    )
