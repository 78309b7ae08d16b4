"""Channels are owed digests while calls fail and bot or database are killed: nothing lost, every possible repeat marked.

On Telegram and on Matrix, on SQLite and on PostgreSQL. `make chaos` runs the long form of all.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import yaml
from sqlalchemy import text

from bot.base import shipped_folder
from bot.digests import Schedule, Subscription
from bot.keys import load_keys
from bot.messages import Address
from bot.store import Store, Transaction, ledger, open_store, subscriptions
from tests import chaos, postgres
from tests.bot_api.process import RemoteBotApi
from tests.matrix import Homeserver
from tests.postgres import Postgres

FIRST = -1001000000000


@dataclass(frozen=True)
class Ledger:
    """Over all channels and items: never seen; seen again unmarked; seen again behind ↻; and how often something was killed."""

    owed: int
    lost: int
    doubled: int
    marked: int
    kills: int


async def run(
    folder: Path,
    *,
    channels: int,
    items: int,
    kills: int,
    seed: int,
    database: str | None = None,
    server: Postgres | None = None,
) -> Ledger:
    """Two slots: the first under fire, the second in peace, which heals what was uncertain.

    Where a `server` is given, every second kill is that of the database.
    """
    dice = random.Random(seed)
    data, state = data_of(folder / "data", items), folder / "state"
    url = database or f"sqlite+aiosqlite:///{state}/rueckspiegel.db"
    more = {"RUECKSPIEGEL_DATA": str(data), "RUECKSPIEGEL_DATABASE": url}
    chats = [Address("telegram", str(FIRST - number)) for number in range(channels)]
    async with RemoteBotApi(seed=seed) as api:
        for chat in chats:
            await api.call("channel", id=int(chat.chat), title="Union news", admins=[])
        async with store_at(url, state) as store:
            await subscribe(store, chats)
        await api.add_fault(*chaos.FAULTS)
        for kill in range(kills):
            async with chaos.bot(api.url, state, "tests.timeshift", TEST_SHIFT="0", **more) as process:
                await listening(process, state, kill + 1)
                await asyncio.sleep(dice.uniform(0.1, 1.6))
                if server is not None and kill % 2:
                    server.kill()
                    await asyncio.sleep(dice.uniform(0.2, 1.5))
                    await asyncio.to_thread(server.start_again)
                    await asyncio.sleep(dice.uniform(0.5, 2))
                if process.returncode is None:
                    process.send_signal(signal.SIGKILL)
                await process.wait()
        for shift, digests in ((0, channels), (24 * 3600, 2 * channels)):
            started = chaos.bot(api.url, state, "tests.timeshift", TEST_SHIFT=str(shift), **more)
            async with started as process, store_at(url, state) as store:
                await to_the_end(process, store, digests)
            await api.call("faults", faults=[], replace=True)
        sent = await api.sent()
        texts = [[str(m["text"]) for m in sent if str(m["chat"]["id"]) == chat.chat] for chat in chats]
        return count(texts, ids_of(data), kills)


async def listening(process: asyncio.subprocess.Process, state: Path, number: int) -> None:
    """Until the bot has come up for the `number`-th time, or ended by itself: earlier a kill would hit nothing."""
    log = state.parent / "log"
    async with asyncio.timeout(120):
        while process.returncode is None and log.read_text(encoding="utf-8").count(" listening") < number:
            await asyncio.sleep(0.05)


async def to_the_end(process: asyncio.subprocess.Process, store: Store, digests: int) -> None:
    """Let the bot run until so many digests were planned and nothing of them waits any more; then end it."""
    async with asyncio.timeout(240):
        while await _planned(store) < digests or await _waiting(store):
            await asyncio.sleep(0.5)
    process.terminate()
    await asyncio.wait_for(process.wait(), 20)


async def _planned(store: Store) -> int:
    async def count(transaction: Transaction) -> int:
        return int((await transaction.execute(text("SELECT count(*) FROM digests"))).scalar_one())

    return await store.run(count)


async def _waiting(store: Store) -> int:
    counted = await store.run(ledger.counts)
    return counted.get("pending", 0) + counted.get("sending", 0)


@asynccontextmanager
async def store_at(url: str, state: Path) -> AsyncIterator[Store]:
    state.mkdir(parents=True, exist_ok=True)
    async with open_store(url, load_keys(state.with_name("state.key"))) as store:
        yield store


async def subscribe(store: Store, chats: Sequence[Address]) -> None:
    """Since yesterday, with a slot a quarter of an hour ago, and nothing known."""
    slot = datetime.now(UTC) - timedelta(minutes=15)
    schedule = Schedule("daily", time(slot.hour, slot.minute), "UTC")
    for chat in chats:
        wanted = Subscription("", chat, schedule, "en")
        before = slot - timedelta(hours=1)
        await store.run(lambda t, one=wanted, at=before: subscriptions.subscribe(store, t, one, at, ()))  # type: ignore[misc]


def data_of(folder: Path, items: int) -> Path:
    """The shipped folder with so many items, each with a title of its own."""
    shutil.copytree(shipped_folder(), folder, ignore=shutil.ignore_patterns("questions"))
    patterns = sorted((folder / "dossier").glob("*.yaml"))
    for number in range(items - len(patterns)):
        item = yaml.safe_load(patterns[0].read_text(encoding="utf-8"))
        item |= {"id": f"extra-{number:02}", "title": {"en": f"Extra item {number:02}", "de": f"Zusatz {number:02}"}}
        (folder / "dossier" / f"{item['date']}-extra-{number:02}.yaml").write_text(yaml.safe_dump(item), encoding="utf-8")
    for path in (folder / "dossier").glob("*.yaml"):
        item = yaml.safe_load(path.read_text(encoding="utf-8"))
        item["title"] = {language: f"{text} #{item['id']}#" for language, text in item["title"].items()}
        path.write_text(yaml.safe_dump(item, allow_unicode=True), encoding="utf-8")
        path.rename(path.with_name(f"{item['id']}.yaml"))
    return folder


def ids_of(data: Path) -> list[str]:
    return [path.stem for path in sorted((data / "dossier").glob("*.yaml"))]


def count(channels: Sequence[Sequence[str]], items: Sequence[str], kills: int) -> Ledger:
    """What stands in each channel, held against what it was owed."""
    lost = doubled = marked = 0
    for texts in channels:
        for item in items:
            plain = sum(f"#{item}#" in text for text in texts if not text.startswith("↻"))
            again = sum(f"#{item}#" in text for text in texts if text.startswith("↻"))
            lost += plain + again == 0
            doubled += max(0, plain - 1) + max(0, again - 1)
            marked += plain > 0 and again > 0
    return Ledger(len(channels) * len(items), lost, doubled, marked, kills)


async def _on_telegram(folder: Path) -> Ledger:
    return await run(folder, **LONG)


async def _with_killed_database(folder: Path) -> Ledger:
    with postgres.running() as server:
        return await run(folder, **LONG, database=server.database(), server=server)


async def _on_matrix(folder: Path) -> Ledger:
    from tests import chaos_matrix

    async with Homeserver.start(folder / "synapse") as homeserver:
        return await chaos_matrix.run(homeserver, folder / "bot", **LONG)


LONG = {"channels": 12, "items": 13, "kills": 30, "seed": 1}
EVERYWHERE = {
    "Telegram": _on_telegram,
    "Telegram, PostgreSQL killed as well": _with_killed_database,
    "Matrix (Synapse)": _on_matrix,
}


def everywhere() -> Iterator[tuple[str, Ledger]]:
    """The long form: on each platform, and with a database server that is killed as well."""
    for name, long in EVERYWHERE.items():
        with tempfile.TemporaryDirectory() as folder:
            yield name, asyncio.run(long(Path(folder)))


if __name__ == "__main__":
    broken = False
    for name, found in everywhere():
        print(f"{name}: {found}", flush=True)
        broken = broken or found.lost > 0 or found.doubled > 0
    sys.exit(1 if broken else 0)
