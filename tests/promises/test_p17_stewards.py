"""P17. What a stolen steward's account can do, and how it is stopped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import time, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.app import App
from bot.commands.panic import panic as panic_command
from bot.commands.status import status
from bot.curating import limit
from bot.digests import Schedule, Subscription
from bot.intake.history import begin
from bot.keys import Keys
from bot.messages import Address, Role
from bot.store import Store, ledger, open_store, panic, subscriptions
from handlers import router
from tests.bot_api import BotApi
from tests.conftest import NOW, Clock
from tests.live import ROOM, app_on, live, text, with_item
from tests.newsroom import Newsroom, empty_folder
from tests.promises.conftest import Evidence
from tests.test_curating import FACT, ITEM, written
from tests.test_digests import CHANNEL, SLOT

KEYS = Keys(b"k" * 32)
STEWARDS = {name for name, command in router.commands.items() if command.needs is Role.STEWARD}
MANAGERS = {name for name, command in router.commands.items() if command.needs is Role.MANAGER}
ARGUMENTS = {"draft": ITEM, "publish": ITEM, "withdraw": f"{ITEM} it was wrong", "hold": ITEM, "drop": ITEM, "release": ITEM}
SECRET = Address("telegram", "-1007099887766")


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(database_url, KEYS) as opened:
        yield opened


@pytest.fixture
def two(app: App, store: Store, tmp_path: Path) -> Newsroom:
    folder = empty_folder(tmp_path / "own")
    (folder / "README").write_text("ours")
    begin(folder, "Begin", NOW)
    return Newsroom(app, store, folder, two=True)


async def _all_said(room: Newsroom, role: Role) -> dict[str, str]:
    """What each command of stewards is answered with."""
    return {name: (await room.say(f"/{name} {ARGUMENTS.get(name, '')}".strip(), role=role)).text for name in sorted(STEWARDS)}


@pytest.mark.promise("P17")
async def test_p17_every_command_asks_for_its_role(two: Newsroom, evidence: Evidence) -> None:
    assert {"drafts", "draft", "publish", "hold", "drop", "release", "withdraw", "sheet", "panic"} <= STEWARDS
    refusal = two.base.texts.say("en", "command.forbidden")
    for role in (Role.ANYONE, Role.MANAGER):
        assert set((await _all_said(two, role)).values()) == {refusal}
    for name in MANAGERS:
        assert (await two.say(f"/{name}", role=Role.ANYONE)).text == refusal
    allowed = await _all_said(two, Role.STEWARD)
    evidence.finds("the same commands, said by a steward, are not refused", refusal not in allowed.values())
    assert await two.store.run(panic.since) is not None
    evidence.measured(f"{len(STEWARDS) + len(MANAGERS)} commands that need a role, each refused to those without it")


@pytest.mark.promise("P17")
async def test_p17_a_stolen_account_is_narrow(two: Newsroom, monkeypatch: pytest.MonkeyPatch, evidence: Evidence) -> None:
    wanted = Subscription("", SECRET, Schedule("daily", time(18), "Europe/Berlin"), "en")
    await two.store.run(lambda transaction: subscriptions.subscribe(two.store, transaction, wanted, NOW, []))
    await written(two)
    said = [
        (await two.say(f"/{name} {ARGUMENTS.get(name, '')}")).text for name in ("drafts", "draft", "hold", "sheet", "publish")
    ]
    assert not [one for one in said if SECRET.chat in one]
    assert ITEM not in two.base.items  # one alone publishes nothing
    assert await two.store.run(ledger.counts) == {}  # and nothing he writes goes to a channel
    await two.say(f"/publish {ITEM}", steward="ben")
    evidence.finds("a second steward does publish", ITEM in two.base.items)
    monkeypatch.setattr(limit, "MOST_AN_HOUR", 1)
    await two.say(f"/draft {FACT}")
    assert "Nobody publishes more than 1 in an hour" in (await two.say(f"/publish {FACT}", steward="ben")).text
    evidence.measured("alone: 0 published, 0 posts, 0 addresses shown; above the hourly limit: refused")


@pytest.mark.promise("P17")
async def test_p17_panic_stops_stewards_and_only_the_operator_lifts_it(two: Newsroom, evidence: Evidence) -> None:
    await written(two)
    before = await two.say("/drafts")
    assert "Stopped." in (await two.say("/panic")).text
    stopped = two.base.texts.say("en", "panic.stopped")
    said = await _all_said(two, Role.STEWARD)
    assert {name for name, one in said.items() if one != stopped} == {"panic"}
    assert "Hello" in (await two.say("/ask hello", role=Role.ANYONE)).text
    await two.store.run(panic.lift)
    evidence.finds("before and after it, stewards are heard", (await two.say("/drafts")).text == before.text != stopped)
    evidence.measured(f"{len(STEWARDS) - 1} commands say “stopped”, questions are answered ({two.store.engine.dialect.name})")


@pytest.mark.promise("P17")
async def test_p17_panic_stops_what_is_on_its_way(
    api: BotApi, app: App, tmp_path: Path, clock: Clock, evidence: Evidence
) -> None:
    anna = api.user(7, "Anna", "en")
    api.channel(CHANNEL, "Union news", admins=[api.user(5, "Ben")])
    room = api.group(-100555, "Stewards", members=[anna])
    opened = app_on(app, api.url, tmp_path / "state", room=ROOM, stewards={"telegram:7": "anna"}, preview_hours=0)
    async with live(opened):
        api.post(CHANNEL, "/digest daily 18:00")
        await api.wait_sent(1, 30)
        api.say(anna, "/panic", chat=room)
        await api.wait_sent(2, 30)
        opened.base = with_item(opened, "brand-new")
        clock.now = SLOT
        api.say(api.user(1, "Ana", "en"), "hello")
        await api.wait_sent(3, 30)
        api.post(CHANNEL, "/status")
        await api.wait_sent(4, 30)
        assert text(api).startswith("Stopped")
        clock.now += timedelta(minutes=5)
        assert opened.store is not None
        assert await opened.store.run(ledger.counts) == {}
        assert len(api.sent) == 4
        await opened.store.run(panic.lift)
        await api.wait_for(lambda: any("Title of brand-new" in str(one["text"]) for one in api.sent), 60, "the digest")
        evidence.finds("once it is lifted the digest comes", "Title of brand-new" in text(api))
    evidence.measured("a digest that fell due while stopped: 0 planned, 0 sent, 1 sent after; an answer meanwhile")


@pytest.mark.promise("P17")
def test_p17_the_operator_stops_and_lifts_it_at_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evidence: Evidence
) -> None:
    monkeypatch.setenv("RUECKSPIEGEL_STATE", str(tmp_path / "state"))
    run = CliRunner().invoke
    assert "stopped since" in run(panic_command).output
    shown = run(status).output
    assert "publishing goes on" in run(panic_command, ["lift"]).output
    evidence.finds("`status` says so while it is stopped", "stopped since" in shown and "stopped" not in run(status).output)
    evidence.measured("stopped, shown and lifted from the command line")
