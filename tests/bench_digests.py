"""Digests: how long a tick plans, how many parts the ledger passes, at what share of the allowed pace they go out."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import aiohttp
import yaml
from sqlalchemy import insert

from bot.base import shipped_folder
from bot.deliveries import SENDING, SENT, Delivery, Sent, settle
from bot.digests import Schedule, Subscription
from bot.keys import Keys, load_keys
from bot.loops.plan import MOST_A_TICK, Planner
from bot.messages import Address
from bot.store import Store, Transaction, ledger, open_store, outbox, schema, settling, subscriptions
from tests import chaos_digests
from tests.bot_api.process import RemoteBotApi
from tests.chaos import FAULTS, bot
from tests.ledger_world import HOME, START, item, shipped

CHATS, ROWS = 1_000, 100_000
ALLOWED = 20
FIRST = -1_002_000_000_000
SLOT = START.replace(hour=17)


@asynccontextmanager
async def _store() -> AsyncIterator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        async with open_store(f"sqlite+aiosqlite:///{folder}/a.db", Keys(b"k" * 32)) as store:
            yield store


async def _subscribe(store: Store, schedule: Schedule, since: datetime, count: int) -> list[str]:
    async def work(transaction: Transaction) -> list[str]:
        made = []
        for number in range(count):
            wanted = Subscription("", Address("telegram", str(FIRST - number)), schedule, "en")
            made.append((await subscriptions.subscribe(store, transaction, wanted, since, ())).id)
        return made

    return await store.run(work)


async def _old_rows(store: Store, chats: list[str]) -> None:
    """A hundred digests a chat, long sent."""
    row = {"part": 1, "carries": '["old"]', "payload": '[[["x","plain",null]],[],"en"]', "silent": 0, "state": SENT}
    row |= {"attempts": 1, "due": 0, "first": 1, "ref": "", "why": ""}
    each = ROWS // len(chats)
    for number in range(each):
        at = int((START - timedelta(days=each - number)).timestamp())
        day = date.fromtimestamp(at).isoformat()
        parts = [row | {"id": f"{number}-{chat}", "chat": chat, "at": at} for chat in chats]
        slots = [{"chat": chat, "slot": day, "at": at, "state": "planned"} for chat in chats]
        await store.run(lambda t, parts=parts: t.execute(insert(schema.deliveries), parts))  # type: ignore[misc]
        await store.run(lambda t, slots=slots: t.execute(insert(schema.digests), slots))  # type: ignore[misc]


@dataclass(frozen=True)
class Ticks:
    """Milliseconds of a tick where nothing is due, of the longest and of all where everything is, and parts a second."""

    idle: float
    longest: float
    whole: float
    parts: float


async def _ledger() -> Ticks:
    async with _store() as store:
        chats = await _subscribe(store, Schedule("daily", SLOT.time(), "UTC"), START, CHATS)
        await _old_rows(store, chats)
        base = replace(shipped(), items={f"new-{n}": item(f"new-{n}") for n in range(3)})
        planner = Planner(store, lambda: base, HOME, "en")
        idle, _ = await _timed(planner, START + timedelta(hours=1))
        busy, made = [], 0
        while not busy or planner.behind:
            took, some = await _timed(planner, SLOT)
            busy.append(took)
            made += some
        assert made == CHATS
        began, done = time.perf_counter(), 0
        while claimed := await store.run(lambda t: _claimed(store, t)):
            for part in claimed:
                await _record(store, part)
            done += len(claimed)
        return Ticks(idle, max(busy), sum(busy), done / (time.perf_counter() - began))


async def _timed(planner: Planner, moment: datetime) -> tuple[float, int]:
    began = time.perf_counter()
    made = await planner.tick(moment)
    return (time.perf_counter() - began) * 1_000, made


async def _claimed(store: Store, transaction: Transaction) -> list[Delivery]:
    due = await outbox.due(store, transaction, SLOT, 16, (), ("telegram",))
    for part in due:
        await outbox.begin(store, transaction, replace(part, state=SENDING), SLOT)
    return due


async def _record(store: Store, part: Delivery) -> None:
    done = settle(part, Sent("1"), SLOT)

    await store.run(lambda transaction: settling.settled(store, transaction, done))


async def _sent_out() -> tuple[int, float, float, int]:
    """Chats reached, digests a second, p99 of answers meanwhile in ms, and how many of those were missing."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        state.mkdir()
        slot = (datetime.now(UTC) - timedelta(minutes=15)).replace(second=0, microsecond=0)
        url = f"sqlite+aiosqlite:///{state}/rueckspiegel.db"
        async with RemoteBotApi() as api, open_store(url, load_keys(state.with_name("state.key"))) as store:
            for number in range(CHATS):
                await api.call("channel", id=FIRST - number, title="Union news", admins=[])
            await _subscribe(store, Schedule("daily", slot.time(), "UTC"), slot - timedelta(hours=1), CHATS)
            async with bot(api.url, state, "tests.timeshift", TEST_SHIFT="0", **_one_item(Path(folder))):
                await api.wait_sent(20, 60)
                load = asyncio.create_task(api.load(30, ["/topics", "/help", "/privacy"], 2, 60, language_code="en"))
                await api.wait_sent(CHATS + 60, 300)
                report = await load
                assert (await store.run(ledger.counts)).get("unknown", 0) == 0
            posts = [message for message in await api.sent() if message["chat"]["id"] <= FIRST]
        seconds = max(m["_at"] for m in posts) - min(m["_at"] for m in posts)
        reached = len({m["chat"]["id"] for m in posts})
        return reached, len(posts) / seconds, report["ms"]["p99"], report["missing"]


