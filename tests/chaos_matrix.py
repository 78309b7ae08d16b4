"""Rooms are owed digests while calls fail and the bot is killed: nothing lost, nothing doubled, on a real homeserver."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.messages import Address
from tests.chaos import SHARE
from tests.chaos_digests import Ledger, count, data_of, ids_of, listening, store_at, subscribe, to_the_end
from tests.matrix import Fault, Homeserver, Person, Proxy
from tests.matrix_runs import SEND, Account

LIFE = 6.0
"""Seconds after which a bot that sends nothing is killed all the same."""
FAULTS = (("429", None), ("reset", None), ("502", None), ("hang", None), (None, "reset"), (None, "502"))


async def run(hs: Homeserver, folder: Path, *, channels: int, items: int, kills: int, seed: int) -> Ledger:
    """Every second kill comes between the homeserver's acceptance of a part and its response; rooms are encrypted in turn."""
    dice = random.Random(seed)
    data, account = data_of(folder / "data", items), await Account.make(hs, folder / "bot" / "state")
    url = f"sqlite+aiosqlite:///{account.state}/rueckspiegel.db"
    anna = await Person.join(hs, "Anna", folder / "anna")
    async with Proxy(hs.url, seed) as proxy, _closing(anna):

        def bot(shift: int) -> object:
            more = {"RUECKSPIEGEL_DATA": str(data), "RUECKSPIEGEL_DATABASE": url, "TEST_SHIFT": str(shift)}
            return account.apart(proxy.url, module="tests.timeshift", **more)

        async with bot(0) as process:
            await account.ready()
            rooms = [await anna.room(f"Depot {n}", [account.user], encrypted=n % 2 == 0) for n in range(channels)]
            for room in rooms:
                await anna.wait_member(room, account.user, timeout=180)
            process.terminate()
            await process.wait()
        async with store_at(url, account.state) as store:
            await subscribe(store, [Address("matrix", room) for room in rooms])
        for kill in range(kills):
            proxy.faults = [Fault("PUT", SEND, before, after, times=None, chance=SHARE) for before, after in FAULTS]
            async with bot(0) as process:
                fault = _kill_at_send(proxy, process, dice.randrange(3)) if kill % 2 == 0 else None
                await listening(process, account.state, kill + 2)
                try:
                    await asyncio.wait_for(process.wait(), LIFE if fault else dice.uniform(0.1, 2))
                except TimeoutError:
                    process.kill()
                    await process.wait()
        for shift, digests in ((0, channels), (24 * 3600, 2 * channels)):
            async with bot(shift) as process, store_at(url, account.state) as store:
                await to_the_end(process, store, digests)
            proxy.faults = []
        await anna.sync_once()
        assert [anna.unreadable(room) for room in rooms] == [[]] * channels
        texts = [[seen.body for seen in anna.seen(room, account.user)] for room in rooms]
        return count(texts, ids_of(data), kills)


def _kill_at_send(proxy: Proxy, process: asyncio.subprocess.Process, skip: int) -> Fault:
    async def kill() -> None:
        process.kill()
        await process.wait()

    proxy.faults.insert(0, fault := Fault("PUT", SEND, after=kill, skip=skip))
    return fault


@asynccontextmanager
async def _closing(person: Person) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await person.close()
