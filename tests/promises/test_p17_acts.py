"""P17. By words and by taps, with one steward and with two: who may act, how much, and what a stop still catches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import App, open_app
from bot.config import Settings
from bot.curating import limit
from bot.deliveries import PENDING, SENT
from bot.intake.history import begin
from bot.keys import Keys
from bot.loops.correct import Corrector
from bot.messages import Role
from bot.store import Store, held, open_store, panic
from tests.bot_api import BotApi
from tests.ledger_world import START, World, started
from tests.live import ROOM, app_on, buttons, live, text
from tests.matrix_runs import until
from tests.newsroom import NOW, Newsroom, empty_folder
from tests.press import CHANNEL, Press
from tests.promises.conftest import Evidence
from tests.test_curating import FACT, ITEM, written
from tests.test_ledger_defects import subscribed
from tests.test_stopping import CHANNELS, let_go, waiting

pytestmark = pytest.mark.promises

INSULT = "Somebody is a liar."
ACTS = (f"/publish {ITEM}", f"/hold {ITEM}", f"/drop {ITEM}", f"/release {ITEM}", f"/withdraw {FACT} x", f"/withdraw {ITEM}")
"""The last one puts aside, as long as there is a draft of that id."""


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with started(database_url) as made:
        yield made


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*.yaml"))}


async def _published(room: Newsroom) -> None:
    """Something is published, and a draft of it lies there again."""
    await written(room)
    for steward in ("anna", "ben") if room.two else ("anna",):
        await room.say(f"/publish {ITEM}", steward)
    await room.say(f"/draft {ITEM}\ntitle en: {INSULT}")


@pytest.mark.promise("P17")
@pytest.mark.parametrize("two", [False, True])
async def test_p17_no_act_without_the_role(app: App, world: World, tmp_path: Path, two: bool, evidence: Evidence) -> None:
    press = Press(app, world, tmp_path / "own", two=two)
    await _published(press.room)

    async def state() -> object:
        return _bytes(press.room.folder), await world.store.run(held.states), await world.store.run(panic.since)

    before, changed = await state(), 0
    refusal = press.room.base.texts.say("en", "command.forbidden")
    for role in (Role.ANYONE, Role.MANAGER):
        for words in (*ACTS, "/panic"):
            assert (await press.room.say(words, role=role)).text == refusal
    assert await state() == before
    for words in (*ACTS[1:], "/panic"):
        now = await state()
        await press.say(words)
        changed += await state() != now
    evidence.finds("said by a steward each of them changes something", changed == len(ACTS))
    evidence.measured(f"{len(ACTS) + 1} acts by two other roles, {'two stewards' if two else 'one'}: nothing changed")


@pytest.mark.promise("P17")
@pytest.mark.parametrize("two", [False, True])
async def test_p17_all_acts_together_have_one_limit(
    app: App, world: World, tmp_path: Path, two: bool, monkeypatch: pytest.MonkeyPatch, evidence: Evidence
) -> None:
    press = Press(app, world, tmp_path / "own", two=two)
    await _published(press.room)
    world.now += timedelta(hours=2)
    monkeypatch.setattr(limit, "MOST_AN_HOUR", 4)
    for words in (f"/drop {ITEM}", f"/release {ITEM}", f"/withdraw {ITEM}", f"/withdraw {ITEM} x"):
        assert "more than 4" not in (await press.say(words)).text
    await press.say(f"/draft {ITEM}\ntitle en: {INSULT}")
    before = _bytes(press.room.folder), await world.store.run(held.states)
    for words in (f"/publish {ITEM}", f"/drop {ITEM}", f"/withdraw {FACT} x", f"/withdraw {ITEM}"):
        assert "more than 4" in (await press.say(words)).text, words
    assert (_bytes(press.room.folder), await world.store.run(held.states)) == before
    world.now += timedelta(hours=1, seconds=1)
    evidence.finds("an hour later the same is done", "more than" not in (await press.say(f"/drop {ITEM}")).text)
    evidence.measured(f"{'two stewards' if two else 'one'}: after 4 acts publish, drop, withdraw and put aside are refused")


@pytest.mark.promise("P17")
async def test_p17_taps_are_checked_and_counted_like_words(
    api: BotApi, app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evidence: Evidence
) -> None:
    monkeypatch.setattr(limit, "MOST_AN_HOUR", 2)
    folder = empty_folder(tmp_path / "own")
    (folder / "README").write_text("ours")
    begin(folder, "Begin", NOW)
    async with _store(tmp_path) as store:
        await _published(Newsroom(app, store, folder))
    anna, eve = api.user(1001, "Anna", language_code="en"), api.user(1002, "Eve", language_code="en")
    room = api.group(-100555, "Stewards", members=[anna, eve])
    opened = open_app(Settings(data=folder))
    opened.__dict__.update(encoder=app.encoder, executor=app.executor)
    settings = {"data": folder, "stewards": {"telegram:1001": "anna"}, "preview_hours": 0}
    running = app_on(opened, api.url, tmp_path / "bot", room=ROOM, **settings)
    async with live(running):
        assert running.store is not None
        await api.wait_sent(1, 30)  # The draft is shown in the room.
        shown, before = api.sent[0], _bytes(folder)
        hung = list(buttons(shown).values())
        forged = [f"1n{words}" for words in ACTS if f"1n{words}" not in hung]
        taps = [(eve, data) for data in (*forged, *hung)] + [(anna, data) for data in forged]
        for number, (who, data) in enumerate(taps, 1):
            api.click(who, shown, data, forge=data not in hung)
            await until(lambda number=number: len(api.answered_queries) >= number, "the tap's answer")  # type: ignore[misc]
        assert (_bytes(folder), await running.store.run(held.states), len(api.sent)) == (before, {}, 1)
        api.click(anna, shown, f"1n/publish {ITEM}")
        await api.wait_sent(2, 30)
        evidence.finds("a steward's tap on a button that hangs there", _bytes(folder) != before)
        for number, words in enumerate((f"/drop {ITEM}", f"/release {ITEM}"), 3):
            api.say(anna, words, chat=room)
            await api.wait_sent(number, 30)
        assert "more than 2" not in str(api.sent[2]["text"])
        assert "more than 2" in text(api)
    evidence.measured(
        f"{len(taps)} taps of somebody else, or on no button: nothing changed; a steward's third act of two: refused"
    )


def _store(tmp_path: Path) -> AbstractAsyncContextManager[Store]:
    return open_store(f"sqlite+aiosqlite:///{tmp_path}/before.db", Keys(b"k" * 32))


@pytest.mark.promises
@pytest.mark.promise("P17")
@pytest.mark.parametrize("stop", ["/panic", f"/hold {ITEM}"])
async def test_p17_alone_nothing_of_it_is_in_a_post_for_half_an_hour(
    app: App, world: World, tmp_path: Path, stop: str, evidence: Evidence
) -> None:
    press = Press(app, world, tmp_path / "own")
    await press.subscribe(CHANNEL)
    await written(press.room)
    await press.say(f"/publish {ITEM}")
    await press.post()
    await press.say(f"/draft {ITEM}\ntitle en: {INSULT}\nsummary en: {INSULT}")
    await press.say(f"/publish {ITEM}")
    await press.say(f"/withdraw {ITEM} {INSULT}")
    early = [*await press.correct(1), *await press.correct(28)]
    assert not [one for one in early if INSULT in one]
    await press.say(stop, "ben")
    late = [*await press.correct(2), *await press.correct(24 * 60)]
    assert not [one for one in late if INSULT in one]
    await world.store.run(panic.lift)
    await world.store.run(lambda t: held.decide(world.store, t, [ITEM], held.SHOWN))
    evidence.finds("where nobody stops it, it comes after that", [one for one in await press.correct(1) if INSULT in one])
    evidence.measured(
        f"a changed title and a reason of one's own: 0 in posts within 30 minutes, 0 after {stop.split(maxsplit=1)[0]}"
    )


@pytest.mark.promise("P17")
async def test_p17_panic_stops_what_waits_is_claimed_and_is_being_corrected(world: World, evidence: Evidence) -> None:
    await subscribed(world, "telegram:-99")
    world.now = START.replace(hour=17)
    await world.planner.tick(world.now)
    await world.deliver()
    delivering = await waiting(world)
    telegram = world.platforms["telegram"]
    calls = len(telegram.calls)
    world.put(replace(world.base.items["one"], summary={"en": "What is said now."}))
    corrector = Corrector(world.store, world.platforms, lambda: world.base, "en")  # type: ignore[arg-type]
    await world.store.run(lambda t: panic.stop(world.store, t, world.now))
    await corrector.tick(world.now)
    await let_go(world, delivering)
    await corrector.tick(world.now)
    assert (len(telegram.calls), telegram.edits) == (calls, [])
    waiting_parts = [part for part in await world.parts() if part.state == PENDING]
    assert (len(waiting_parts), {part.attempts for part in waiting_parts}) == (len(CHANNELS), {0})
    await world.store.run(panic.lift)
    world.now += timedelta(minutes=1)
    await world.deliver()
    await corrector.tick(world.now)
    sent = [part for part in await world.parts() if part.state == SENT]
    evidence.finds("once it is lifted all of it goes", len(sent) == len(CHANNELS) + 1 and telegram.edits)
    evidence.measured(f"{len(CHANNELS) - 16} parts pending, 16 claimed, 1 to be corrected: 0 calls after it")
