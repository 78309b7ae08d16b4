"""When Telegram or the network fails: no question lost, nobody held up by another's trouble, and loud where that is due."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from bot.app import App
from bot.transports import TransportEnded
from bot.transports.inbox import MOST_WAITING, Inbox
from bot.transports.pace import UNLIMITED, Limits
from bot.transports.pacer import Pacer
from bot.transports.telegram.api import Api
from bot.transports.telegram.intake import BETWEEN_SECONDS, SAME_OFFSET_SECONDS, Intake, Patience
from tests.bot_api import ApiError, BotApi, Fault
from tests.live import QUESTION, app_on, buttons, live, text

GONE = [
    (403, "Forbidden: bot was blocked by the user"),
    (403, "Forbidden: user is deactivated"),
    (403, "Forbidden: bot was kicked from the group chat"),
    (403, "Forbidden: bot was kicked from the supergroup chat"),
    (403, "Forbidden: bot was kicked from the channel chat"),
    (403, "Forbidden: bot is not a member of the supergroup chat"),
    (403, "Forbidden: the group chat was deleted"),
    (400, "Bad Request: chat not found"),
    (400, "Bad Request: need administrator rights in the channel chat"),
    (400, "Bad Request: not enough rights to send text messages to the chat"),
    (400, "Bad Request: have no write access to the chat"),
    (400, "Bad Request: message thread not found"),
    (400, "Bad Request: TOPIC_CLOSED"),
]


@pytest.mark.parametrize(("status", "description"), GONE)
async def test_a_chat_that_is_gone_gets_one_call_and_holds_up_nobody(
    api: BotApi, app: App, tmp_path: Path, status: int, description: str
) -> None:
    api.faults.append(Fault("sendMessage", chat_id=1, error=ApiError(status, description), times=None))
    async with live(app_on(app, api.url, tmp_path / "state")):
        api.say(api.user(1, "Ana", language_code="en"), QUESTION)
        api.say(api.user(2, "Ben", language_code="en"), QUESTION)
        await api.wait_sent(1)
        await api.wait_drained(10)
    assert [call.params["chat_id"] for call in api.calls_of("sendMessage")].count("1") <= 1
    assert [message["chat"]["id"] for message in api.sent] == [2]


REPEATED = [
    (Fault("sendMessage", error=ApiError(429, "Too Many Requests: retry after 1", retry_after=1)), 1),
    (Fault("sendMessage", before="reset"), 1),
    (Fault("sendMessage", before="502"), 1),
    (Fault("sendMessage", before="garbage"), 1),
    (Fault("sendMessage", error=ApiError(500, "Internal Server Error")), 1),
    # It arrived, and nobody could tell: rather twice than never.
    (Fault("sendMessage", after="reset"), 2),
    (Fault("sendMessage", after="502"), 2),
    (Fault("sendMessage", after="garbage"), 2),
]


@pytest.mark.parametrize(("fault", "arrives"), REPEATED)
async def test_an_answer_is_repeated_until_it_arrived(
    api: BotApi, app: App, tmp_path: Path, fault: Fault, arrives: int
) -> None:
    api.faults.append(fault)
    async with live(app_on(app, api.url, tmp_path / "state")):
        api.say(api.user(1, "Ana", language_code="en"), QUESTION)
        await api.wait_sent(arrives, 10)
        await api.wait_drained(10)
    assert len(api.sent) == arrives


EDITS = ["message to edit not found", "message can't be edited", "message is not modified: specified new message content"]


@pytest.mark.parametrize("description", EDITS)
async def test_a_suggestion_that_cannot_be_edited_is_answered_anew(
    api: BotApi, app: App, tmp_path: Path, description: str
) -> None:
    ana = api.user(1, "Ana", language_code="en")
    async with live(app_on(app, api.url, tmp_path / "state")):
        api.say(ana, "/topics")
        await api.wait_sent(1)
        api.faults.append(Fault("editMessageText", error=ApiError(400, f"Bad Request: {description}")))
        api.click(ana, api.sent[0], "1r/start van-cameras")
        await api.wait_calls("editMessageText", 1)
        await api.wait_drained(10)
    assert len(api.sent) == (1 if "not modified" in description else 2)


async def test_refused_buttons_do_not_cost_the_answer(api: BotApi, app: App, tmp_path: Path) -> None:
    api.faults.append(Fault("sendMessage", error=ApiError(400, "Bad Request: BUTTON_DATA_INVALID")))
    async with live(app_on(app, api.url, tmp_path / "state")):
        api.say(api.user(1, "Ana", language_code="en"), QUESTION)
        await api.wait_sent(1)
    assert "Netradyne" in text(api)


async def test_one_parked_chat_does_not_stop_150_others(api: BotApi, app: App, tmp_path: Path) -> None:
    parked = ApiError(429, "Too Many Requests: retry after 3600", retry_after=3600)
    api.faults.append(Fault("sendMessage", chat_id=1, error=parked, times=None))
    async with live(app_on(app, api.url, tmp_path / "state"), Pacer(UNLIMITED)):
        api.say(api.user(1, "Ana", language_code="en"), "hello")
        await api.wait_calls("sendMessage", 1)
        for id in range(2, 152):
            api.say(api.user(id, "Ben", language_code="en"), "hello")
        await api.wait_sent(150, 20)
        await api.wait_drained(10)
    assert {message["chat"]["id"] for message in api.sent} == set(range(2, 152))


async def test_a_flood_in_one_chat_does_not_silence_the_others(api: BotApi, app: App, tmp_path: Path) -> None:
    flooder = api.user(1, "Mallory", language_code="en")
    async with live(app_on(app, api.url, tmp_path / "state"), Pacer(Limits(overall=1000, chat_seconds=0.05))):
        for number in range(400):
            api.say(flooder, f"hello {number}")
        for id in range(2, 12):
            api.say(api.user(id, "Ben", language_code="en"), "hello")
        others = set(range(2, 12))
        await api.wait_for(lambda: others <= {m["chat"]["id"] for m in api.sent}, 10, "answers to the others")
        # Long before the end of the flood.
        assert len([m for m in api.sent if m["chat"]["id"] == 1]) < 60


async def test_with_13_percent_of_calls_failing_every_question_is_answered(api: BotApi, app: App, tmp_path: Path) -> None:
    share = 0.13 / 5
    too_many = ApiError(429, "Too Many Requests: retry after 1", retry_after=1)
    api.faults += [
        Fault("sendMessage", error=too_many, chance=share, times=None),
        Fault("sendMessage", before="reset", chance=share, times=None),
        Fault("sendMessage", after="reset", chance=share, times=None),
        Fault("sendMessage", before="502", chance=share, times=None),
        Fault("getUpdates", before="reset", chance=share, times=None),
    ]
    async with live(app_on(app, api.url, tmp_path / "state"), Pacer(UNLIMITED)):
        for id in range(1, 101):
            api.say(api.user(id, "Ana", language_code="en"), "hello" if id % 2 else QUESTION)
        everybody = set(range(1, 101))
        await api.wait_for(lambda: everybody <= {m["chat"]["id"] for m in api.sent}, 30, "answers to all")
        await api.wait_drained(10)


async def test_a_refused_token_ends_the_run_and_names_the_setting(api: BotApi, app: App, tmp_path: Path) -> None:
    said = await _end_after(api, app, tmp_path, Fault("getUpdates", error=ApiError(401, "Unauthorized"), times=None))
    assert said.startswith("RUECKSPIEGEL_TELEGRAM_TOKEN")
    assert "123456:TEST" not in said


async def test_one_refusal_alone_ends_nothing(api: BotApi, app: App, tmp_path: Path) -> None:
    api.faults.append(Fault("getUpdates", error=ApiError(401, "Unauthorized")))
    async with live(app_on(app, api.url, tmp_path / "state")):
        api.say(api.user(1, "Ana", language_code="en"), "hello")
        await api.wait_sent(1, 10)


async def test_another_poller_ends_the_run_and_says_so(api: BotApi, app: App, tmp_path: Path) -> None:
    conflict = ApiError(
        409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
    )
    said = await _end_after(api, app, tmp_path, Fault("getUpdates", error=conflict, times=None))
    assert "another process polls" in said


async def test_a_webhook_of_before_is_deleted_and_what_waits_is_answered(api: BotApi, app: App, tmp_path: Path) -> None:
    api.say(api.user(1, "Ana", language_code="en"), "hello")
    api.webhook = "https://example.org/hook"
    async with live(app_on(app, api.url, tmp_path / "state"), patience=Patience(other=2.0)):
        await api.wait_sent(1, 10)
    assert [call.params.get("drop_pending_updates") for call in api.calls_of("deleteWebhook")] == [False]


async def test_the_same_offset_is_not_polled_again_within_half_a_second(api: BotApi) -> None:
    now, asked = [100.0], Api(api.token, api.url)
    await asked.start()
    inbox = Inbox(lambda chat: 0.0, lambda: 0.0, lambda: now[0])

    async def take(raws: list[dict[str, object]]) -> None:
        for raw in raws:
            inbox.take(int(str(raw["update_id"])), "1", asyncio.Event().wait)  # type: ignore[arg-type]

    api.say(api.user(1, "Ana", language_code="en"), "hello")
    polling = asyncio.create_task(Intake(asked, inbox, take, clock=lambda: now[0]).poll_for_ever())
    await api.wait_calls("getUpdates", 1)
    await api.wait_for(lambda: inbox.open() == 1, 5, "the update")
    for number in range(2, 5):
        now[0] += BETWEEN_SECONDS
        await api.wait_calls("getUpdates", 2 if number == 2 else number)
        before = len(api.calls_of("getUpdates"))
        now[0] += SAME_OFFSET_SECONDS - 2 * BETWEEN_SECONDS
        for _ in range(20):
            await asked.get(lambda bot: bot.get_me())
        assert len(api.calls_of("getUpdates")) == before
        now[0] += 2 * BETWEEN_SECONDS
    polling.cancel()
    await asyncio.wait([polling])
    await inbox.drain(0)
    await asked.close()


async def test_one_who_floods_a_group_holds_up_and_costs_nobody_else(api: BotApi, app: App, tmp_path: Path) -> None:
    mallory, ana = api.user(1, "Mallory", language_code="en"), api.user(2, "Ana", language_code="en")
    group = api.group(-100200, "Depot 7", members=[mallory, ana])
    for _ in range(MOST_WAITING + 20):
        api.say(mallory, "/ask hello", chat=group)
    api.say(ana, "/topics", chat=group)
    async with live(app_on(app, api.url, tmp_path / "state"), Pacer(UNLIMITED)):
        await api.wait_drained(20)
    assert "1r/start van-cameras" in buttons(api.sent[1]).values()
    assert len(api.sent) == MOST_WAITING


async def test_a_silent_poll_gets_new_connections_and_then_ends_the_run(api: BotApi, app: App, tmp_path: Path) -> None:
    began = time.monotonic()
    said = await _end_after(api, app, tmp_path, Fault("getUpdates", before="hang", times=None))
    assert "has not answered" in said
    assert time.monotonic() - began < 15
    assert len(api.calls_of("getUpdates")) >= 2


async def _end_after(api: BotApi, app: App, tmp_path: Path, fault: Fault) -> str:
    api.faults.append(fault)
    patience = Patience(rebuild=0.3, give_up=1.0, refused=0.4, other=0.4)
    async with live(app_on(app, api.url, tmp_path / "state"), patience=patience) as service:
        async with asyncio.timeout(15):
            while not service.ended:
                await asyncio.sleep(0.02)
        assert isinstance(service.ended[0], TransportEnded)
        return str(service.ended[0])
