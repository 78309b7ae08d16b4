"""Concrete lives of a digest that once broke a promise."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import pytest

from bot.deliveries import DEAD, MOST_ATTEMPTS, UNKNOWN
from bot.digests import Schedule, Subscription
from bot.loops.correct import Corrector
from bot.loops.deliver import Deliverer
from bot.loops.ready import Ready
from bot.messages import parse_address
from bot.store import held, outbox, settling, subscriptions
from tests.ledger_world import HOME, START, World, item, started

SLOT = START.replace(hour=17)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with started(f"sqlite+aiosqlite:///{tmp_path}/a.db") as made:
        yield made


async def subscribed(world: World, address: str, **more: object) -> Subscription:
    """Daily at 18:00 in Berlin, and one item that is owed."""
    wanted = Subscription("", parse_address(address), Schedule("daily", time(18), HOME), "en", **more)  # type: ignore[arg-type]
    made = await world.store.run(lambda t: subscriptions.subscribe(world.store, t, wanted, START, ()))
    world.put(item("one"))
    return made


async def planned(world: World) -> None:
    world.now = SLOT
    assert await world.planner.tick(world.now) == 1


def copies(world: World, address: str) -> int:
    plain, _ = world.platforms[address.partition(":")[0]].copies(address)
    return plain["one"]


async def test_matrix_after_a_crash_and_two_days_the_transaction_id_is_not_trusted(world: World) -> None:
    await subscribed(world, "matrix:!room")
    world.platforms["matrix"].next.append("dies after")
    await planned(world)
    await world.deliver()
    await world.outage(2 * DAY)
    await world.deliver()
    assert copies(world, "matrix:!room") == 1


async def test_matrix_a_part_that_waited_two_days_for_its_next_try_is_not_sent_again(world: World) -> None:
    await subscribed(world, "matrix:!room")
    world.platforms["matrix"].next.append("arrived")
    await planned(world)
    await world.deliver()
    await world.outage(2 * DAY)
    await world.deliver()
    assert copies(world, "matrix:!room") == 1


async def test_matrix_what_may_have_arrived_before_the_bot_was_removed_is_marked(world: World) -> None:
    one = await subscribed(world, "matrix:!room")
    world.platforms["matrix"].next.extend(("arrived", "gone"))
    await planned(world)
    await world.deliver()
    world.now += HOUR
    await world.deliver()
    world.platforms["matrix"].gone.clear()
    await world.store.run(lambda t: subscriptions.change(t, replace(one, paused=""), world.now))
    await world.days(2)
    assert copies(world, "matrix:!room") == 1


async def test_matrix_a_homeserver_that_is_down_for_a_weekend_loses_nothing(world: World) -> None:
    await subscribed(world, "matrix:!room")
    world.platforms["matrix"].next.extend(["refused"] * 400)
    await planned(world)
    for _ in range(3 * 24):
        world.now += HOUR
        await world.planner.tick(world.now)
        await world.deliver()
    world.platforms["matrix"].next.clear()
    await world.days(4)
    assert sum(world.platforms["matrix"].copies("matrix:!room"), start=type(world.platforms["matrix"].copies("")[0])())["one"]


async def test_a_part_that_is_late_does_not_come_in_quiet_hours(world: World) -> None:
    one = await subscribed(world, "telegram:-1", quiet=(time(21), time(7)))
    world.platforms["telegram"].next.append("refused")
    await planned(world)
    await world.deliver()
    await world.outage(6 * HOUR)
    await world.deliver()
    assert [at for at, _, _ in world.platforms["telegram"].seen["telegram:-1"] if one.wakes(at) != at] == []


@pytest.mark.parametrize("how", ["held", "withdrawn", "paused"])
async def test_what_is_stopped_while_it_waits_for_the_morning_does_not_go_out(world: World, how: str) -> None:
    one = await subscribed(world, "telegram:-1", quiet=(time(17), time(7)))
    await planned(world)
    world.now += HOUR
    if how == "held":
        await world.store.run(lambda t: held.decide(world.store, t, ["one"], held.HELD))
    elif how == "withdrawn":
        world.put(replace(world.base.items["one"], withdrawn=START.date()))
    else:
        await world.store.run(lambda t: subscriptions.change(t, replace(one, paused="asked"), world.now))
    await world.days(2)
    assert copies(world, "telegram:-1") == 0


async def test_what_is_posted_after_it_changed_is_put_right(world: World) -> None:
    await subscribed(world, "telegram:-1", quiet=(time(17), time(7)))
    await planned(world)
    corrector = Corrector(world.store, world.platforms, lambda: world.base, "en")  # type: ignore[arg-type]
    world.put(replace(world.base.items["one"], withdrawn=START.date()))
    await corrector.tick(world.now)
    world.now += DAY
    await world.deliver()
    await corrector.tick(world.now)
    assert copies(world, "telegram:-1") == 0 or world.platforms["telegram"].edits


async def test_what_is_settled_as_again_and_cannot_be_sent_comes_next_time(world: World) -> None:
    await subscribed(world, "telegram:-1")
    world.platforms["telegram"].next.extend(["vanished", *["refused"] * MOST_ATTEMPTS])
    await planned(world)
    await world.deliver()
    [part] = await world.parts(UNKNOWN)
    assert await world.store.run(lambda t: settling.looked_at(world.store, t, part, False, world.now))
    for _ in range(MOST_ATTEMPTS):
        world.now += HOUR / 2
        await world.deliver()
    [part] = await world.parts()
    assert part.state == DEAD
    await world.days(3)
    assert copies(world, "telegram:-1")


async def test_what_was_settled_as_sent_is_not_said_a_third_time(world: World) -> None:
    await subscribed(world, "telegram:-1")
    world.platforms["telegram"].next.extend(("arrived", "refused", "arrived"))
    await planned(world)
    await world.deliver()
    [part] = await world.parts(UNKNOWN)
    world.now += DAY
    await world.planner.tick(world.now)
    await world.deliver()
    assert await world.store.run(lambda t: settling.looked_at(world.store, t, part, True, world.now))
    await world.days(4)
    plain, marked = world.platforms["telegram"].copies("telegram:-1")
    assert plain["one"] + marked["one"] <= 2


async def test_a_part_from_which_one_item_is_held_goes_without_it_and_that_one_later(world: World) -> None:
    await subscribed(world, "telegram:-1", quiet=(time(17), time(7)))
    world.put(item("two"))
    await planned(world)
    await world.store.run(lambda t: held.decide(world.store, t, ["one"], held.HELD))
    await world.days(1)
    plain, _ = world.platforms["telegram"].copies("telegram:-1")
    assert plain == {"two": 1}
    await world.store.run(lambda t: held.decide(world.store, t, ["one"], held.SHOWN))
    await world.days(2)
    plain, marked = world.platforms["telegram"].copies("telegram:-1")
    assert (plain, marked) == ({"one": 1, "two": 1}, {})


async def test_what_changed_while_it_waited_is_posted_as_it_is_now(world: World) -> None:
    await subscribed(world, "telegram:-1", quiet=(time(17), time(7)))
    await planned(world)
    world.put(replace(world.base.items["one"], summary={"en": "What is said now."}))
    await world.days(1)
    [(_, _, text)] = world.platforms["telegram"].seen["telegram:-1"]
    assert "What is said now." in text


async def test_stewards_hear_of_the_first_refusal_and_of_a_stop_at_the_third(world: World) -> None:
    for number in range(1, 6):
        await subscribed(world, f"telegram:-{number}")
    world.platforms["telegram"].next.extend(["content"] * 5)
    world.now = SLOT
    assert await world.planner.tick(world.now) == 5
    await world.deliver()
    assert [key for key in world.told if key in ("steward.refused", "steward.poison")] == ["steward.refused", "steward.poison"]


async def test_a_process_leaves_the_parts_of_other_platforms_alone(world: World) -> None:
    await subscribed(world, "matrix:!room")
    await planned(world)
    other = Deliverer(
        world.store,
        {"telegram": world.platforms["telegram"]},  # type: ignore[dict-item]
        lambda: world.now,
        lambda: True,
        world._tell,
        Ready(lambda: world.base, HOME, "en"),
    )
    [part] = await world.parts()
    await world.store.run(lambda t: outbox.begin(world.store, t, part, world.now))
    await other.recover()
    assert [one.state for one in await world.parts()] == ["sending"]


async def test_another_device_repeats_nothing_without_a_word(world: World) -> None:
    """To the homeserver the same transaction id of another device is another message."""
    await subscribed(world, "matrix:!room")
    await planned(world)
    matrix = world.platforms["matrix"]
    [part] = await world.parts()
    await world.store.run(lambda t: outbox.begin(world.store, t, part, world.now))
    matrix._arrive("matrix:!room", part.reply, part.id)  # and the process dies before it hears of that
    world.now += timedelta(minutes=1)
    matrix.begun = world.now
    await world.restart()
    world.now += timedelta(minutes=1)
    await world.deliver()
    assert [one.state for one in await world.parts()] == ["unknown"]
    await world.days(2)
    plain, marked = matrix.copies("matrix:!room")
    assert set(plain.values()) == {1}
    assert marked == plain


async def test_a_new_hour_is_counted_from_now(world: World) -> None:
    one = await subscribed(world, "telegram:-1")
    world.now = START + 2 * HOUR
    earlier = replace(one, schedule=Schedule("daily", time(14), HOME))
    await world.store.run(lambda t: subscriptions.change(t, earlier, world.now))
    assert await world.planner.tick(world.now) == 0
    world.now += DAY
    assert await world.planner.tick(world.now) == 1


async def test_of_several_items_that_are_refused_together_each_gets_a_try_by_itself(world: World) -> None:
    await subscribed(world, "telegram:-1")
    world.put(item("two"), item("three"))
    world.platforms["telegram"].next.extend(["content", "ok", "content", "ok"])
    await planned(world)
    await world.days(3)
    plain, marked = world.platforms["telegram"].copies("telegram:-1")
    assert (sorted(plain.values()), sum(marked.values())) == ([1, 1], 0)


async def test_matrix_what_is_refused_after_it_may_have_arrived_comes_marked(world: World) -> None:
    await subscribed(world, "matrix:!room")
    world.put(item("two"))
    world.platforms["matrix"].next.extend(["dies after", "content"])
    await planned(world)
    await world.deliver()
    await world.days(3)
    plain, marked = world.platforms["matrix"].copies("matrix:!room")
    assert (plain, marked) == ({"one": 1, "two": 1}, {"one": 1, "two": 1})
