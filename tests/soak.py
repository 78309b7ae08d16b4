"""`make soak`: a day's questions in minutes, against a Bot API server in another process. Nothing of the bot may grow.

The bot runs without its pacer. `python -m tests.soak COUNT` asks fewer. The figures go to docs/benchmarks.md.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from bot.app import App, open_app
from bot.config import Settings
from tests.bench import OUT, _with
from tests.bench_matrix import idle as measured_idle
from tests.bench_matrix import waking
from tests.bot_api.process import RemoteBotApi
from tests.chaos import bot

QUESTIONS = 50_000
PEOPLE = 12
AT_ONCE = 600
"""Of each person fewer than wait in a chat before it counts as a flood."""
WARM = 15_000
"""By then each person has as many messages of the bot as are remembered for `/clean`, and the outcomes' cache is full."""
COMMANDS = ("/topics", "/help", "/privacy", "/mydata", "/news", "/language en")
IDLE_SECONDS = 60.0
MORE_MEGABYTES, MORE_HANDLES = 10.0, 8
"""The growth after the warm-up that still counts as none: the allocator's and the connection pool's to and fro."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Megabytes resident, open files and connections, threads."""

    memory: float
    files: int
    connections: int
    threads: int

    @classmethod
    def of(cls, process: psutil.Process) -> Sample:
        with process.oneshot():
            connections = len(process.net_connections())
            return cls(process.memory_info().rss / 2**20, process.num_fds() - connections, connections, process.num_threads())


@dataclass(frozen=True, slots=True)
class Soak:
    """What came of it; `idle` is megabytes and per cent of a core, `pace` questions a second."""

    asked: int
    missing: int
    start: float
    idle: tuple[float, float]
    pace: float
    warm: Sample
    peak: Sample
    end: Sample

    def grown(self) -> list[str]:
        """What grew by more than the margins."""
        margins = {"memory": MORE_MEGABYTES, "files": MORE_HANDLES, "connections": MORE_HANDLES, "threads": MORE_HANDLES}
        return [name for name, most in margins.items() if getattr(self.end, name) - getattr(self.warm, name) > most]


async def soaked(folder: Path, count: int, warm: int = WARM, idle: float = IDLE_SECONDS) -> Soak:
    """Start, rest, then ask so many questions, `AT_ONCE` at a time."""
    port, texts = _free_port(), _texts(open_app(Settings()))
    began = time.monotonic()
    more = {"RUECKSPIEGEL_METRICS": f"127.0.0.1:{port}"}
    async with RemoteBotApi() as api, bot(api.url, folder / "state", "tests.unpaced", **more) as process:
        began = time.monotonic()
        await api.user(1, "Ana", "en")
        await api.say(1, "hello")
        await api.wait_sent(1, 60)
        start, measured = time.monotonic() - began, psutil.Process(process.pid)
        await asyncio.sleep(10)  # What starts beside the first answer is done.
        resting = await measured_idle(measured, idle)
        asked = missing = 0
        samples: list[tuple[int, Sample]] = []
        began = time.monotonic()
        while asked < count:
            some = list(itertools.islice(texts, AT_ONCE))
            report = await api.load(PEOPLE, some, 10_000, AT_ONCE, patience=120, language_code="en")
            asked, missing = asked + AT_ONCE, missing + report["missing"]
            samples.append((asked, Sample.of(measured)))
            await _scrape(port)
            await api.reset()
        pace = asked / (time.monotonic() - began)
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 20) == 0
    after = [sample for asked, sample in samples if asked >= min(warm, count // 2)]
    peak = Sample(*(max(getattr(one, name) for one in after) for name in Sample.__dataclass_fields__))
    return Soak(asked, missing, start, resting, pace, after[0], peak, after[-1])


async def _scrape(port: int) -> None:
    async with httpx.AsyncClient() as client:
        (await client.get(f"http://127.0.0.1:{port}/metrics")).raise_for_status()


def _texts(app: App) -> Iterator[str]:
    """Curated questions in turn, written otherwise each time, every tenth a command."""
    questions = [text for entry in app.base.corpus.entries() for text in entry.questions.get("en", ())]
    spellings = (str.upper, str.title, lambda text: f"{text} !!", lambda text: f"  {text}?", str.lower)
    for number, text in enumerate(itertools.cycle(questions)):
        yield spellings[number % len(spellings)](text)
        if number % 9 == 0:
            yield COMMANDS[number // 9 % len(COMMANDS)]


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def page(found: Soak) -> str:
    """The page's part."""
    rows = [
        f"| {what} | {before:.0f} | {most:.0f} | {after:.0f} | {margin:.0f} |"
        for what, before, most, after, margin in (
            ("MB resident", found.warm.memory, found.peak.memory, found.end.memory, MORE_MEGABYTES),
            ("open files", found.warm.files, found.peak.files, found.end.files, MORE_HANDLES),
            ("connections", found.warm.connections, found.peak.connections, found.end.connections, MORE_HANDLES),
            ("threads", found.warm.threads, found.peak.threads, found.end.threads, MORE_HANDLES),
        )
    ]
    return "\n".join(
        [
            "## Soak",
            "",
            f"Written by `make soak`: {found.asked:,} questions and commands of {PEOPLE} people without the pacer, "
            f"{found.pace:.0f} a second, {found.missing} without an answer. Before them, start to first answer "
            f"{found.start:.1f} s (goal: 5 s); at rest on Telegram alone {found.idle[0]:.0f} MB (goal: 250 MB) and "
            f"{found.idle[1]:.2f} % of a core (goal: 1 %), where a process that wakes fifty times a second and does next to "
            f"nothing takes {waking():.2f} %.",
            "",
            "| | after the warm-up | at most | at the end | may grow by |",
            "| --- | --- | --- | --- | --- |",
            *rows,
        ]
    )


def main() -> int:
    """The long form; 1 where something grew or an answer is missing."""
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(soaked(Path(folder), int(sys.argv[1]) if sys.argv[1:] else QUESTIONS))
    OUT.write_text(_with(OUT.read_text(encoding="utf-8"), page(found)), encoding="utf-8")
    print(page(found))
    grown = found.grown()
    print(f"grew: {', '.join(grown)}" if grown else "nothing grew")
    return 1 if grown or found.missing else 0


if __name__ == "__main__":
    sys.exit(main())
