"""A planner, a preview, a clock and a database that have a bad day."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.deliveries import Outcome, Sent
from bot.facts import Item
from bot.loops.clock import Clock
from bot.loops.preview import Previewer
from bot.loops.stewards import Stewards
from bot.messages import Address, Reply, reply
from bot.store import held, subscriptions
from bot.transports import TransportEnded
from tests.bot_api import BotApi
from tests.ledger_world import HOME, World
from tests.postgres import Postgres
from tests.test_ledger_defects import DAY, HOUR, SLOT, copies, planned, subscribed, world

__all__ = ["world"]


async def test_an_item_that_is_held_while_it_is_shown_stays_held(world: World) -> None:
    await subscribed(world, "telegram:-1")

    async def show(shown: Item) -> bool:
        await world.store.run(lambda t: held.decide(world.store, t, [shown.id], held.HELD))
        return True

    await Previewer(world.store, lambda: world.base, HOME, 2, show).tick(SLOT - HOUR)
    assert await world.store.run(held.states) == {"one": held.HELD}


async def test_stewards_are_told_once_their_room_can_be_reached(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.loops.stewards.PAUSE_SECONDS", 0)
    room, told = Address("telegram", "-9"), asyncio.Event()

    class Room:
        tries = 0

        async def send(self, address: Address, note: Reply) -> Outcome:
            self.tries += 1
            if self.tries < 3:
                raise TransportEnded("not connected yet")
            told.set()
            return Sent("1")

    stewards = Stewards({"telegram": Room()}, room)  # type: ignore[dict-item]
    telling = asyncio.create_task(stewards.tell_for_ever())
    stewards.tell(reply("something"))
    await asyncio.wait_for(told.wait(), 5)
    telling.cancel()


async def test_a_change_in_the_seconds_between_slot_and_tick_costs_no_digest(world: World) -> None:
    one = await subscribed(world, "telegram:-1")
    world.now = SLOT + timedelta(seconds=2)
    await world.store.run(lambda t: subscriptions.change(t, replace(one, silent=True), world.now))
    world.now += timedelta(seconds=3)
    assert await world.planner.tick(world.now) == 1


async def test_a_zone_that_is_no_more_stops_its_own_channel_only(world: World) -> None:
    for number in range(1, 6):
        broken = await subscribed(world, f"telegram:-{number}")

    async def break_it(connection: AsyncConnection) -> None:
        change = "UPDATE subscriptions SET settings = replace(settings, 'Europe/Berlin', 'Europe/Gone') WHERE chat = :chat"
        await connection.execute(text(change), {"chat": broken.id})

    await world.store.run(break_it)
    world.now = SLOT
    assert await world.planner.tick(world.now) == 4


async def test_a_clock_that_was_found_wrong_stays_wrong_until_a_platform_says_otherwise() -> None:
    async def tell(key: str, values: object) -> None:
        pass

    async with BotApi(token="123456:TEST") as api:
        watch = Clock([api.url], lambda: datetime(2020, 1, 1, tzinfo=UTC), tell)
        await watch.look()
    assert not watch.may()
    await watch.look()
    assert not watch.may()


async def test_a_database_that_is_locked_when_the_outcome_is_known_blocks_no_channel(world: World, tmp_path: Path) -> None:
    await subscribed(world, "telegram:-1")
    await world.store.run(lambda c: c.execute(text("PRAGMA busy_timeout=1")))
    post, other = world.platforms["telegram"].post, sqlite3.connect(tmp_path / "a.db", isolation_level=None)

    async def locking(*args: object, **more: object) -> object:
        done = await post(*args, **more)  # type: ignore[arg-type]
        other.execute("BEGIN EXCLUSIVE")
        asyncio.get_running_loop().call_later(0.2, other.execute, "COMMIT")
        return done

    world.platforms["telegram"].post = locking  # type: ignore[method-assign, assignment]
    await planned(world)
    delivering = asyncio.create_task(world.deliverer.deliver_for_ever())
    await asyncio.sleep(2.5)
    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)
    other.close()
    assert await world.parts("sending") == []


async def test_a_database_that_is_locked_at_the_start_does_not_end_delivery(world: World, tmp_path: Path) -> None:
    await subscribed(world, "telegram:-1")
    await planned(world)
    await world.store.run(lambda c: c.execute(text("PRAGMA busy_timeout=1")))
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    delivering = asyncio.create_task(world.deliverer.deliver_for_ever())
    await asyncio.sleep(0.3)
    other.execute("COMMIT")
    other.close()
    async with asyncio.timeout(20):
        while not copies(world, "telegram:-1"):
            await asyncio.sleep(0.05)
    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)
    assert copies(world, "telegram:-1") == 1


async def test_postgresql_a_part_that_is_recorded_while_the_next_slot_is_planned_is_not_planned_again(
    postgres_server: Postgres,
) -> None:
    world = World(postgres_server.database())
    await world.start()
    await subscribed(world, "telegram:-1")
    world.platforms["telegram"].next.append("refused")
    await planned(world)
    await world.deliver()
    world.now += DAY
    url = world.store.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)

    def meanwhile(connection: object, cursor: object, statement: str, *_: object) -> None:
        if "FROM seen" in statement:
            _sent_elsewhere(url)

    event.listen(world.store.engine.sync_engine, "after_cursor_execute", meanwhile)
    made = await world.planner.tick(world.now)
    event.remove(world.store.engine.sync_engine, "after_cursor_execute", meanwhile)
    await world.stop()
    assert made == 0


def _sent_elsewhere(url: str) -> None:
    """The deliverer's transaction, as another connection does it."""
    import psycopg

    with psycopg.connect(url) as connection:
        moved = connection.execute("UPDATE deliveries SET state = 'sent' WHERE state = 'pending' RETURNING chat").fetchall()
        for (chat,) in moved:
            connection.execute("INSERT INTO seen VALUES (%s, 'one', 'sent') ON CONFLICT DO NOTHING", (chat,))
