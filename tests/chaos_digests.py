"""Channels are owed digests while calls fail and the bot is killed: nothing lost, every possible repeat marked."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
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
from bot.store import Store, Transaction, open_store, subscriptions
from tests import chaos
from tests.bot_api.process import RemoteBotApi

FIRST = -1001000000000


@dataclass(frozen=True)
class Ledger:
    """Over all channels and items: never seen; seen again unmarked; seen again behind ↻; and how often the bot was killed."""

    owed: int
    lost: int
    doubled: int
    marked: int
    kills: int


async def run(folder: Path, *, channels: int, items: int, kills: int, seed: int, database: str | None = None) -> Ledger:
    """Two slots: the first under fire, the second in peace, which heals what was uncertain."""
    dice = random.Random(seed)
    data, state = _data(folder / "data", items), folder / "state"
    url = database or f"sqlite+aiosqlite:///{state}/rueckspiegel.db"
    more = {"RUECKSPIEGEL_DATA": str(data), "RUECKSPIEGEL_DATABASE": url}
    async with RemoteBotApi(seed=seed) as api:
        for number in range(channels):
            await api.call("channel", id=FIRST - number, title="Union news", admins=[])
        async with _store(url, state) as store:
            await _subscribe(store, channels)
        await api.add_fault(*chaos.FAULTS)
        for _ in range(kills):
            async with chaos.bot(api.url, state, "tests.timeshift", TEST_SHIFT="0", **more) as process:
                await asyncio.sleep(dice.uniform(1.6, 3.2))
                process.send_signal(signal.SIGKILL)
                await process.wait()
        await _to_the_end(api, state, url, "0", more, channels)
        await api.call("faults", faults=[], replace=True)
        await _to_the_end(api, state, url, str(24 * 3600), more, 2 * channels)
        return _count(await api.sent(), channels, [path.stem for path in sorted((data / "dossier").glob("*.yaml"))], kills)


async def _to_the_end(api: RemoteBotApi, state: Path, url: str, shift: str, more: dict[str, str], digests: int) -> None:
    """Let the bot run until so many digests were planned and nothing of them waits any more."""
    async with chaos.bot(api.url, state, "tests.timeshift", TEST_SHIFT=shift, **more) as process, _store(url, state) as store:
        async with asyncio.timeout(180):
            while await _planned(store) < digests or await _waiting(store):
                await asyncio.sleep(0.5)
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)


async def _planned(store: Store) -> int:
    async def count(transaction: Transaction) -> int:
        return int((await transaction.execute(text("SELECT count(*) FROM digests"))).scalar_one())

    return await store.run(count)


async def _waiting(store: Store) -> int:
    from bot.store import ledger

    counted = await store.run(ledger.counts)
    return counted.get("pending", 0) + counted.get("sending", 0)


@asynccontextmanager
async def _store(url: str, state: Path) -> AsyncIterator[Store]:
    state.mkdir(parents=True, exist_ok=True)
    async with open_store(url, load_keys(state.with_name("state.key"))) as store:
        yield store


async def _subscribe(store: Store, channels: int) -> None:
    """Since yesterday, with a slot a quarter of an hour ago, and nothing known."""
    slot = datetime.now(UTC) - timedelta(minutes=15)
    schedule = Schedule("daily", time(slot.hour, slot.minute), "UTC")
    for number in range(channels):
        wanted = Subscription("", Address("telegram", str(FIRST - number)), schedule, "en")
        before = slot - timedelta(hours=1)
        await store.run(lambda t, one=wanted, at=before: subscriptions.subscribe(store, t, one, at, ()))  # type: ignore[misc]


def _data(folder: Path, items: int) -> Path:
    """The shipped folder with so many items, each with a title of its own."""
    import shutil

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


def _count(sent: list[dict[str, object]], channels: int, items: list[str], kills: int) -> Ledger:
    lost = doubled = marked = 0
    for number in range(channels):
        texts = [str(m["text"]) for m in sent if m["chat"]["id"] == FIRST - number]  # type: ignore[index]
        for item in items:
            plain = sum(f"#{item}#" in text for text in texts if not text.startswith("↻"))
            again = sum(f"#{item}#" in text for text in texts if text.startswith("↻"))
            lost += plain + again == 0
            doubled += max(0, plain - 1) + max(0, again - 1)
            marked += plain > 0 and again > 0
    return Ledger(channels * len(items), lost, doubled, marked, kills)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as path:
        found = asyncio.run(run(Path(path), channels=12, items=13, kills=30, seed=1))
        print(found)
        sys.exit(1 if found.lost or found.doubled else 0)
