"""The inbox: order in a chat, no chat stops another, and the platform is told of nothing that is not done or set free."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from bot.transports.inbox import MOST_WAITING, PATIENCE, Inbox


class World:
    """An inbox with a clock and chats that are held up as told; `done` is what was done, in order."""

    def __init__(self) -> None:
        self.now, self.all_parked = 1_000.0, 0.0
        self.parked: dict[str, float] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.done: list[str] = []
        self.inbox = Inbox(lambda chat: self.parked.get(chat, 0.0), lambda: self.all_parked, lambda: self.now)

    def take(self, *updates: tuple[int, str], opened: bool = False, sender: str = "") -> None:
        """Updates whose work ends when `finish` says so, or at once."""
        for key, chat in updates:
            gate = self.gates[f"{chat}{key}"] = asyncio.Event()
            _ = opened and gate.set()
            self.inbox.take(key, chat, partial(self._work, f"{chat}{key}"), sender.encode())

    async def _work(self, name: str) -> None:
        await self.gates[name].wait()
        self.done.append(name)

    async def finish(self, *names: str) -> None:
        for name in names:
            self.gates[name].set()
        await settled()


async def settled() -> None:
    """Whoever can go on has gone on."""
    for _ in range(100):
        await asyncio.sleep(0)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    for task in list(world.inbox._tasks.values()):
        task.cancel()
    await settled()


async def test_work_that_nobody_cancelled_but_what_it_waits_for_was_stops_no_chat(world: World) -> None:
    waited: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        await waited

    world.inbox.take(0, "a", work)
    world.take((1, "a"), opened=True)
    await settled()
    waited.cancel()
    await settled()
    assert world.done == ["a1"]
    assert world.inbox.offset() == 2


async def test_a_chat_is_served_in_order_and_all_chats_at_once(world: World) -> None:
    world.take(*enumerate("aabbaa"))
    # The second of a chat is ready first, and has to wait for its turn all the same.
    await world.finish("a1", "b3")
    assert world.done == []
    await world.finish("b2")
    await world.finish("a0")
    assert world.done == ["b2", "b3", "a0", "a1"]
    await world.finish("a5", "a4")
    assert world.done[4:] == ["a4", "a5"]
    assert world.inbox.under_way() == world.inbox.open() == 0


async def test_the_offset_is_the_first_update_that_is_not_done(world: World) -> None:
    assert world.inbox.offset() is None
    world.take((10, "a"), (11, "b"), (12, "c"))
    for finished, offset in (((), 10), (("b11",), 10), (("a10",), 12)):
        await world.finish(*finished)
        assert world.inbox.offset() == offset
    world.inbox.skip(13)
    assert world.inbox.offset() == 12
    await world.finish("c12")
    assert (world.inbox.offset(), world.inbox.knows(13)) == (14, True)
    world.inbox.confirmed()
    assert world.inbox.offset() is None


async def test_what_is_done_is_not_kept(world: World) -> None:
    for key in range(5_000):
        world.take((key, f"{key % 7}"), opened=True)
        if key % 50 == 49:
            await settled()
            world.inbox.offset()
    assert world.inbox.offset() == 5_000
    assert (len(world.inbox._window), len(world.inbox._chats), len(world.inbox._tasks)) == (1, 0, 0)


async def test_what_takes_too_long_is_set_free_and_still_done(world: World) -> None:
    world.take((1, "a"))
    world.now += PATIENCE - 0.1
    world.take((2, "b"))
    world.inbox.sweep()
    assert world.inbox.set_free == 0
    world.now += 0.1
    world.inbox.sweep()
    assert (world.inbox.offset(), world.inbox.set_free, world.inbox.open(), world.inbox.under_way()) == (2, 1, 1, 2)
    await world.finish("a1")
    assert (world.done, world.inbox.offset()) == (["a1"], 2)


async def test_what_its_chat_surely_holds_up_longer_is_set_free_at_once(world: World) -> None:
    world.take((1, "a"), (2, "b"))
    world.parked = {"a": PATIENCE, "b": PATIENCE - 0.1}
    world.inbox.sweep()
    assert world.inbox.offset() == 2


async def test_a_full_window_frees_only_what_its_own_chat_holds_up(world: World) -> None:
    world.take((1, "busy"), (2, "flood"), (3, "flood"), (4, "flood"), (5, "slow"))
    world.parked = {"slow": 0.5}
    world.inbox.sweep(full=True)
    assert [key for key, update in world.inbox._window.items() if update.open] == [1, 2]
    assert world.inbox.under_way() == 5


async def test_nothing_is_set_free_while_all_are_parked(world: World) -> None:
    world.take((1, "a"))
    world.parked, world.all_parked = {"a": 3_600}, 60.0
    world.now += 3_600
    world.inbox.sweep(full=True)
    assert (world.inbox.offset(), world.inbox.set_free) == (1, 0)


async def test_a_chat_that_floods_is_shed_and_nobody_else(world: World) -> None:
    world.take(*((key, "flood") for key in range(MOST_WAITING + 40)))
    world.take((9_999, "calm"))
    assert (world.inbox.shed, world.inbox.under_way()) == (40, MOST_WAITING + 1)
    await world.finish("calm9999")
    await world.finish(*(f"flood{key}" for key in range(MOST_WAITING + 40)))
    assert world.done == ["calm9999", *(f"flood{key}" for key in range(MOST_WAITING))]


async def test_in_a_chat_each_gets_a_turn_before_anybody_gets_another(world: World) -> None:
    world.take(*((key, "c") for key in range(4)), sender="mallory")
    world.take((10, "c"), (11, "c"), sender="ana")
    world.take((20, "c"), sender="ben")
    for gate in world.gates.values():
        gate.set()
    await settled()
    assert world.done == ["c0", "c10", "c20", "c1", "c11", "c2", "c3"]


async def test_who_comes_late_waits_for_one_turn_of_each_and_holds_up_nobody_for_ever(world: World) -> None:
    world.take(*((key, "c") for key in range(5)), sender="mallory")
    await world.finish("c0", "c1")
    world.take((10, "c"), opened=True, sender="ana")
    await world.finish("c2")
    world.take((11, "c"), opened=True, sender="ana")
    await world.finish("c3", "c4")
    assert world.done == ["c0", "c1", "c2", "c10", "c3", "c11", "c4"]


async def test_of_a_full_chat_whoever_floods_loses_the_last_and_nobody_else(world: World) -> None:
    world.take(*((key, "c") for key in range(MOST_WAITING)), sender="mallory")
    assert world.inbox.take(500, "c", partial(world._work, "c500"), b"mallory") is False
    world.take(*((key, "c") for key in range(1_000, 1_030)), sender="ana")
    world.take(*((key, "c") for key in range(2_000, 2_010)), sender="ben")
    assert (world.inbox.shed, world.inbox.under_way()) == (41, MOST_WAITING)
    for gate in world.gates.values():
        gate.set()
    await settled()
    assert [name for name in world.done if int(name[1:]) >= 2_000] == [f"c{key}" for key in range(2_000, 2_010)]
    assert sum(1_000 <= int(name[1:]) < 2_000 for name in world.done) == 25
    assert not any(update.sender for update in world.inbox._window.values())


async def test_updates_whose_numbers_start_anew_lower_are_heard(world: World) -> None:
    world.take((900_000, "a"), opened=True)
    await settled()
    world.take((17, "a"))
    assert world.inbox.offset() == 17
    await world.finish("a17")
    assert (world.done, world.inbox.offset()) == (["a900000", "a17"], 18)


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), TimeoutError()])
async def test_an_update_whose_work_fails_does_not_stop_the_next(world: World, error: Exception) -> None:
    async def fails() -> None:
        raise error

    world.inbox.take(1, "a", fails)
    world.take((2, "a"), opened=True)
    await settled()
    assert (world.done, world.inbox.offset()) == (["a2"], 3)


async def test_a_drain_finishes_what_was_begun_and_counts_what_was_free_and_is_lost(world: World, caplog: Any) -> None:
    world.take((1, "done"), (2, "stuck"), (3, "stuck"), (4, "held"), (5, "late"), (6, "late"))
    world.now += PATIENCE
    world.inbox.sweep()
    world.take((7, "late"), (8, "begun"))
    for name in ("done1", "late5", "late6", "late7"):
        world.gates[name].set()
    world.parked = {"held": 100}
    await world.inbox.drain(0.05)
    # What was not set free and had not begun the platform delivers again.
    assert world.done == ["done1", "late5", "late6"]
    (lost,) = (record for record in caplog.records if record.getMessage() == "update-lost")
    assert lost.__dict__["_rueckspiegel"][1] == {"count": "3"}


async def test_moved_tells_of_anything_done_and_gives_up_after_its_time(world: World) -> None:
    assert await world.inbox.moved(0.001) is False
    world.inbox.skip(1)
    assert await world.inbox.moved(1) is True


async def test_after_a_drain_a_new_listen_serves_what_is_delivered_again(world: World) -> None:
    world.take((1, "a"))
    await settled()
    await world.inbox.drain(0.01)
    assert not world.inbox.knows(1)
    world.take((1, "a"), opened=True)
    await settled()
    assert world.done == ["a1"]


async def test_a_stop_while_an_update_is_being_finished_is_a_stop(world: World) -> None:
    waits = asyncio.create_task(world.inbox.moved(5))
    await settled()
    world.inbox.skip(1)
    waits.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits
