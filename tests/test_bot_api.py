"""The test server itself, through stock python-telegram-bot and plain HTTP."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from telegram import Bot, BotCommand, BotCommandScopeChat, InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity
from telegram import error as telegram_error
from telegram.request import HTTPXRequest

from tests.bot_api import ApiError, BotApi, Fault
from tests.bot_api.process import RemoteBotApi

Json = dict[str, Any]
SUPERGROUP, BASIC, CHANNEL = -1001, -77, -1009
TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"
ECHO = """
import asyncio, aiohttp, sys
async def main(url):
    async with aiohttp.ClientSession() as session:
        offset = 0
        while True:
            async with session.post(url + "/getUpdates", json={"offset": offset, "timeout": 20}) as answer:
                updates = (await answer.json())["result"]
            for update in updates:
                message, offset = update["message"], update["update_id"] + 1
                echo = {"chat_id": message["chat"]["id"], "text": message["text"]}
                async with session.post(url + "/sendMessage", json=echo) as answer:
                    await answer.read()
asyncio.run(main(sys.argv[1]))
"""


class Client:
    """Plain HTTP: `await http(method, ...)` gives status and body."""

    def __init__(self, api: BotApi, session: aiohttp.ClientSession) -> None:
        self.api, self.session = api, session
        self.headers: Any = {}

    async def __call__(self, method: str, wait: float | None = 10, token: str | None = None, **params: Any) -> tuple[int, Json]:
        url = f"{self.api.url}/bot{token or self.api.token}/{method}"
        async with self.session.post(url, json=params, timeout=aiohttp.ClientTimeout(wait)) as response:
            self.headers = response.headers
            return response.status, await response.json()

    async def told(self, method: str, **params: Any) -> str:
        """The description of a refusal."""
        return str((await self(method, **params))[1]["description"])


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as api:
        api.user(1, "Ana", "es")
        api.user(2, "Ben")
        yield api


@pytest.fixture
async def http(api: BotApi) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(api, session)


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[Bot]:
    requests = HTTPXRequest(4), HTTPXRequest(2)
    async with Bot(api.token, base_url=f"{api.url}/bot", request=requests[0], get_updates_request=requests[1]) as bot:
        yield bot


def kinds(api: BotApi) -> list[str]:
    """The kinds of the updates that wait; they are forgotten."""
    found = [key for update in api.pending for key in update if key != "update_id"]
    api.queue.waiting.clear()
    return found


# --- calls and the schema ---------------------------------------------------------------------------------------------


async def test_stock_library_gets_in(api: BotApi, bot: Bot) -> None:
    assert bot.username == "test_bot"
    assert not bot.can_read_all_group_messages
    assert api.violations == []


async def test_parameters_come_as_json_form_multipart_and_query(api: BotApi, http: Client) -> None:
    url, fields = f"{api.url}/bot{api.token}/sendMessage", {"chat_id": "1", "text": "x"}
    markup = '{"inline_keyboard":[[{"text":"A","callback_data":"a"}]]}'
    multipart = aiohttp.FormData(fields | {"reply_markup": markup})
    multipart.add_field("disable_notification", "true", content_type="text/plain")
    for body in ({"data": fields | {"reply_markup": markup}}, {"data": multipart}, {"json": {"chat_id": 1, "text": "x"}}):
        async with http.session.post(url, **body) as response:
            assert response.status == 200, await response.text()
            assert "Date" in response.headers
    async with http.session.get(url, params=fields) as response:
        assert response.status == 200
    assert len(api.sent) == 4
    assert [message.get("reply_markup") is not None for message in api.sent] == [True, True, False, False]
    assert [message["_silent"] for message in api.sent] == [False, True, False, False]
    assert [call.params["chat_id"] for call in api.calls] == [1] * 4


async def test_wrong_token(http: Client) -> None:
    assert await http("getMe", token="1:X") == (401, {"ok": False, "error_code": 401, "description": "Unauthorized"})


@pytest.mark.parametrize(
    ("method", "params", "problem"),
    [
        ("sendMesage", {}, "no such method"),
        ("sendPhoto", {"chat_id": 1, "photo": "x"}, "sendPhoto: valid but not modelled"),
        ("sendMessage", {"chat_id": 1, "text": "x", "message_effect_id": "5"}, "not modelled: message_effect_id"),
        ("sendMessage", {"chat_id": 1, "text": "x", "colour": "red"}, "sendMessage.colour: unknown parameter"),
        ("sendMessage", {"chat_id": 1, "text": "x", "reply_to_message_id": 5}, "deprecated parameter"),
        ("sendMessage", {"chat_id": 1}, "sendMessage.text: missing"),
        ("sendMessage", {"chat_id": 1, "text": "x", "entities": [{"type": "bold"}]}, "sendMessage.entities"),
        ("sendMessage", {"chat_id": 1, "text": "x", "reply_markup": {"inline_keyboard": [[{"txt": "A"}]]}}, "reply_markup"),
        ("sendMessage", {"chat_id": 1, "text": "x", "reply_parameters": {"message_id": 1, "no": 1}}, "unknown field no"),
        ("sendMessage", {"chat_id": 1, "text": "x", "parse_mode": "HTML"}, "parse_mode"),
        ("answerCallbackQuery", {"callback_query_id": "1", "text": "x" * 201}, "201 characters, 0-200 allowed"),
        ("deleteMessages", {"chat_id": 1, "message_ids": []}, "0 identifiers, 1-100 allowed"),
        ("sendChatAction", {"chat_id": 1, "action": "dance"}, "action"),
    ],
)
async def test_what_does_not_fit_is_a_violation_and_a_400(
    api: BotApi, http: Client, method: str, params: Json, problem: str
) -> None:
    status, body = await http(method, **params)
    assert (status, body["ok"]) == (400, False)
    assert len(api.violations) == 1
    assert problem in api.violations[0]
    assert api.sent == []


async def test_answers_are_checked_too(api: BotApi, http: Client) -> None:
    api.me.name = None  # type: ignore[assignment]
    assert (await http("getMe"))[0] == 500
    assert "answer of getMe" in api.violations[0]
    with pytest.raises(ApiError):
        api.say(1, "x", colour="red")


# --- updates ----------------------------------------------------------------------------------------------------------


async def test_a_higher_offset_confirms(api: BotApi, bot: Bot) -> None:
    for text in "abc":
        api.say(1, text)
    first = await bot.get_updates(limit=2)
    assert [update.message.text for update in first if update.message] == ["a", "b"]
    later = await bot.get_updates(offset=first[0].update_id + 1)
    assert [update.update_id - first[0].update_id for update in later] == [1, 2]
    assert [update.update_id for update in await bot.get_updates(offset=-1)] == [later[1].update_id]
    assert len(api.pending) == 1
    await bot.get_updates(offset=later[1].update_id + 1)
    await api.wait_drained(1)


async def test_limit_is_at_most_100_and_1_when_the_offset_comes_again_at_once(api: BotApi, http: Client) -> None:
    for _ in range(130):
        api.say(1, "x")
    sizes = [len((await http("getUpdates", limit=200))[1]["result"]) for _ in range(2)]
    assert sizes == [100, 1]
    await asyncio.sleep(0.55)
    assert len((await http("getUpdates"))[1]["result"]) == 100


async def test_the_long_poll_ends_with_an_update(api: BotApi, bot: Bot) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=20))
    await api.wait_calls("getUpdates")
    api.say(1, "hola")
    assert [update.message.text for update in await asyncio.wait_for(poll, 1) if update.message] == ["hola"]
    started = time.monotonic()
    assert await bot.get_updates(offset=2**31, timeout=1) != ()
    assert time.monotonic() - started < 0.5


async def test_the_same_offset_within_three_seconds_waits(http: Client) -> None:
    started = time.monotonic()
    assert (await http("getUpdates"))[1]["result"] == []
    assert time.monotonic() - started < 0.5
    assert (await http("getUpdates"))[1]["result"] == []
    assert 2.9 < time.monotonic() - started < 4


async def test_the_older_of_two_polls_is_ended(api: BotApi, http: Client) -> None:
    older = asyncio.create_task(http("getUpdates", timeout=20))
    await api.wait_calls("getUpdates")
    await asyncio.sleep(0.05)
    younger = asyncio.create_task(http("getUpdates", timeout=20))
    status, body = await older
    assert (status, body["description"].split(";")[0]) == (409, "Conflict: terminated by other getUpdates request")
    api.say(1, "x")
    assert len((await younger)[1]["result"]) == 1


async def test_allowed_updates_stay_until_changed(api: BotApi, http: Client) -> None:
    await http("getUpdates", allowed_updates=["callback_query"])
    await http("getUpdates", offset=1)
    assert "_update_id" not in api.say(1, "x")
    assert (await http("getWebhookInfo"))[1]["result"]["allowed_updates"] == ["callback_query"]
    await http("getUpdates", offset=2, allowed_updates=[])
    assert "_update_id" in api.say(1, "x")


async def test_updates_grow_old(api: BotApi, http: Client) -> None:
    await http("sendMessage", chat_id=1, text="x", reply_markup={"inline_keyboard": [[{"text": "A", "callback_data": "a"}]]})
    api.click(1, api.sent[0], "a")
    api.say(1, "x")
    api.advance(151)
    assert [key for update in (await http("getUpdates"))[1]["result"] for key in update] == ["update_id", "message"]
    api.advance(24 * 3600)
    assert (await http("getUpdates", offset=1))[1]["result"] == []


async def test_ids_start_at_random_and_can_start_anew(http: Client) -> None:
    assert BotApi(seed=1).queue.next_id != BotApi(seed=2).queue.next_id
    api = http.api
    first = api.say(1, "x")["_update_id"]
    with pytest.raises(RuntimeError):
        api.renumber()
    assert (await http("getUpdates", offset=first + 1))[1]["result"] == []
    api.renumber(5000)
    api.say(1, "y")
    assert [u["update_id"] for u in (await http("getUpdates", offset=first + 1))[1]["result"]] == [5000]


async def test_raw_updates_pass_unchecked(api: BotApi, http: Client) -> None:
    api.raw_update({"message": {"date": "never"}})
    assert (await http("getUpdates"))[1]["result"][0]["message"] == {"date": "never"}
    assert api.violations == []


# --- texts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "description"),
    [
        ("", "message text is empty"),
        (" \n ", "text must be non-empty"),
        ("x" * 4097, "message is too long"),
        ("ñ" * 16385, "text is too long"),
    ],
)
async def test_text_lengths(api: BotApi, http: Client, text: str, description: str) -> None:
    assert await http.told("sendMessage", chat_id=1, text=text) == f"Bad Request: {description}"
    assert len(api.violations) == 1
    assert (await http("sendMessage", chat_id=1, text="😀" * 4096))[0] == 200


@pytest.mark.parametrize(
    ("offset", "length", "right"), [(0, 2, True), (2, 1, True), (0, 1, False), (1, 1, False), (2, 5, False), (-1, 1, False)]
)
async def test_entities_are_counted_in_utf16(api: BotApi, bot: Bot, offset: int, length: int, right: bool) -> None:
    entities = [MessageEntity("bold", offset, length)]
    if right:
        await bot.send_message(1, "😀x", entities=entities)
        assert api.sent[0]["entities"] == [{"type": "bold", "offset": offset, "length": length}]
    else:
        with pytest.raises(telegram_error.BadRequest):
            await bot.send_message(1, "😀x", entities=entities)
    assert (api.violations == []) == right


async def test_too_many_entities(api: BotApi, bot: Bot) -> None:
    with pytest.raises(telegram_error.BadRequest):
        await bot.send_message(1, "x" * 200, entities=[MessageEntity("bold", i, 1) for i in range(101)])
    assert "101 entities" in api.violations[0]


async def test_texts_are_trimmed(api: BotApi, bot: Bot) -> None:
    await bot.send_message(1, "  hi \n", entities=[MessageEntity("bold", 1, 3)])
    assert (api.sent[0]["text"], api.sent[0]["entities"]) == ("hi", [{"type": "bold", "offset": 0, "length": 2}])


async def test_buttons(api: BotApi, bot: Bot) -> None:
    for data in ("ñ" * 33, ""):
        markup = InlineKeyboardMarkup([[InlineKeyboardButton("A", callback_data=data)]])
        with pytest.raises(telegram_error.BadRequest, match=r"(?i)button_data_invalid"):
            await bot.send_message(1, "x", reply_markup=markup)
    await bot.send_message(1, "x", reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("A", callback_data="ñ" * 32)]]))
    assert len(api.violations) == 2


async def test_previews_left_on_are_noted(api: BotApi, http: Client) -> None:
    code = [{"type": "code", "offset": 0, "length": 15}]
    await http("sendMessage", chat_id=1, text="https://a.org/x", link_preview_options={"is_disabled": True})
    await http("sendMessage", chat_id=1, text="https://a.org/x", entities=code)
    await http("sendMessage", chat_id=1, text="me@a.org, z.B. § 3")
    assert api.previews == []
    await http("sendMessage", chat_id=1, text="see a.org")
    await http(
        "sendMessage", chat_id=1, text="x", entities=[{"type": "text_link", "offset": 0, "length": 1, "url": "https://a.org"}]
    )
    await http("editMessageText", chat_id=1, message_id=api.sent[0]["message_id"], text="https://a.org/y")
    assert [preview["text"] for preview in api.previews] == ["see a.org", "x", "https://a.org/y"]


async def test_replies(api: BotApi, http: Client) -> None:
    message = api.say(1, "one two")
    reply = {"message_id": message["message_id"], "quote": "two"}
    answer = (await http("sendMessage", chat_id=1, text="x", reply_parameters=reply))[1]["result"]
    assert answer["reply_to_message"]["text"] == "one two"
    lost = {"message_id": 5}
    told = await http.told("sendMessage", chat_id=1, text="x", reply_parameters=lost)
    assert told == "Bad Request: message to be replied not found"
    lost["allow_sending_without_reply"] = True
    assert (await http("sendMessage", chat_id=1, text="x", reply_parameters=lost))[0] == 200
    assert api.violations == []
    assert (await http("sendMessage", chat_id=1, text="x", reply_parameters=reply | {"quote": "three"}))[0] == 400


# --- edits, deletes, taps ---------------------------------------------------------------------------------------------


async def test_edits(api: BotApi, http: Client) -> None:
    markup = {"inline_keyboard": [[{"text": "A", "callback_data": "a"}]]}
    await http("sendMessage", chat_id=1, text="x", reply_markup=markup)
    edit: Json = {"chat_id": 1, "message_id": api.sent[0]["message_id"]}
    same = await http.told("editMessageText", **edit, text="x", reply_markup=markup)
    assert same.startswith("Bad Request: message is not modified: ")
    assert (await http.told("editMessageReplyMarkup", **edit, reply_markup=markup)) == same
    assert (await http("editMessageReplyMarkup", **edit))[1]["result"].get("reply_markup") is None
    assert (await http("editMessageText", **edit, text="y"))[1]["result"]["edit_date"]
    assert api.sent[0]["text"] == "y"
    assert [edited["text"] for edited in api.edits] == ["x", "y"]
    assert await http.told("editMessageText", chat_id=1, message_id=5, text="y") == "Bad Request: message to edit not found"
    theirs = api.say(1, "z")["message_id"]
    assert await http.told("editMessageText", chat_id=1, message_id=theirs, text="y") == "Bad Request: message can't be edited"


async def test_deletes(api: BotApi, http: Client) -> None:
    group = api.group(SUPERGROUP, "G", members=[1])
    theirs, private = api.say(1, "x", group)["message_id"], api.say(1, "x")["message_id"]
    assert await http.told("deleteMessage", chat_id=1, message_id=5) == "Bad Request: message to delete not found"
    forbidden = "Bad Request: message can't be deleted"
    assert await http.told("deleteMessage", chat_id=SUPERGROUP, message_id=theirs) == forbidden
    assert (await http("deleteMessages", chat_id=1, message_ids=[private, 5]))[1]["result"] is True
    await http("sendMessage", chat_id=1, text="x")
    mine = api.sent[0]["message_id"]
    api.advance(48 * 3600 + 1)
    assert await http.told("deleteMessage", chat_id=1, message_id=mine) == forbidden
    api.set_status(group, "administrator")
    assert (await http("deleteMessage", chat_id=SUPERGROUP, message_id=theirs))[1]["result"] is True
    assert api.messages(SUPERGROUP) == []
    await http("sendMessage", chat_id=1, text="y")
    await http("deleteMessage", chat_id=1, message_id=api.sent[1]["message_id"])
    assert [message.get("_deleted", False) for message in api.sent_to(1)] == [False, True]


async def test_taps(api: BotApi, bot: Bot) -> None:
    markup = InlineKeyboardMarkup(
        [[InlineKeyboardButton("A", callback_data="a"), InlineKeyboardButton("B", callback_data="b")]]
    )
    await bot.send_message(1, "x", reply_markup=markup)
    with pytest.raises(LookupError):
        api.click(1, api.sent[0], "c")
    api.click(1, api.sent[0], 1)
    api.click_twice(1, api.sent[0], "a")
    queries = [update.callback_query for update in await bot.get_updates()]
    assert [query.data for query in queries if query] == ["b", "a", "a"]
    assert len({query.id for query in queries if query}) == 3
    assert await bot.answer_callback_query(queries[0].id, "done")  # type: ignore[union-attr]
    assert [query["text"] for query in api.answered_queries] == ["done"]


async def test_old_and_unknown_taps(api: BotApi, http: Client) -> None:
    await http("sendMessage", chat_id=1, text="x", reply_markup={"inline_keyboard": [[{"text": "A", "callback_data": "a"}]]})
    query = api.click(1, api.sent[0], 0)
    api.advance(api.query_lifetime + 1)
    assert await http.told("answerCallbackQuery", callback_query_id=query) == TOO_OLD
    assert await http.told("answerCallbackQuery", callback_query_id="5") == TOO_OLD
    await http("deleteMessage", chat_id=1, message_id=api.sent[0]["message_id"])
    api.click(1, api.sent[0], 0)
    assert api.pending[-1]["callback_query"]["message"]["date"] == 0


# --- groups -----------------------------------------------------------------------------------------------------------


async def test_privacy_mode(api: BotApi, http: Client) -> None:
    group = api.group(SUPERGROUP, "G", members=[1, 2], admins=[1])
    await http("sendMessage", chat_id=SUPERGROUP, text="x")
    seen = {
        text: "_update_id" in api.say(1, text, group)
        for text in ("hi", "/help", "/help@test_bot", "/help@other_bot", "so /help", "hi @test_bot", "hi @other_bot")
    }
    assert [text for text, arrived in seen.items() if arrived] == ["/help", "/help@test_bot", "hi @test_bot"]
    assert "_update_id" in api.say(1, "yes", group, reply_to=api.sent[0])
    assert "_update_id" not in api.say(1, "yes", group, reply_to=api.say(2, "no", group))
    assert "_update_id" in api.say(1, "", group, new_chat_members=[api.users[2].brief()])
    api.mentions_arrive = False
    assert "_update_id" not in api.say(1, "hi @test_bot", group)
    api.can_read_all_group_messages = True
    assert "_update_id" in api.say(1, "hi", group)
    api.can_read_all_group_messages = False
    api.set_status(group, "administrator")
    assert "_update_id" in api.say(1, "hi", group)
    api.set_status(group, "kicked")
    assert "_update_id" not in api.say(1, "/help", group)
    assert api.violations == []


async def test_anonymous_administrators(api: BotApi) -> None:
    group = api.group(SUPERGROUP, "G", admins=[1])
    message = api.say_anonymously(group, "/help")
    assert (message["from"]["id"], message["sender_chat"]["id"]) == (1087968824, SUPERGROUP)
    assert kinds(api) == ["message"]


async def test_topics(api: BotApi, http: Client) -> None:
    forum = api.group(SUPERGROUP, "G", members=[1], forum=True)
    api.topic(forum, 12, "Pay")
    asked = api.say(1, "/pay", forum, thread=12)
    assert (asked["message_thread_id"], asked["is_topic_message"]) == (12, True)
    assert asked["reply_to_message"]["forum_topic_created"]["name"] == "Pay"
    assert "message_thread_id" not in api.say(1, "/pay", forum)
    sent = (await http("sendMessage", chat_id=SUPERGROUP, text="x", message_thread_id=12))[1]["result"]
    assert (sent["message_thread_id"], sent["is_topic_message"]) == (12, True)
    reply = {"message_id": asked["message_id"]}
    assert (await http("sendMessage", chat_id=SUPERGROUP, text="x", reply_parameters=reply))[1]["result"][
        "message_thread_id"
    ] == 12
    for thread in (1, 99):
        told = await http.told("sendMessage", chat_id=SUPERGROUP, text="x", message_thread_id=thread)
        assert told == "Bad Request: message thread not found"
    api.topic(forum, 12, "Pay", closed=True)
    told = await http.told("sendMessage", chat_id=SUPERGROUP, text="x", message_thread_id=12)
    assert told == "Bad Request: TOPIC_CLOSED"
    assert (await http("sendMessage", chat_id=SUPERGROUP, text="x"))[0] == 200
    assert api.violations == []


async def test_reply_chains_carry_a_thread_that_is_none(api: BotApi, http: Client) -> None:
    group = api.group(SUPERGROUP, "G", members=[1])
    root = api.say(1, "/help", group)
    reply = api.say(1, "/more", group, reply_to=root)
    again = api.say(1, "/more", group, reply_to=reply)
    assert reply["message_thread_id"] == again["message_thread_id"] == root["message_id"]
    assert "is_topic_message" not in again
    thread = again["message_thread_id"]
    told = await http.told("sendMessage", chat_id=SUPERGROUP, text="x", message_thread_id=thread)
    assert told == "Bad Request: message thread not found"


async def test_migration(api: BotApi, bot: Bot) -> None:
    new = api.migrate(api.group(BASIC, "G", members=[1], supergroup=False))
    told, born = [update["message"] for update in api.pending]
    assert (told["chat"]["id"], told["migrate_to_chat_id"]) == (BASIC, new.id)
    assert (born["chat"]["id"], born["migrate_from_chat_id"]) == (new.id, BASIC)
    with pytest.raises(telegram_error.ChatMigrated) as refused:
        await bot.send_message(BASIC, "x")
    assert refused.value.new_chat_id == new.id
    assert (await bot.send_message(new.id, "x")).chat.type == "supergroup"
    assert api.violations == []


@pytest.mark.parametrize(
    ("chat", "status", "code", "description"),
    [
        (1, "blocked", 403, "Forbidden: bot was blocked by the user"),
        (1, "deactivated", 403, "Forbidden: user is deactivated"),
        (BASIC, "kicked", 403, "Forbidden: bot was kicked from the group chat"),
        (SUPERGROUP, "kicked", 403, "Forbidden: bot was kicked from the supergroup chat"),
        (CHANNEL, "kicked", 403, "Forbidden: bot was kicked from the channel chat"),
        (SUPERGROUP, "left", 403, "Forbidden: bot is not a member of the supergroup chat"),
        (BASIC, "deleted", 403, "Forbidden: the group chat was deleted"),
        (BASIC, "unknown", 400, "Bad Request: chat not found"),
        (CHANNEL, "member", 400, "Bad Request: need administrator rights in the channel chat"),
        (CHANNEL, "needs_admin", 400, "Bad Request: need administrator rights in the channel chat"),
        (SUPERGROUP, "restricted", 400, "Bad Request: not enough rights to send text messages to the chat"),
        (SUPERGROUP, "have no write access to the chat", 400, "Bad Request: have no write access to the chat"),
    ],
)
async def test_how_the_bot_stands(api: BotApi, http: Client, chat: int, status: str, code: int, description: str) -> None:
    api.group(BASIC, "G", supergroup=False)
    api.group(SUPERGROUP, "G")
    api.channel(CHANNEL, "C")
    api.set_status(chat, status)
    answer, body = await http("sendMessage", chat_id=chat, text="x")
    assert (answer, body["description"]) == (code, description)
    assert body["error_code"] == code
    assert api.violations == []


async def test_changes_of_status_arrive(api: BotApi) -> None:
    group = api.group(SUPERGROUP, "G", admins=[1], bot="left")
    api.set_status(group, "member")
    assert kinds(api) == ["my_chat_member", "message"]
    api.set_status(group, "administrator")
    change = api.pending[0]["my_chat_member"]
    assert [change[key]["status"] for key in ("old_chat_member", "new_chat_member")] == ["member", "administrator"]
    assert kinds(api) == ["my_chat_member"]
    api.set_status(1, "blocked")
    assert api.pending[0]["my_chat_member"]["new_chat_member"]["status"] == "kicked"
    api.say(1, "/start")
    assert kinds(api) == ["my_chat_member", "my_chat_member", "message"]
    with pytest.raises(ValueError, match="unknown status"):
        api.set_status(group, "bored")


async def test_channels(api: BotApi, http: Client) -> None:
    channel = api.channel(CHANNEL, "C", admins=[1], username="news")
    post = api.post(channel, "hello")
    api.edit(post, "hello!")
    assert kinds(api) == ["channel_post", "edited_channel_post"]
    sent = (await http("sendMessage", chat_id="@news", text="x"))[1]["result"]
    assert (sent["sender_chat"]["id"], "from" in sent) == (CHANNEL, False)
    api.set_status(channel, "member")
    assert "_update_id" not in api.post(channel, "hello")


async def test_asking_about_chats(api: BotApi, bot: Bot) -> None:
    api.group(SUPERGROUP, "G", members=[2], admins=[1])
    assert (await bot.get_chat(SUPERGROUP)).title == "G"
    assert [(one.user.id, one.status) for one in await bot.get_chat_administrators(SUPERGROUP)] == [(1, "creator")]
    assert (await bot.get_chat_member(SUPERGROUP, 2)).status == "member"
    assert (await bot.get_chat_member(SUPERGROUP, api.me.id)).status == "member"
    assert await bot.send_chat_action(SUPERGROUP, "typing")
    with pytest.raises(telegram_error.BadRequest, match="no administrators in the private chat"):
        await bot.get_chat_administrators(1)
    with pytest.raises(telegram_error.BadRequest, match="Chat not found"):
        await bot.get_chat(404)
    assert await bot.leave_chat(SUPERGROUP)
    with pytest.raises(telegram_error.Forbidden):
        await bot.get_chat(SUPERGROUP)
    assert kinds(api) == ["my_chat_member"]
    assert api.violations == []


# --- what people do ---------------------------------------------------------------------------------------------------


async def test_commands_and_mentions_are_marked_in_utf16(api: BotApi) -> None:
    marked = api.say(1, "😀 /help me @test_bot a/b x@y.org")["entities"]
    assert [(one["type"], one["offset"], one["length"]) for one in marked] == [("bot_command", 3, 5), ("mention", 12, 9)]


async def test_media_forwards_and_edits_reach_the_library(api: BotApi, bot: Bot) -> None:
    media = ["photo", "voice", "sticker", "location", "video", "document", "contact", "poll", "dice", "video_note", "audio"]
    for kind in media:
        api.send_media(1, kind, caption="/x" if kind == "photo" else None)
    api.forward(1, "x")
    api.edit(api.say(1, "x"), "y")
    *first, forwarded, _, edited = await bot.get_updates()
    assert all(getattr(update.message, kind) for update, kind in zip(first, media, strict=True))
    assert first[0].message.caption_entities[0].type == "bot_command"  # type: ignore[union-attr]
    assert forwarded.message.forward_origin.type == "hidden_user"  # type: ignore[union-attr]
    assert edited.edited_message.text == "y"  # type: ignore[union-attr]
    assert [message["text"] for message in api.messages(1)[-2:]] == ["x", "y"]
    assert api.violations == []


# --- what the bot says of itself --------------------------------------------------------------------------------------


async def test_commands(api: BotApi, bot: Bot, http: Client) -> None:
    await bot.set_my_commands([BotCommand("help", "Help")])
    await bot.set_my_commands([BotCommand("ayuda", "Ayuda")], scope=BotCommandScopeChat(1), language_code="es")
    assert [one.command for one in await bot.get_my_commands()] == ["help"]
    assert [one.command for one in await bot.get_my_commands(BotCommandScopeChat(1), "es")] == ["ayuda"]
    assert await bot.get_my_commands(language_code="es") == ()
    await bot.delete_my_commands()
    assert await bot.get_my_commands() == ()
    assert api.violations == []
    assert await http.told("setMyCommands", commands=[{"command": "Help", "description": "x"}]) == (
        "Bad Request: BOT_COMMAND_INVALID"
    )
    await http("setMyCommands", commands=[], language_code="es-MX")
    assert len(api.violations) == 2


async def test_names_and_descriptions(api: BotApi, bot: Bot, http: Client) -> None:
    await bot.set_my_description("long")
    await bot.set_my_short_description("corto", "es")
    await bot.set_my_name("Name")
    assert (await bot.get_my_description("es")).description == "long"
    assert (await bot.get_my_short_description("es")).short_description == "corto"
    assert (await bot.get_my_short_description()).short_description == ""
    assert (await bot.get_my_name()).name == "Name"
    assert api.violations == []
    await http("setMyShortDescription", short_description="x" * 121)
    assert "121 characters, 0-120 allowed" in api.violations[0]


async def test_there_is_no_webhook(api: BotApi, bot: Bot) -> None:
    api.say(1, "x")
    assert ((await bot.get_webhook_info()).url, (await bot.get_webhook_info()).pending_update_count) == ("", 1)
    assert await bot.delete_webhook(drop_pending_updates=True)
    assert api.pending == []


# --- faults -----------------------------------------------------------------------------------------------------------


async def test_refusals(api: BotApi, http: Client) -> None:
    api.faults.append(Fault("sendMessage", 1, ApiError(429, "Too Many Requests: retry after 3", retry_after=3), skip=1))
    assert (await http("sendMessage", chat_id=1, text="x"))[0] == 200
    assert (await http("sendMessage", chat_id=2, text="x"))[0] == 200
    status, body = await http("sendMessage", chat_id=1, text="x")
    assert (status, body["parameters"], http.headers["Retry-After"]) == (429, {"retry_after": 3}, "3")
    assert api.faults == []
    assert (await http("sendMessage", chat_id=1, text="x"))[0] == 200


@pytest.mark.parametrize("when", ["before", "after"])
async def test_resets(api: BotApi, bot: Bot, when: str) -> None:
    api.faults.append(Fault("sendMessage", **{when: "reset"}))  # type: ignore[arg-type]
    with pytest.raises(telegram_error.NetworkError):
        await bot.send_message(1, "x")
    assert len(api.sent) == (when == "after")
    await bot.send_message(1, "x")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_hangs(api: BotApi, http: Client, when: str) -> None:
    api.faults.append(Fault("sendMessage", **{when: "hang"}))  # type: ignore[arg-type]
    with pytest.raises(TimeoutError):
        await http("sendMessage", wait=0.2, chat_id=1, text="x")
    assert len(api.sent) == (when == "after")


async def test_bad_gateways_and_garbage(api: BotApi, bot: Bot, http: Client) -> None:
    api.faults += [Fault("sendMessage", before="502"), Fault("*", after="garbage")]
    with pytest.raises(telegram_error.NetworkError, match=r"502|Bad Gateway"):
        await bot.send_message(1, "x")
    assert api.sent == []
    with pytest.raises(telegram_error.TelegramError):
        await bot.send_message(1, "x")
    assert len(api.sent) == 1
    with pytest.raises(ValueError, match="unknown damage"):
        Fault("sendMessage", before="fire")  # type: ignore[arg-type]


async def test_delays_latency_and_chance(api: BotApi, http: Client) -> None:
    api.faults.append(Fault("sendMessage", delay=0.2))
    api.latency = 0.1
    started = time.monotonic()
    await http("sendMessage", chat_id=1, text="x")
    assert 0.3 <= time.monotonic() - started < 0.6
    started = time.monotonic()
    await http("getUpdates")
    assert time.monotonic() - started < 0.1
    api.latency = 0.0
    api.faults.append(Fault("getMe", error=ApiError(500, "Internal Server Error"), times=None, chance=0.5))
    failures = sum([(await http("getMe"))[0] == 500 for _ in range(60)])
    assert 15 < failures < 45
    assert len(api.faults) == 1


async def test_lost_updates_come_again(api: BotApi, bot: Bot) -> None:
    api.say(1, "x")
    api.faults.append(Fault("getUpdates", after="reset"))
    with pytest.raises(telegram_error.NetworkError):
        await bot.get_updates()
    assert len(await bot.get_updates()) == 1


# --- waiting, stopping, the other process -----------------------------------------------------------------------------


async def test_waiting(api: BotApi, bot: Bot) -> None:
    waiting = asyncio.create_task(api.wait_sent(1))
    await bot.send_message(1, "hola")
    assert [message["text"] for message in await waiting] == ["hola"]
    assert api.sent[0]["_at"] <= time.monotonic()
    with pytest.raises(TimeoutError, match=r"2 messages sent not met in 0\.1 s: 1 sent, last \['hola'\]"):
        await api.wait_sent(2, 0.1)
    assert (await api.wait_calls("sendMessage"))[0].params == {"chat_id": 1, "text": "hola"}


async def test_stopping_is_quick_even_when_calls_hang() -> None:
    async with aiohttp.ClientSession() as session, BotApi() as api:
        http = Client(api, session)
        api.user(1)
        api.faults.append(Fault("sendMessage", before="hang"))
        calls = [
            asyncio.create_task(http("getUpdates", timeout=50)),
            asyncio.create_task(http("sendMessage", chat_id=1, text="x")),
        ]
        await api.wait_calls("sendMessage")
        started = time.monotonic()
        await api.stop()
        assert time.monotonic() - started < 0.5
        await asyncio.wait(calls)
        assert isinstance(calls[1].exception(), aiohttp.ClientError)


async def test_the_server_in_a_process_of_its_own() -> None:
    async with RemoteBotApi() as remote:
        await remote.user(1, "Ana", "es")
        await remote.add_fault(Fault("sendMessage", error=ApiError(500, "Internal Server Error")))
        bot = await asyncio.create_subprocess_exec(sys.executable, "-c", ECHO, f"{remote.url}/bot{remote.token}")
        try:
            first = await remote.say(1, "lost")
            assert first["_update_id"] > 0
            await remote.wait_drained(10)
            await remote.say(1, "hola", reply_to=first)
            assert (await remote.wait_sent(1, 10))[0]["text"] == "hola"
            assert await remote.texts() == ["hola"]
            with pytest.raises(RuntimeError, match="no button"):
                await remote.click(1, (await remote.sent())[0], "a")
            with pytest.raises(TimeoutError):
                await remote.wait_sent(5, 0.1)
            await remote.reset()
            await remote.set_latency(0.01)
            report = await remote.load(users=5, texts=["a", "b"], rate=50, count=20)
            assert (report["answered"], report["missing"], len(report["latencies"])) == (20, 0, 20)
            assert report["ms"]["p50"] >= 10
            assert len(await remote.calls("sendMessage")) == 20
            assert await remote.violations() == []
        finally:
            bot.kill()
            await bot.wait()
