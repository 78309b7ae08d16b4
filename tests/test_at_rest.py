"""While nothing happens hardly anything is asked of the database; what anybody writes, and what time makes due, is seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import event

from bot.deliveries import UNKNOWN, Delivery
from bot.digests import Slot, Subscription
from bot.facts import Item
from bot.keys import Keys
from bot.loops.correct import Corrector
from bot.loops.deliver import Deliverer
from bot.loops.preview import Previewer
from bot.loops.ready import Ready
from bot.messages import reply
from bot.store import Store, held, open_store, outbox, panic
from tests.ledger_world import HOME, START, World, started
from tests.test_ledger_defects import SLOT, planned, subscribed

LOOK = timedelta(seconds=2)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with started(database_url) as made:
        yield made


@pytest.fixture
async def other(world: World) -> AsyncIterator[Store]:
    """Another process on the same database, such as a command."""
    async with open_store(world.url, Keys(b"k" * 32)) as store:
        yield store


async def shown(_: Item) -> bool:
    return True


class Loops:
    """All that looks again and again."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.previewer = Previewer(world.store, lambda: world.base, HOME, 2, shown)
        self.corrector = Corrector(world.store, world.platforms, lambda: world.base, "en")  # type: ignore[arg-type]

    async def round(self) -> tuple[int, int]:
        """One look of each: digests made, and parts taken up."""
        now = self.world.now
        made = await self.world.planner.tick(now)
        await self.previewer.tick(now)
        await self.corrector.tick(now)
        await self.world.deliverer.recover()
        return made, await self.world.deliverer._begin()

    async def rest(self) -> None:
        """Until there is nothing more to do."""
        for _ in range(5):
            await self.round()
            await ended(self.world.deliverer)


async def ended(deliverer: Deliverer) -> None:
    """What is under way is written down."""
    while deliverer._busy:
        await asyncio.sleep(0)


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """What is asked of the database, but for the question whether anybody wrote."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "txid_current_snapshot" not in statement:
            found.append(statement)

    event.listen(store.engine.sync_engine, "before_cursor_execute", note)
    yield found
    event.remove(store.engine.sync_engine, "before_cursor_execute", note)


async def test_what_found_nothing_is_not_asked_again(world: World) -> None:
    await subscribed(world, "telegram:-1")
    loops = Loops(world)
    await loops.rest()
    world.now += timedelta(minutes=1)
    with statements(world.store) as once:
        await loops.round()
    assert once
    with statements(world.store) as found:
        for _ in range(20):
            world.now += LOOK
            assert await loops.round() == (0, 0)
    # PostgreSQL's own housekeeping counts as a writer now and then.
    assert len(found) <= 3 * len(once)


async def test_what_time_makes_due_is_seen_when_its_time_has_come(world: World) -> None:
    await subscribed(world, "telegram:-1")
    loops = Loops(world)
    await loops.rest()
    world.now = SLOT - LOOK
    await loops.rest()
    world.now = SLOT
    world.platforms["telegram"].next.append("flood")
    assert await loops.round() == (1, 1)
    await ended(world.deliverer)
    [part] = await world.parts()
    world.now = part.due - LOOK
    await loops.rest()
    world.now = part.due
    assert await loops.round() == (0, 1)


async def test_what_another_process_does_is_seen_at_the_next_look(world: World, other: Store) -> None:
    one = await subscribed(world, "telegram:-1")
    loops = Loops(world)
    world.now = SLOT
    await other.run(lambda t: panic.stop(other, t, world.now))
    await loops.rest()
    assert await loops.round() == (0, 0)
    await other.run(panic.lift)
    assert await loops.round() == (1, 1)
    await loops.rest()
    await other.run(lambda t: outbox.owe(other, t, parts(one)))
    assert await loops.round() == (0, 1)


async def test_what_another_process_holds_or_leaves_behind_is_seen_at_the_next_look(world: World, other: Store) -> None:
    one = await subscribed(world, "telegram:-1")
    loops = Loops(world)
    await loops.rest()
    await other.run(lambda t: held.decide(other, t, ["one"], held.HELD))
    with statements(world.store) as found:
        await loops.corrector.tick(world.now)
    assert found
    await other.run(lambda t: outbox.owe(other, t, parts(one)))
    [part] = await world.parts()
    await world.deliverer.recover()
    await other.run(lambda t: outbox.begin(other, t, part, world.now))
    await world.deliverer.recover()
    assert [part.state for part in await world.parts()] == [UNKNOWN]


async def test_a_new_base_is_seen_at_the_next_look(world: World) -> None:
    await subscribed(world, "telegram:-1")
    loops = Loops(world)
    await planned(world)
    await world.deliver()
    await loops.rest()
    world.put(replace(world.base.items["one"], summary={"en": "What is said now."}))
    await loops.round()
    [(_, text)] = world.platforms["telegram"].edits
    assert "What is said now." in text


async def test_a_chat_that_was_busy_when_nothing_else_was_due_is_looked_at_again(world: World) -> None:
    """While the stewards hear of an outcome it is written, and its chat counts as busy: nobody writes after that look."""
    one = await subscribed(world, "telegram:-1")
    looked = list[int]()

    async def tell(key: str, values: Mapping[str, str]) -> None:
        looked.append(await deliverer._begin())

    ready = Ready(lambda: world.base, HOME, "en")
    deliverer = Deliverer(world.store, world.platforms, lambda: world.now, lambda: True, tell, ready)  # type: ignore[arg-type]
    await world.store.run(lambda t: outbox.owe(world.store, t, [*parts(one), *parts(one, 2)]))
    world.platforms["telegram"].next.append("content")
    assert await deliverer._begin() == 1
    await ended(deliverer)
    assert looked == [0]
    assert await deliverer._begin() == 1


async def test_the_version_changes_with_what_is_written_here_or_elsewhere_and_with_nothing_else(
    world: World, other: Store
) -> None:
    versions = [await world.store.version()]
    for store, state in ((world.store, held.HELD), (other, held.SHOWN)):
        await store.run(lambda t, store=store, state=state: held.decide(store, t, ["one"], state))  # type: ignore[misc]
        versions.append(await world.store.version())
    assert all(one != another for one, another in pairwise(versions))
    if world.store.is_sqlite:
        await other.run(held.states)
        await world.store.run(held.states)
        assert await world.store.version() == versions[-1]


def parts(one: Subscription, number: int = 1) -> list[Delivery]:
    """A part of a digest that is due, as another process would owe it."""
    return outbox.parts_of(one, Slot(START.date(), START), [(("one",), reply("#one#"))], START, number)
