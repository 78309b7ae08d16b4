"""Groups, topics and channels, where the employer may read along: spoken only when spoken to, naming nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app import App
from bot.loops.serve import Service
from bot.messages import Address
from bot.store.chats import addresses, keep_chat
from bot.transports import TransportEnded
from tests.bot_api import ApiError, BotApi, Fault
from tests.live import QUESTION, app_on, buttons, live, text

GROUP = -100200


@pytest.fixture
async def bot(api: BotApi, app: App, tmp_path: Path) -> AsyncIterator[Service]:
    async with live(app_on(app, api.url, tmp_path / "state")) as service:
        yield service


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("way", ["/ask {}", "/ask@test_bot {}", "@test_bot {}", "{} @TEST_bot", "reply"])
async def test_commanded_mentioned_or_replied_to_it_answers_short_and_names_nobody(api: BotApi, way: str) -> None:
    ana = api.user(1001, "Ana Canary", language_code="en", username="ana_canary")
    group = api.group(GROUP, "Depot 7", members=[ana])
    if way == "reply":
        api.say(ana, "/topics", chat=group)
        await api.wait_sent(1)
        api.say(ana, QUESTION, chat=group, reply_to=api.sent[0])
        await api.wait_sent(2)
    else:
        api.say(ana, way.format(QUESTION), chat=group)
        await api.wait_sent(1)
    said = api.sent[-1]
    assert "Netradyne" in str(said["text"])
    assert "documented for" in str(said["text"]).lower()
    assert "Hanna Behn" not in str(said["text"])
    assert list(buttons(said).values()) == ["https://t.me/test_bot?start=van-camera-records"]
    assert "reply_to_message" not in said
    assert not any(part in str(said) for part in ("Canary", "canary", "1001", QUESTION))


@pytest.mark.usefixtures("bot")
async def test_the_way_to_ask_privately_opens_that_fact(api: BotApi) -> None:
    api.say(api.user(1, "Ana", language_code="en"), "/start van-camera-records")
    await api.wait_sent(1)
    assert "Netradyne" in text(api)


@pytest.mark.usefixtures("bot")
async def test_what_is_not_addressed_to_it_is_not_answered_and_leaves_nothing(api: BotApi) -> None:
    ana = api.user(1001, "Ana", language_code="en")
    group = api.group(GROUP, "Depot 7", members=[ana])
    api.set_status(group, "administrator")
    await api.wait_sent(1)
    assert "administrator" in text(api)
    for said in (QUESTION, "/ask@other_bot " + QUESTION, "!ask " + QUESTION, "/weather", "mail me: a@test_bot.example"):
        api.say(ana, said, chat=group)
    api.say(ana, "/ask " + QUESTION, chat=group)
    await api.wait_sent(2)
    await api.wait_drained(5)
    assert len(api.sent) == 2


@pytest.mark.usefixtures("bot")
async def test_made_administrator_it_says_so_once_and_asks_to_be_demoted(api: BotApi) -> None:
    ana = api.user(1, "Ana", language_code="en")
    group = api.group(GROUP, "Depot 7", members=[ana])
    for status in ("administrator", "member", "administrator"):
        api.set_status(group, status)
    await api.wait_sent(2)
    api.say(ana, "/help", chat=group)
    await api.wait_sent(3)
    assert "ordinary member" in text(api, 0)
    assert "ordinary member" not in text(api, 2)


@pytest.mark.usefixtures("bot")
async def test_answers_stay_in_their_topic_and_general_has_none(api: BotApi) -> None:
    ana = api.user(1, "Ana", language_code="en")
    forum = api.group(GROUP, "Depot 7", members=[ana], forum=True)
    api.topic(forum, 42, "Vans")
    api.say(ana, "/ask " + QUESTION, chat=forum, thread=42)
    await api.wait_sent(1)
    api.say(ana, "/ask " + QUESTION, chat=forum, thread=1)
    await api.wait_sent(2)
    assert [message.get("message_thread_id") for message in api.sent] == [42, None]


@pytest.mark.usefixtures("bot")
async def test_a_reply_chain_is_no_topic(api: BotApi) -> None:
    ana = api.user(1, "Ana", language_code="en")
    group = api.group(GROUP, "Depot 7", members=[ana])
    first = api.say(ana, "/ask hello", chat=group)
    await api.wait_sent(1)
    api.say(ana, "/ask " + QUESTION, chat=group, reply_to=first)
    await api.wait_sent(2)
    assert "message_thread_id" not in api.calls_of("sendMessage")[-1].params


@pytest.mark.usefixtures("bot")
async def test_a_closed_topic_stops_nothing(api: BotApi) -> None:
    ana = api.user(1, "Ana", language_code="en")
    forum = api.group(GROUP, "Depot 7", members=[ana], forum=True)
    api.topic(forum, 42, "Vans", closed=True)
    api.say(ana, "/ask " + QUESTION, chat=forum, thread=42)
    await api.wait_calls("sendMessage", 1)
    api.say(ana, "/ask " + QUESTION, chat=forum)
    await api.wait_sent(1)
    await api.wait_drained(5)


@pytest.mark.usefixtures("bot")
async def test_a_channel_s_poster_can_command_it(api: BotApi) -> None:
    channel = api.channel(-100300, "Union news", admins=[api.user(5, "Ben")])
    api.post(channel, "Read this: " + QUESTION)
    api.post(channel, "/ask " + QUESTION)
    await api.wait_sent(1)
    await api.wait_drained(5)
    assert len(api.sent) == 1


async def test_an_account_that_reads_groups_does_not_run(api: BotApi, app: App, tmp_path: Path) -> None:
    api.can_read_all_group_messages = True
    async with live(app_on(app, api.url, tmp_path / "state")) as service:
        await asyncio.wait_for(_ended(service), 10)
    assert isinstance(service.ended[0], TransportEnded)
    assert "/setprivacy" in str(service.ended[0])
    assert api.sent == []


async def test_a_migrated_group_is_answered_and_what_is_kept_moves_at_once(api: BotApi, app: App, tmp_path: Path) -> None:
    from bot.keys import Keys
    from bot.store import open_store

    ana = api.user(1, "Ana", language_code="en")
    group = api.group(-555, "Depot 7", members=[ana], supergroup=False)
    opened = app_on(app, api.url, tmp_path / "state")
    async with open_store(opened.settings.database_url, Keys(b"k" * 32)) as store:
        await store.run(lambda c: keep_chat(store, c, Address("telegram", "-555")))
        async with live(opened):
            api.say(ana, "/ask hello", chat=group)
            await api.wait_sent(1)
            new = api.migrate(group)
            await api.wait_drained(5)
            api.say(ana, "/ask " + QUESTION, chat=new)
            await api.wait_sent(2)
        kept = await store.run(lambda c: addresses(store, c))
    assert [address.chat for address in kept.values()] == [str(new.id)]


@pytest.mark.usefixtures("bot")
async def test_only_a_slash_commands_and_whatever_is_replied_is_heard(api: BotApi) -> None:
    ana = api.user(1, "Ana", language_code="en")
    group = api.group(GROUP, "Depot 7", members=[ana])
    api.say(ana, "/topics", chat=group)
    await api.wait_sent(1)
    for number, said in enumerate((f"!help {QUESTION}", f"!so {QUESTION}"), 2):
        api.say(ana, said, chat=group, reply_to=api.sent[0])
        await api.wait_sent(number)
        assert "van" in text(api)
    api.say(ana, f"!so @test_bot {QUESTION}", chat=group)
    await api.wait_sent(4)
    assert "van" in text(api)
    api.say(ana, "/weather", chat=group, reply_to=api.sent[0])
    await api.wait_sent(5)
    assert "no command" in text(api)
    api.say(ana, "/weather@other_bot", chat=group, reply_to=api.sent[0])
    await api.wait_drained(5)
    assert len(api.sent) == 5


@pytest.mark.usefixtures("bot")
async def test_an_anonymous_administrator_runs_the_group_and_a_channel_that_speaks_there_does_not(api: BotApi) -> None:
    group = api.group(GROUP, "Depot 7", members=[api.user(1, "Ana")])
    channel = api.channel(-100300, "News", admins=[api.user(5, "Ben")])
    api.say_as_channel(channel, "/digest daily 18:00", group)
    await api.wait_sent(1)
    assert text(api) == "Only who runs this chat may do that."
    api.say_anonymously(group, "/digest daily 18:00")
    await api.wait_sent(2)
    assert "Next digest" in text(api)
    assert api.calls_of("getChatAdministrators") == []


UNTOLD = [
    Fault("getChatAdministrators", before="reset", times=None),
    Fault("getChatAdministrators", error=ApiError(429, "Too Many Requests: retry after 99", retry_after=99), times=None),
    Fault("getChatAdministrators", error=ApiError(400, "Bad Request: member list is inaccessible"), times=None),
]


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("fault", UNTOLD)
async def test_where_nobody_tells_who_runs_the_group_it_says_so_and_not_what_is_untrue(
    api: BotApi, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setattr("bot.transports.telegram.api.FIRST_PAUSE", 0.01)
    ben = api.user(5, "Ben", "en")
    group = api.group(GROUP, "Depot 7", admins=[ben])
    api.say_anonymously(group, "/digest daily 18:00")
    await api.wait_sent(1)
    api.faults.append(fault)
    for number, said in enumerate(("/forget", "/digest"), 2):
        api.say(ben, said, chat=group)
        await api.wait_sent(number)
        assert "went wrong" in text(api)
    assert (len(api.calls_of("getChatAdministrators")) == 6) is (fault.before is not None)
    api.faults.clear()
    api.say(ben, "/forget", chat=group)
    await api.wait_sent(4)
    assert "Nothing of this channel is stored" in text(api)


@pytest.mark.usefixtures("bot")
async def test_who_runs_the_group_is_asked_once_more_where_the_call_failed(
    api: BotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.transports.telegram.api.FIRST_PAUSE", 0.01)
    ben = api.user(5, "Ben", "en")
    api.faults.append(Fault("getChatAdministrators", before="502", times=2))
    api.say(ben, "/digest daily 18:00", chat=api.group(GROUP, "Depot 7", admins=[ben]))
    await api.wait_sent(1)
    assert "Next digest" in text(api)


@pytest.mark.parametrize("told", [True, False])
async def test_the_stewards_room_is_followed_where_it_goes(
    api: BotApi, app: App, tmp_path: Path, caplog: pytest.LogCaptureFixture, told: bool
) -> None:
    anna = api.user(7, "Anna", "en")
    old = api.group(-555, "Stewards", members=[anna], supergroup=False)
    opened = app_on(app, api.url, tmp_path / "state", room="telegram:-555", stewards={"telegram:7": "anna"})
    if not told:  # It went while nobody listened, and longer ago than Telegram keeps updates.
        new = api.migrate(old)
        api.queue.waiting.clear()
    async with live(opened):
        if told:
            api.say(anna, "/help", chat=old)
            await api.wait_sent(1)
            new = api.migrate(old)
            await api.wait_drained(5)
        api.say(api.user(1, "Ana", "en"), "/report van-camera-maker")
        await api.wait_for(lambda: bool(api.sent_to(new.id)) and bool(api.sent_to(1)), 5, "the note")
        assert "Passed on" in text(api)
        api.say(anna, "/panic", chat=new)
        await api.wait_for(lambda: len(api.sent_to(new.id)) > 1, 5, "an answer to the steward")
    assert "Only who runs" not in str(api.sent_to(new.id)[1]["text"])
    moved = [record for record in caplog.records if record.getMessage() == "room-moved"]
    assert [record.__dict__["_rueckspiegel"][1] for record in moved] == [{}]


async def _ended(service: Service) -> None:
    while not service.ended:
        await asyncio.sleep(0.02)