def _one_item(folder: Path) -> dict[str, str]:
    """Settings of a data folder of which one item is out."""
    data = folder / "data"
    shutil.copytree(shipped_folder(), data, ignore=shutil.ignore_patterns("questions"))
    for path in sorted((data / "dossier").glob("*.yaml"))[1:]:
        kept = yaml.safe_load(path.read_text(encoding="utf-8")) | {"published": None}
        path.write_text(yaml.safe_dump(kept, allow_unicode=True), encoding="utf-8")
    return {"RUECKSPIEGEL_DATA": str(data)}


async def _naive(count: int) -> tuple[int, int, int]:
    """Repeat until it works, as most bots do: chats, those that saw it twice or more, and copies too many."""
    async with RemoteBotApi(seed=1) as api, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        for number in range(count):
            await api.call("channel", id=FIRST - number, title="Union news", admins=[])
        await api.add_fault(*FAULTS)
        free = asyncio.Semaphore(24)
        await asyncio.gather(*(_until_ok(session, free, f"{api.url}/bot{api.token}", FIRST - n) for n in range(count)))
        copies = Counter(message["chat"]["id"] for message in await api.sent())
        return len(copies), sum(n > 1 for n in copies.values()), copies.total() - len(copies)


async def _until_ok(session: aiohttp.ClientSession, free: asyncio.Semaphore, url: str, chat: int) -> None:
    async with free:
        while True:
            try:
                async with session.post(f"{url}/sendMessage", json={"chat_id": chat, "text": "New"}) as response:
                    if (await response.json()).get("ok"):
                        return
            except (aiohttp.ClientError, TimeoutError, ValueError):
                pass
            await asyncio.sleep(0.1)


def digests() -> str:
    """The page's part."""
    load = os.getloadavg()[0]
    ticks, (reached, rate, last, missing) = asyncio.run(_ledger()), asyncio.run(_sent_out())
    return "\n".join(
        [
            "## Digests",
            "",
            f"SQLite, {ROWS:,} old parts in the ledger, {CHATS:,} subscriptions. Sending: the whole bot with its pacer, "
            "the Bot API server in another process, while thirty people write two commands a second together. "
            f"Load average {load:.2f} at the start.",
            "",
            "| what | measured | goal |",
            "| --- | --- | --- |",
            f"| a tick where nothing is due | {ticks.idle:.1f} ms | 100 ms |",
            f"| the longest tick where all {CHATS:,} are due, {MOST_A_TICK} a tick | {ticks.longest:.0f} ms | 100 ms |",
            f"| all of those ticks together | {ticks.whole:.0f} ms | reported |",
            f"| claimed and recorded parts a second | {ticks.parts:.0f} | {ALLOWED} |",
            f"| chats reached | {reached:,} of {CHATS:,} | all |",
            f"| digests a second, of {ALLOWED} that the limit leaves them | {rate:.1f} ({rate / ALLOWED:.0%}) | 95% |",
            f"| answers meanwhile, p99 | {last:.0f} ms, {missing} missing | 1,000 ms |",
        ]
    )


def killed() -> str:
    """The page's part."""
    chats, twice, more = asyncio.run(_naive(CHATS))
    found = list(chaos_digests.everywhere())
    return "\n".join(
        [
            "## Digests while something is killed",
            "",
            "`make chaos`: twelve channels are owed thirteen items each while 13 % of the calls fail and something is killed "
            "thirty times with -9; then one slot in peace. Beside it what most bots do, to repeat a call until it works.",
            "",
            "| where | owed | lost | repeated without a word | repeated, marked ↻ |",
            "| --- | --- | --- | --- | --- |",
            *(f"| {name} | {one.owed} | {one.lost} | {one.doubled} | {one.marked} |" for name, one in found),
            f"| repeat until it works, Telegram, no kills | {chats:,} | 0 | {more} in {twice} channels | – |",
        ]
    )


if __name__ == "__main__":
    print(digests(), killed(), sep="\n\n")
