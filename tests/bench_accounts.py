"""Many accounts: how fast parts are claimed where 100,000 channels are owed one, and what one more account costs a process.

`python -m tests.bench_accounts`; how fast accounts move is in `tests.chaos_accounts`.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import psycopg
from sqlalchemy import insert, text

from bot.deliveries import PENDING, SENDING, Delivery, Sent, settle
from bot.keys import Keys
from bot.messages import Address
from bot.store import Store, Transaction, open_store, outbox, schema, settling
from tests import postgres
from tests.bot_api import BotApi
from tests.chaos_accounts import Processes, settings_of
from tests.chaos_digests import FIRST, data_of
from tests.ledger_world import START
from tests.postgres import Postgres

ACCOUNTS, CHANNELS, TASKS = 1_000, 100, 4
SAMPLE = 10
"""Accounts a task works through."""
FEW, MANY = 1, 31
WATCHED_SECONDS = 20.0


@dataclass(frozen=True)
class Claims:
    """Parts claimed and recorded a second; milliseconds of a look that finds nothing and of a claim among all that is due."""

    parts: float
    idle: float
    claim: float


@dataclass(frozen=True)
class Footprint:
    """What one more account costs a process: megabytes, share of a core, transactions a second."""

    memory: float
    core: float
    transactions: float


async def _fill(store: Store) -> None:
    """Each channel of each account is owed one part."""
    part = {
        "at": 0,
        "part": 1,
        "carries": '["new"]',
        "payload": '[[["x","plain",null]],[],"en"]',
        "silent": 0,
        "state": PENDING,
    }
    part |= {"attempts": 0, "due": 0, "first": 0, "ref": "", "why": ""}
    sealed = store.keys.seal(str(Address("telegram", str(FIRST))), "chat")
    for account in range(ACCOUNTS):
        ids = [f"{account}-{number}" for number in range(CHANNELS)]
        chats = [{"id": id, "mark": id, "sealed": sealed, "platform": "telegram", "account": f"union-{account}"} for id in ids]
        parts = [part | {"id": id, "chat": id} for id in ids]
        await store.run(lambda t, chats=chats: t.execute(insert(schema.chats), chats))  # type: ignore[misc]
        await store.run(lambda t, parts=parts: t.execute(insert(schema.deliveries), parts))  # type: ignore[misc]
    await store.run(lambda t: t.execute(text("ANALYZE")))


async def _claim(store: Store) -> list[Delivery]:
    async def work(transaction: Transaction) -> list[Delivery]:
        due = await outbox.due(store, transaction, START, 16, (), ("telegram",))
        for part in due:
            await outbox.begin(store, transaction, replace(part, state=SENDING), START)
        return due

    return await store.run(work)


async def _drained(store: Store, times: list[float]) -> int:
    done = 0
    while True:
        began = time.perf_counter()
        claimed = await _claim(store)
        if not claimed:
            return done
        times.append((time.perf_counter() - began) * 1_000)
        for part in claimed:
            after = settle(part, Sent("1"), START)
            await store.run(lambda t, after=after: settling.settled(store, t, after))  # type: ignore[misc]
        done += len(claimed)


async def claims(server: Postgres) -> Claims:
    """As many accounts at once as there are tasks, in one process."""
    async with open_store(server.database(), Keys(b"k" * 32)) as store:
        await _fill(store)
        times: list[float] = []

        async def some(task: int) -> int:
            return sum([await _drained(store.of(f"union-{task * SAMPLE + number}"), times) for number in range(SAMPLE)])

        began = time.perf_counter()
        done = sum(await asyncio.gather(*map(some, range(TASKS))))
        seconds = time.perf_counter() - began
        began = time.perf_counter()
        for _ in range(100):
            await _claim(store.of("union-0"))
        return Claims(done / seconds, (time.perf_counter() - began) * 10, sorted(times)[len(times) // 2])


async def footprint(server: Postgres, folder: Path) -> Footprint:
    """Of accounts that nobody writes to, on one process."""
    few, many = await _watched(server, folder / "few", FEW), await _watched(server, folder / "many", MANY)
    memory, core, transactions = ((after - before) / (MANY - FEW) for before, after in zip(few, many, strict=True))
    return Footprint(memory / 2**20, core, transactions)


async def _watched(server: Postgres, folder: Path, accounts: int) -> Sequence[float]:
    """Bytes, share of a core and transactions a second of a process that serves so many."""
    folder.mkdir()
    async with AsyncExitStack() as stack:
        apis = [await stack.enter_async_context(BotApi(f"{1001 + number}:TEST")) for number in range(accounts)]
        url = server.database()
        running = Processes(settings_of(folder, apis, data_of(folder / "data", 13), url), folder)
        await running.start(0)
        try:
            await running.serves(0, accounts)
            await asyncio.sleep(WATCHED_SECONDS / 2)
            process = psutil.Process(running.alive[0].pid)
            before = process.cpu_times(), _committed(server, url)
            await asyncio.sleep(WATCHED_SECONDS)
            after, memory = (process.cpu_times(), _committed(server, url)), process.memory_info().rss
        finally:
            await running.kill(0)
    used = after[0].user + after[0].system - before[0].user - before[0].system
    return memory, used / WATCHED_SECONDS, (after[1] - before[1]) / WATCHED_SECONDS


def _committed(server: Postgres, url: str) -> int:
    name = url.rpartition("/")[2].partition("?")[0] if "?" not in url else url.partition("@/")[2].partition("?")[0]
    with psycopg.connect(server.uri) as connection:
        row = connection.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = %s", (name,)).fetchone()
    assert row is not None
    return int(row[0])


def main() -> None:
    """Print the figures."""
    with postgres.running() as server, tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(claims(server))
        print(f"{ACCOUNTS:,} accounts, {ACCOUNTS * CHANNELS:,} parts due, load average {os.getloadavg()[0]:.1f}")
        print(f"{found.parts:.0f} parts claimed and recorded a second", flush=True)
        print(f"a claim {found.claim:.1f} ms, an idle look {found.idle:.1f} ms", flush=True)
        cost = asyncio.run(footprint(server, Path(folder)))
        print(
            f"one more account: {cost.memory:.2f} MB, {cost.core:.2%} of a core, {cost.transactions:.1f} transactions a second"
        )


if __name__ == "__main__":
    main()
