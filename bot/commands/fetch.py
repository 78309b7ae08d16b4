"""The child process of the intake: an order as JSON on standard input, what came of it as JSON on standard output.

A module that is run by itself and no command of the group, which would load all that a bot needs for each page.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import resource
import signal
import sys
from typing import Any

from bot.intake.fetched import TryLater, packed
from bot.intake.found import NotTaken
from bot.intake.guard import Loopback
from bot.intake.jobs import PARSERS, do
from bot.intake.net import Web
from bot.spoofing import shown

MEMORY = {"article": 160 * 1024 * 1024}
USUAL_MEMORY = 48 * 1024 * 1024
"""Bytes beyond what the process takes before it reads anything; an article is laid out as a tree more than once."""
CPU_SECONDS = 8
LIFE_SECONDS = 90
"""After these it ends even where nobody is left to kill it."""


def main() -> None:
    """Do one order."""
    signal.alarm(LIFE_SECONDS)
    os.nice(10)
    order = json.load(sys.stdin.buffer)
    importlib.import_module(PARSERS.get(order["job"], "bot.intake.net"))
    _limit(MEMORY.get(order["job"], USUAL_MEMORY))
    loopback = order["loopback"]
    web = Web(Loopback(tuple(loopback["hosts"]), loopback["port"], loopback["certificate"]) if loopback else None)
    said = json.dumps(asyncio.run(_outcome(order, web)), ensure_ascii=False)
    sys.stdout.buffer.write(said.encode("utf-8", "replace"))


async def _outcome(order: dict[str, Any], web: Web) -> dict[str, Any]:
    try:
        return packed(await do(order, web))
    except NotTaken as error:
        wait = error.seconds if isinstance(error, TryLater) else None
        return {"problem": error.problem, "remedy": error.remedy, "wait": wait}
    except MemoryError:
        raise
    except Exception:  # What strangers wrote may trip a parser in ways that nobody foresaw.
        problem = f"{shown(str(order['url']))}: what stands there cannot be read"
        return {"problem": problem, "remedy": "open it in a browser", "wait": None}


def _limit(memory: int) -> None:
    """Memory, computing time, no files, no core; what goes beyond ends the process, and the one that asked says so."""
    limits = {resource.RLIMIT_CPU: CPU_SECONDS, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0}
    if sys.platform == "linux":
        with open("/proc/self/statm", encoding="ascii") as file:
            limits[resource.RLIMIT_AS] = int(file.read().split()[0]) * resource.getpagesize() + memory
    for kind, most in limits.items():
        resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    main()
