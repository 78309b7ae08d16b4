"""The outcome table: what becomes of a call, by each error text and each fault, before and after it took effect."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator

import pytest

from bot.deliveries import Gone, Later, Missing, Outcome, Refused, Sent, Unsure
from bot.environment import BrokenSettings
from bot.messages import Address, Reply, Span, reply
from bot.transports.pace import UNLIMITED, Limits
from bot.transports.pacer import Pacer
from bot.transports.telegram.api import Api
from bot.transports.telegram.http import proxy_for
from bot.transports.telegram.sending import GIVE_UP_SECONDS, LONGEST_PAUSE, Sender
from tests.bot_api import ApiError, BotApi, Fault
from tests.bot_api.faults import Damage

ANA = Address("telegram", "1")
HANGS_SECONDS = 0.8


class Pauses:
    """Time that passes only in pauses; `over` seconds on, Telegram is well again."""

    def __init__(self, api: BotApi) -> None:
        self.api, self.now, self.over = api, 0.0, float("inf")

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.now >= self.over:
            self.api.faults.clear()


@pytest.fixture
async def pauses(api: BotApi) -> Pauses:
    api.user(1, "Ana")
    return Pauses(api)


@pytest.fixture
async def calls(api: BotApi) -> AsyncIterator[Api]:
    made = Api(api.token, api.url, call_seconds=HANGS_SECONDS)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def sender(calls: Api, pauses: Pauses) -> Sender:
    async def moved(old: Address, new: Address) -> None:
        pass

    return Sender(calls, Pacer(UNLIMITED), "test_bot", moved, pauses.sleep)


TEXTS: list[tuple[str, ApiError, type[Outcome]]] = [
    ("sendMessage", ApiError(400, "Bad Request: chat not found"), Gone),
    ("sendMessage", ApiError(403, "Forbidden: bot was blocked by the user"), Gone),
    ("sendMessage", ApiError(400, "Bad Request: message to be replied not found"), Refused),
    ("sendMessage", ApiError(400, "Bad Request: BUTTON_DATA_INVALID"), Refused),
    ("sendMessage", ApiError(429, "Too Many Requests: retry after 9", retry_after=9), Later),
    ("sendMessage", ApiError(401, "Unauthorized"), Later),
    ("sendMessage", ApiError(500, "Internal Server Error"), Unsure),
    ("editMessageText", ApiError(400, "Bad Request: message to edit not found"), Missing),
    ("editMessageText", ApiError(400, "Bad Request: message can't be edited"), Missing),
    ("editMessageText", ApiError(400, "Bad Request: MESSAGE_ID_INVALID"), Missing),
    ("editMessageText", ApiError(400, "Bad Request: message is not modified: it is the same"), Sent),
    ("deleteMessages", ApiError(400, "Bad Request: message to delete not found"), Missing),
    ("deleteMessages", ApiError(400, "Bad Request: message can't be deleted"), Missing),
]


@pytest.mark.parametrize(("method", "error", "outcome"), TEXTS)
async def test_each_error_text_has_its_outcome(
    api: BotApi, calls: Api, sender: Sender, method: str, error: ApiError, outcome: type[Outcome]
) -> None:
    (id,) = await sender.answer(ANA, reply("hello"))
    api.faults.append(Fault(method, error=error))
    made = {
        "sendMessage": lambda bot: bot.send_message(1, "x"),
        "editMessageText": lambda bot: bot.edit_message_text("x", 1, int(id)),
        "deleteMessages": lambda bot: bot.delete_messages(1, [int(id)]),
    }
    assert type(await calls.do(made[method])) is outcome


@pytest.mark.parametrize("damage", ["reset", "502", "garbage", "hang"])
async def test_of_what_was_written_nobody_can_tell(api: BotApi, calls: Api, pauses: Pauses, damage: Damage) -> None:
    await calls.do(lambda bot: bot.send_message(1, "x"))  # The connection is there by now.
    api.faults.append(Fault("sendMessage", before=damage))
    assert await calls.do(lambda bot: bot.send_message(1, "x")) == Unsure()
    assert len(api.calls_of("sendMessage")) == 2


async def test_what_found_nobody_was_not_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        calls = Api("1:x", f"http://127.0.0.1:{taken.getsockname()[1]}", call_seconds=2.0)
        assert await calls.do(lambda bot: bot.send_message(1, "x")) == Later()
        await calls.close()


BEFORE = [Fault("sendMessage", before=damage) for damage in ("reset", "502", "garbage", "hang")]
AFTER = [Fault("sendMessage", after=damage) for damage in ("reset", "502", "garbage", "hang")]


@pytest.mark.parametrize(("fault", "arrives"), [(fault, 1) for fault in BEFORE] + [(fault, 2) for fault in AFTER])
async def test_an_answer_arrives_whatever_strikes_and_when(api: BotApi, sender: Sender, fault: Fault, arrives: int) -> None:
    api.faults.append(fault)
    assert len(await sender.answer(ANA, reply("hello"))) == 1
    assert len(api.sent) == arrives


@pytest.mark.parametrize("damage", ["reset", "502", "garbage", "hang"])
async def test_an_edit_that_took_effect_unnoticed_is_no_second_message(api: BotApi, sender: Sender, damage: str) -> None:
    (id,) = await sender.answer(ANA, reply("hello"))
    api.faults.append(Fault("editMessageText", after=damage))  # type: ignore[arg-type]
    assert await sender.answer(ANA, reply("better"), instead_of=id) == [id]
    assert (len(api.calls_of("editMessageText")), len(api.edits), len(api.sent)) == (2, 1, 1)


@pytest.mark.parametrize("fault", [Fault("sendMessage", before="502"), Fault("sendMessage", error=ApiError(500, "x"))])
@pytest.mark.parametrize("seconds", [15.0, GIVE_UP_SECONDS - 2 * LONGEST_PAUSE])
async def test_an_answer_outlasts_telegram_s_trouble(
    api: BotApi, sender: Sender, pauses: Pauses, fault: Fault, seconds: float
) -> None:
    pauses.over, fault.times = seconds, None
    api.faults.append(fault)
    assert len(await sender.answer(ANA, reply("hello"))) == 1
    assert seconds <= pauses.now <= seconds + LONGEST_PAUSE


async def test_after_an_hour_it_is_given_up(api: BotApi, sender: Sender, pauses: Pauses) -> None:
    api.faults.append(Fault("sendMessage", before="502", times=None))
    assert await sender.answer(ANA, reply("hello")) == []
    assert GIVE_UP_SECONDS <= pauses.now <= GIVE_UP_SECONDS + LONGEST_PAUSE


async def test_an_answer_that_is_refused_goes_out_as_plain_text(api: BotApi, sender: Sender) -> None:
    api.faults.append(Fault("sendMessage", error=ApiError(400, "Bad Request: message to be replied not found")))
    assert len(await sender.answer(ANA, Reply((Span("hello", "bold"),)))) == 1
    assert "entities" not in api.sent[0]


async def test_deleting_waits_for_its_turn_and_for_a_chat_that_is_parked(api: BotApi, sender: Sender) -> None:
    sender.pacer = Pacer(Limits(burst=1, chat_seconds=0.2))
    ids = (*await sender.answer(ANA, reply("one")), *await sender.answer(ANA, reply("two")))
    api.faults.append(Fault("deleteMessages", error=ApiError(429, "Too Many Requests: retry after 1", retry_after=1)))
    assert await sender.delete(ANA, ids) == 2
    sent, (first, second) = api.calls_of("sendMessage")[-1], api.calls_of("deleteMessages")
    # The bot waits at least so long; how much longer is the machine's.
    assert first.at - sent.at > 0.1
    assert second.at - first.at > 0.9


@pytest.mark.parametrize("damage", ["reset", "502"])
async def test_deleting_is_repeated_until_it_is_known(api: BotApi, sender: Sender, damage: str) -> None:
    ids = tuple(await sender.answer(ANA, reply("one")))
    api.faults += [Fault("deleteMessages", before=damage), Fault("deleteMessages", after=damage)]  # type: ignore[arg-type]
    assert await sender.delete(ANA, ids) == 1
    assert len(api.calls_of("deleteMessages")) == 3


async def test_a_call_that_hangs_gives_its_connection_back(
    api: BotApi, pauses: Pauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.transports.telegram.api.CONNECTIONS", 1)
    calls = Api(api.token, api.url, call_seconds=0.5)
    await calls.start()
    api.faults.append(Fault("sendMessage", before="hang"))
    assert await calls.do(lambda bot: bot.send_message(1, "x")) == Unsure()
    assert isinstance(await calls.do(lambda bot: bot.send_message(1, "x")), Sent)
    await calls.close()


async def test_whoever_waits_for_a_connection_that_is_closed_was_not_sent(
    api: BotApi, pauses: Pauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.transports.telegram.api.CONNECTIONS", 1)
    calls = Api(api.token, api.url, call_seconds=5.0)
    await calls.start()
    api.faults.append(Fault("sendMessage", before="hang"))
    first, *others = [asyncio.ensure_future(calls.do(lambda bot: bot.send_message(1, "x"))) for _ in range(3)]
    while not api.calls_of("sendMessage"):
        await asyncio.sleep(0.01)
    await calls.close()
    assert await asyncio.gather(*others) == [Later(), Later()]
    assert await first == Unsure()
    assert await calls.do(lambda bot: bot.send_message(1, "x")) == Later()
    assert len(api.calls_of("sendMessage")) == 1


async def test_new_connections_leave_what_is_under_way_to_its_end(api: BotApi, pauses: Pauses) -> None:
    calls = Api(api.token, api.url, call_seconds=5.0)
    await calls.start()
    api.faults.append(Fault("sendMessage", delay=0.5))
    under_way = asyncio.ensure_future(calls.do(lambda bot: bot.send_message(1, "x")))
    while not api.calls_of("sendMessage"):
        await asyncio.sleep(0.01)
    await calls.rebuild()
    assert isinstance(await calls.do(lambda bot: bot.send_message(1, "y")), Sent)
    assert isinstance(await under_way, Sent)
    await calls.close()


async def test_a_connection_that_was_closed_meanwhile_is_not_used_again() -> None:
    body = b'{"ok":true,"result":true}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    said = threading.Event()

    def once_each(listening: socket.socket) -> None:
        while not said.wait(0):
            with contextlib.suppress(OSError), listening.accept()[0] as connection:
                connection.recv(2**16)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=once_each, args=[listening], daemon=True)
        serving.start()
        calls = Api("1:x", f"http://127.0.0.1:{listening.getsockname()[1]}", call_seconds=2.0)
        for _ in range(20):
            assert await calls.do(lambda bot: bot.delete_message(1, 2)) == Sent("")
            time.sleep(0.01)  # noqa: ASYNC251 - while the loop is busy the other side closes, and the loop has not heard of it.
        await calls.close()
        said.set()


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ({}, None),
        ({"https_proxy": "http://proxy:3128"}, "http://proxy:3128"),
        ({"https_proxy": "proxy:3128"}, "http://proxy:3128"),
        ({"all_proxy": "http://proxy:3128"}, "http://proxy:3128"),
        ({"http_proxy": "http://proxy:3128"}, None),
        ({"https_proxy": "http://proxy:3128", "no_proxy": "telegram.org"}, None),
    ],
)
def test_the_proxy_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch, named: dict[str, str], found: str | None
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    assert proxy_for("https://api.telegram.org") == found


def test_a_proxy_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:9050")
    with pytest.raises(BrokenSettings, match="HTTPS_PROXY"):
        Api("1:x", "https://api.telegram.org")
