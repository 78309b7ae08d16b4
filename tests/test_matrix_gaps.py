"""What was asked while the bot was away is answered, however badly the homeserver tells of it, or it is owned up to."""

from __future__ import annotations

import pytest

from bot.app import App
from bot.transports.matrix import gaps, sync
from bot.transports.matrix.sync import Sync
from tests.live import QUESTION
from tests.matrix import Fault, Person, Proxy
from tests.matrix.content import message
from tests.matrix.crafted import send_raw
from tests.matrix_runs import Account, ask, meet, said_by, until

PAST = "/messages$"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sync tells the last event of a room alone."""
    monkeypatch.setitem(sync.FILTER["room"], "timeline", {"limit": 1})  # type: ignore[index]


async def _away(bot: Account, anna: Person, app: App, proxy: Proxy) -> tuple[str, str]:
    """Two rooms; in the first one something was asked while the bot was down."""
    async with bot.here(app, proxy.url):
        room, other = await meet(anna, bot.user, encrypted=False), await meet(anna, bot.user, encrypted=False)
        await ask(anna, other)
    await anna.say(room, QUESTION)
    for _ in range(3):
        await send_raw(anna, room, "m.room.message", message("x", msgtype="m.notice"))
    return room, other


@pytest.mark.parametrize("kind", [pytest.param("502", marks=pytest.mark.promises), "429"])
async def test_a_past_that_fails_again_and_again_loses_no_question_and_keeps_nobody_waiting(
    bot: Account, anna: Person, app: App, proxy: Proxy, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    room, other = await _away(bot, anna, app, proxy)
    fault = Fault("GET", PAST, before=kind, times=None, retry_after_ms=200)
    proxy.faults.append(fault)
    async with bot.here(app, proxy.url):
        await until(lambda: fault.struck >= 3, "the third failure")
        await ask(anna, other, 2)
        await anna.say(room, QUESTION)
        await ask(anna, other, 3)
        assert anna.seen(room) == []
        fault.times = 0
        await anna.wait_message(room, 2)
    assert len(await said_by(anna, room, bot.user)) == 2
    assert "gap-left" not in caplog.text


async def test_a_stop_while_a_past_is_awaited_loses_no_question(bot: Account, anna: Person, app: App, proxy: Proxy) -> None:
    room, other = await _away(bot, anna, app, proxy)
    fault = Fault("GET", PAST, before="502", times=None)
    proxy.faults.append(fault)
    async with bot.here(app, proxy.url):
        await until(lambda: fault.struck >= 1, "a failure")
        await ask(anna, other, 2)
        await ask(anna, other, 3)
    proxy.faults.clear()
    async with bot.here(app, proxy.url):
        await anna.wait_message(room)
        await ask(anna, other, 4)
    assert len(await said_by(anna, other, bot.user)) == 4


async def test_a_past_that_never_comes_is_owned_up_to_once(
    bot: Account, anna: Person, app: App, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gaps, "TRIES", 2)
    room, _ = await _away(bot, anna, app, proxy)
    proxy.faults.append(Fault("GET", PAST, before="502", times=None))
    async with bot.here(app, proxy.url):
        [said] = await anna.wait_message(room)
        assert "could not all be fetched" in said.body
        await ask(anna, room, 2)
    assert len(await said_by(anna, room, bot.user)) == 2
    assert "gap-left" in caplog.text


@pytest.mark.parametrize("encrypted", [True, pytest.param(False, marks=pytest.mark.promises)])
async def test_a_kill_in_the_first_start_loses_no_question(
    bot: Account, anna: Person, app: App, monkeypatch: pytest.MonkeyPatch, encrypted: bool
) -> None:
    room = await anna.room("Depot", encrypted=encrypted, history="shared")
    await anna.say(room, QUESTION)
    with monkeypatch.context() as killing:
        killing.setattr(Sync, "save", lambda *_: None)
        async with bot.here(app):
            await anna.invite(room, bot.user)
            await anna.wait_member(room, bot.user)
    for _ in range(2):
        await anna.say(room, QUESTION)
    async with bot.here(app):
        await anna.wait_message(room, 2)
        await ask(anna, room, 3)
    assert len(await said_by(anna, room, bot.user)) == 3
