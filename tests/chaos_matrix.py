"""Rooms are owed digests while calls fail and the bot is killed: nothing lost, nothing doubled, on a real homeserver."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bot.messages import Address
from tests.chaos import SHARE
from tests.chaos_digests import Ledger, count, data_of, ids_of, listening, store_at, subscribe, to_the_end
from tests.matrix import Fault, Homeserver, Person, Proxy
from tests.matrix_runs import SEND, Account

LIFE = 6.0
"""Seconds after which a bot that sends nothing is killed all the same."""
ROOMS_EACH = 4
"""The bot takes five invitations an hour from one person."""
FAULTS = (("429", None), ("reset", None), ("502", None), ("hang", None), (None, "reset"), (None, "502"))


async def run(hs: Homeserver, folder: Path, *, channels: int, items: int, kills: int, seed: int) -> Ledger:
    """Every second kill comes between the homeserver's acceptance of a part and its response; rooms are encrypted in turn."""
    dice = random.Random(seed)
    data, account = data_of(folder / "data", items), await Account.make(hs, folder / "bot" / "state")
    url = f"sqlite+aiosqlite:///{account.state}/rueckspiegel.db"
    people = [await Person.join(hs, f"anna-{n}", folder / f"anna-{n}") for n in range(-(-channels // ROOMS_EACH))]
    async with Proxy(hs.url, seed) as proxy, _closing(people):

        def bot(shift: int) -> object:
            more = {"RUECKSPIEGEL_DATA": str(data), "RUECKSPIEGEL_DATABASE": url, "TEST_SHIFT": str(shift)}
            return account.apart(proxy.url, module="tests.timeshift", **more)

        async with bot(0) as process:
            await account.ready()
            rooms = []
            for number in range(channels):
                person = people[number // ROOMS_EACH]
                room = await person.room(f"Depot {number}", [account.user], encrypted=number % 2 == 0)
                await person.wait_member(room, account.user, timeout=180)
                rooms.append((person, room))
            process.terminate()
            await process.wait()
        async with store_at(url, account.state) as store:
            await subscribe(store, [Address("matrix", room) for _, room in rooms])
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
        for person in people:
            await person.sync_once()
        assert [person.unreadable(room) for person, room in rooms] == [[]] * channels
        texts = [[seen.body for seen in person.seen(room, account.user)] for person, room in rooms]
        return count(texts, ids_of(data), kills)


def _kill_at_send(proxy: Proxy, process: asyncio.subprocess.Process, skip: int) -> Fault:
    async def kill() -> None:
        process.kill()
        await process.wait()

    proxy.faults.insert(0, fault := Fault("PUT", SEND, after=kill, skip=skip))
    return fault


@asynccontextmanager
async def _closing(people: Sequence[Person]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await asyncio.gather(*(person.close() for person in people))
