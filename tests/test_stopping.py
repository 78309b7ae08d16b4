"""/panic and a hold stop what is on its way: planned, claimed and waiting for its turn, or just being corrected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from types import SimpleNamespace

import pytest
from sqlalchemy import text as sql

from bot.deliveries import PENDING, SENDING, SENT, Sent, Withheld
from bot.loops.correct import Corrector
from bot.messages import Address, Button
from bot.store import held, panic
from bot.transports.markup import Part
from bot.transports.matrix.reach import Reach
from bot.transports.matrix.sending import Sender as MatrixSender
from bot.transports.pace import UNLIMITED, Lane
from bot.transports.pacer import Pacer
from bot.transports.telegram.api import Api
from bot.transports.telegram.sending import Sender
from tests.bot_api import BotApi
from tests.ledger_world import World, started
from tests.test_ledger_defects import DAY, SLOT, subscribed
from tests.test_matrix_refused import Server

CHANNELS = [f"telegram:-{number}" for number in range(1, 20)]


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with started(database_url) as made:
        yield made


async def waiting(world: World) -> asyncio.Task[None]:
    """All that the deliverer takes at once waits for its turn; the rest is not taken yet."""
    for name in CHANNELS:
        await subscribed(world, name)
    world.now = SLOT
    await world.planner.tick(world.now)
    world.platforms["telegram"].queue = asyncio.Event()
    delivering = asyncio.create_task(world.deliverer.deliver_for_ever())
    while len(await world.parts(SENDING)) < 16:
        await asyncio.sleep(0.01)
    assert len(await world.parts(PENDING)) == len(CHANNELS) - 16
    return delivering


async def let_go(world: World, delivering: asyncio.Task[None]) -> None:
    """Whatever waits gets its turn now."""
    queue = world.platforms["telegram"].queue
    assert queue is not None
    queue.set()
    await world.deliverer.stop()
    await delivering
    assert await world.parts(SENDING) == []


async def test_panic_stops_what_is_planned_and_what_waits_for_its_turn(world: World) -> None:
    delivering = await waiting(world)
    await world.store.run(lambda t: panic.stop(world.store, t, world.now))
    await let_go(world, delivering)
    parts = await world.parts()
    assert {(part.state, part.attempts, part.first) for part in parts} == {(PENDING, 0, None)}
    assert not any(world.platforms["telegram"].seen.values())
    await world.store.run(panic.lift)
    world.now += DAY / 24
    await world.deliver()
    assert [part.state for part in await world.parts()] == [SENT] * len(CHANNELS)
    assert all(world.platforms["telegram"].copies(name)[0]["one"] == 1 for name in CHANNELS)


async def test_a_hold_stops_what_waits_for_its_turn(world: World) -> None:
    delivering = await waiting(world)
    await world.store.run(lambda t: held.decide(world.store, t, ["one"], held.HELD))
    await let_go(world, delivering)
    world.now += DAY / 24
    await world.deliver()
    assert not any(world.platforms["telegram"].seen.values())
    await world.store.run(lambda t: held.decide(world.store, t, ["one"], held.SHOWN))
    await world.days(2)
    assert all(world.platforms["telegram"].copies(name)[0]["one"] == 1 for name in CHANNELS)


async def test_what_cannot_be_asked_does_not_leave(world: World) -> None:
    delivering = await waiting(world)
    await world.store.run(lambda t: t.execute(sql("ALTER TABLE panic RENAME TO away")))
    queue = world.platforms["telegram"].queue
    assert queue is not None
    queue.set()
    await asyncio.sleep(0.3)
    assert not any(world.platforms["telegram"].seen.values())
    await world.store.run(lambda t: t.execute(sql("ALTER TABLE away RENAME TO panic")))
    await let_go(world, delivering)
    world.now += DAY / 24
    await world.deliver()
    assert all(world.platforms["telegram"].copies(name)[0]["one"] == 1 for name in CHANNELS)


async def test_panic_stops_corrections_after_the_one_that_is_under_way(world: World) -> None:
    for name in CHANNELS:
        await subscribed(world, name)
    world.now = SLOT
    await world.planner.tick(world.now)
    await world.deliver()
    telegram = world.platforms["telegram"]
    corrector = Corrector(world.store, world.platforms, lambda: world.base, "en")  # type: ignore[arg-type]
    world.put(replace(world.base.items["one"], summary={"en": "What is said now."}))

    async def stop() -> None:
        await world.store.run(lambda t: panic.stop(world.store, t, world.now))

    telegram.after_edit.append(stop)
    await corrector.tick(world.now)
    await corrector.tick(world.now)
    assert len(telegram.edits) == 1
    telegram.after_edit.clear()
    await world.store.run(panic.lift)
    await corrector.tick(world.now)
    assert sorted(where for where, _ in telegram.edits) == sorted(CHANNELS)


async def _no() -> bool:
    return False


async def test_telegram_asks_after_the_wait_and_before_the_call(api: BotApi) -> None:
    bot, pacer, asked = Api("123456:TEST", api.url), Pacer(), list[str]()
    api.channel(-100900, "Union news", admins=[api.user(5, "Ben")])

    async def moved(old: Address, new: Address) -> None:
        pass

    sender = Sender(bot, pacer, "bot", moved)
    where = Address("telegram", "-100900")
    pacer.park("-100900", 0.3)

    async def may() -> bool:
        asked.append("waited" if pacer.held_up("-100900") == 0 else "at once")
        return False

    await bot.start()
    assert await sender.once(where, Part("x"), lane=Lane.DIGEST, may=may) == Withheld()
    assert await sender.edit(where, "1", Part("x"), (Button("x", "/x"),), may) == Withheld()
    assert asked[0] == "waited"
    assert api.sent == []
    assert isinstance(await sender.once(where, Part("x"), lane=Lane.DIGEST), Sent)
    await bot.close()


async def test_matrix_asks_before_the_call() -> None:
    account = SimpleNamespace(was_encrypted=lambda room: False)
    sender = MatrixSender(Server(), account, Pacer(UNLIMITED), Reach(), frozenset(), b"k")  # type: ignore[arg-type]
    assert await sender.once("!room", {"body": "x"}, "t", lane=Lane.DIGEST, may=_no) == Withheld()
    assert isinstance(await sender.once("!room", {"body": "x"}, "t", lane=Lane.DIGEST), Sent)
