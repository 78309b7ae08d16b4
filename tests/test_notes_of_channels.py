"""What the stewards' room hears of channels names none of them, and does not fill the room."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.deliveries import MOST_ATTEMPTS
from bot.loops.sparing import MOST_AN_HOUR, Sparing
from bot.store import Transaction
from tests.ledger_world import START, World, started
from tests.test_backup_commands import Machine
from tests.test_ledger_defects import HOUR, SLOT, planned, subscribed

ADDRESS, NUMBER = "telegram:-1007099887766", "7099887766"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with started(f"sqlite+aiosqlite:///{tmp_path}/a.db") as made:
        yield made


@pytest.mark.parametrize(
    ("kind", "fates"),
    [
        ("gone", ["gone"]),
        ("unknown", ["vanished"]),
        ("refused", ["content"]),
        ("dead", ["refused"] * MOST_ATTEMPTS),
        ("unplanned", []),
    ],
)
async def test_a_note_calls_a_channel_by_its_row(world: World, kind: str, fates: list[str]) -> None:
    one = await subscribed(world, ADDRESS)
    world.platforms["telegram"].next.extend(fates)
    if kind == "unplanned":

        async def break_it(transaction: Transaction) -> None:
            await transaction.execute(text("UPDATE subscriptions SET settings = replace(settings, 'Berlin', 'Gone')"))

        await world.store.run(break_it)
        world.now = SLOT
        await world.planner.tick(world.now)
    else:
        await planned(world)
    for _ in fates:
        await world.deliver()
        world.now += HOUR / 2
    [values] = [values for key, values in world.notes if key == f"steward.{kind}"]
    for language in ("de", "en"):
        note = world.base.texts.say(language, f"steward.{kind}", **values)
        assert NUMBER not in note
        assert one.id in note
        assert "channel list" in note


async def test_an_outage_is_told_in_a_handful_of_notes_and_one_that_counts_the_rest(world: World) -> None:
    told: list[tuple[str, Mapping[str, str]]] = []

    async def tell(key: str, values: Mapping[str, str]) -> None:
        told.append((key, values))

    world.now = START
    sparing = Sparing(tell, lambda: world.now)
    for number in range(40):
        await sparing.tell("steward.gone", {"address": str(number)})
        world.now += timedelta(seconds=10)
    await sparing.tell("steward.dead", {})
    assert [key for key, _ in told] == ["steward.gone"] * MOST_AN_HOUR + ["steward.dead"]
    world.now = START + HOUR
    await sparing.look()
    await sparing.look()
    assert told[-1] == ("steward.more", {"count": "35", "kind": "gone"})
    assert len(told) == MOST_AN_HOUR + 2
    assert "35" in world.base.texts.say("de", *told[-1][:1], **told[-1][1])
    await sparing.tell("steward.gone", {})
    assert told[-1][0] == "steward.gone"


def test_the_operator_finds_a_channel_by_its_id(tmp_path: Path, bare: Path) -> None:
    machine = Machine(tmp_path / "m", bare)
    machine.run("channel", "add", ADDRESS, "daily", "18:00")
    [line] = machine.run("channel", "list").output.splitlines()
    begin, _, id = line.rpartition(" id=")
    assert begin == f"{ADDRESS} daily 18:00 Europe/Berlin de"
    assert len(id) == 16
