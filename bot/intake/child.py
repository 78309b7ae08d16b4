"""Fetching and reading, each in a child process that may be killed: what the rest of the product calls."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

from bot.intake import fetched
from bot.intake.fetched import FeedNews, Link, Page, TryLater
from bot.intake.found import NotTaken, Publication
from bot.intake.guard import Loopback
from bot.spoofing import shown

Value = TypeVar("Value")
Read = Callable[[Mapping[str, Any]], Value]

LONGEST_SECONDS = 75.0
"""A link is asked up to three times, each within the limit of one fetch."""
MOST_BYTES = 8_000_000
AT_ONCE = 2
# Everything else stays here: settings, tokens, the names of files and accounts.
_PASSED_ON = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR")
# Without further arenas the cap on memory is one on what is used, not on what threads reserve; nothing is written to disk.
_SET = {"MALLOC_ARENA_MAX": "1", "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}


class Fetcher:
    """Each call is a process of its own; at most two run at a time.

    All calls raise NotTaken, with problem and remedy, where nothing usable came back; TryLater where the site said when.
    """

    def __init__(self, loopback: Loopback | None = None, seconds: float = LONGEST_SECONDS) -> None:
        self._loopback, self._seconds = loopback, seconds
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def page(self, url: str) -> Page:
        """The bytes of a page, at most 2 MB."""
        return await self._ask(fetched.page, job="page", url=url)

    async def article(self, url: str) -> Publication:
        """An article as its page describes it; what it does not say is a doubt."""
        return await self._ask(fetched.publication, job="article", url=url)

    async def feed(self, url: str, etag: str = "", modified: str = "") -> FeedNews | None:
        """The newest 500 entries of a feed; nothing where it has not changed since `etag` or `modified`."""
        return await self._ask(fetched.feed_news, job="feed", url=url, etag=etag, modified=modified)

    async def link(self, url: str) -> Link:
        """How an address is, and where an archived copy is."""
        return await self._ask(fetched.link, job="link", url=url)

    async def _ask(self, read: Read[Value], **order: str) -> Value:
        name = shown(order["url"])[:200]
        whole = {**order, "loopback": asdict(self._loopback) if self._loopback else None}
        async with self._turns:
            status, said = await self._run(json.dumps(whole).encode(), name)
        return await asyncio.to_thread(_read, read, status, said, name)

    async def _run(self, order: bytes, name: str) -> tuple[int, bytes]:
        pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        environment = {key: os.environ[key] for key in _PASSED_ON if key in os.environ} | _SET
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.commands.fetch", stdin=pipe, stdout=pipe, stderr=nowhere, env=environment
        )
        try:
            async with asyncio.timeout(self._seconds):
                said = await _talk(child, order)
                return await child.wait(), said
        except TimeoutError as error:
            raise NotTaken(f"{name}: it took longer than {self._seconds:g} seconds", "try again later") from error
        finally:
            if child.returncode is None:
                child.kill()
                await asyncio.shield(child.wait())


async def _talk(child: asyncio.subprocess.Process, order: bytes) -> bytes:
    """Everything that it says; a torrent is cut off one byte after the most that is taken."""
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(order)
        await child.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        pass  # It died already; its status tells.
    child.stdin.close()
    parts, size = [], 0
    while size <= MOST_BYTES and (part := await child.stdout.read(65536)):
        parts.append(part)
        size += len(part)
    if size > MOST_BYTES:
        child.kill()
    return b"".join(parts)


def _read(read: Read[Value], status: int, said: bytes, name: str) -> Value:
    if status != 0 or len(said) > MOST_BYTES:
        raise NotTaken(f"{name}: reading it took more time or memory than is allowed", "name a smaller page or feed")
    try:
        answer: Mapping[str, Any] = json.loads(said)
        if "problem" in answer:
            raise _refusal(answer)
        return read(answer)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotTaken(f"{name}: what was read there makes no sense", "open it in a browser") from error


def _refusal(answer: Mapping[str, Any]) -> NotTaken:
    problem, remedy = str(answer["problem"]), str(answer["remedy"])
    return NotTaken(problem, remedy) if answer["wait"] is None else TryLater(problem, remedy, float(answer["wait"]))
