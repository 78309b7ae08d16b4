"""A driver in a private chat on Telegram: the whole bot on a Bot API server that validates each call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiogram.enums import ContentType
from telegram import Message as TelegramMessage

from bot.app import App, open_app
from bot.config import Settings
from bot.loops.serve import Service
from bot.running import faces
from bot.transports.telegram import reading
from tests.bot_api import ApiError, BotApi, Fault
from tests.live import CONTACT, QUESTION, ROOM, app_on, buttons, live, text, without_fact


@pytest.fixture
async def bot(api: BotApi, app: App, tmp_path: Path) -> AsyncIterator[Service]:
    api.group(-100555, "Stewards")
    async with live(app_on(app, api.url, tmp_path / "state", room=ROOM)) as service:
        yield service


@pytest.mark.usefixtures("bot")
async def test_a_question_gets_its_answer_with_source_and_buttons(api: BotApi) -> None:
    api.say(api.user(1, "Ana", language_code="en"), QUESTION)
    await api.wait_sent(1)
    assert "Netradyne" in text(api)
    assert "Source (report)" in text(api)
    data = buttons(api.sent[0])
    assert data["Source?"] == "1n/source van-camera-records"
    assert {"Not what I asked", "Wrong or out of date?"} < set(data)
    assert sum(says.startswith("1n/start") for says in data.values()) == 3


@pytest.mark.usefixtures("bot")
async def test_the_language_is_the_question_s_then_the_app_s(api: BotApi) -> None:
    ana = api.user(1, "Ana", language_code="de")
    for number, said in enumerate(("/start", "was nimmt die Kamera im Lieferwagen auf?", QUESTION), 1):
        api.say(ana, said)
        await api.wait_sent(number)
    assert text(api, 0).startswith("Rückspiegel: kurze Antworten")
    assert "Aufgenommen werden" in text(api, 1)
    assert "Source (report)" in text(api, 2)


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize(
    "command", ["ask", "news", "start", "topics", "help", "language", "privacy", "mydata", "forget", "source", "clean"]
)
async def test_every_command_of_anyone_is_answered(api: BotApi, command: str) -> None:
    api.say(api.user(1, "Ana", language_code="en"), f"/{command}")
    await api.wait_sent(1)
    assert "no command" not in text(api)
    assert "went wrong" not in text(api)


@pytest.mark.usefixtures("bot")
async def test_a_tapped_suggestion_edits_in_place_and_is_answered_at_once_and_once(api: BotApi) -> None:
    ana = api.user(1, "Ana", language_code="en")
    api.say(ana, "/topics")
    await api.wait_sent(1)
    api.click_twice(ana, api.sent[0], "1r/start van-cameras")
    await api.wait_calls("editMessageText", 1)
    assert len(buttons(api.sent[0])) > 3
    api.click(ana, api.sent[0], "1n/start van-camera-records")
    await api.wait_sent(2)
    api.say(ana, "who can watch the films of us")
    await api.wait_sent(3)
    offered = next(data for data in buttons(api.sent[2]).values() if data.startswith("1r/start"))
    api.click_twice(ana, api.sent[2], offered)
    await api.wait_calls("editMessageText", 2)
    await api.wait_calls("answerCallbackQuery", 5)
    assert "Source" in text(api)
    assert (len(api.sent), len(api.calls_of("editMessageText"))) == (3, 2)


@pytest.mark.usefixtures("bot")
async def test_a_button_of_last_month_says_so(api: BotApi) -> None:
    ana = api.user(1, "Ana", language_code="en")
    api.say(ana, "/topics")
    await api.wait_sent(1)
    api.click(ana, api.sent[0], "0:fact:van-camera-records", forge=True)
    await api.wait_calls("answerCallbackQuery", 1)
    assert "older version" in str(api.answered_queries[-1])
    api.click(ana, api.sent[0], "1n/start van-camera-records", forge=True)
    await api.wait_calls("answerCallbackQuery", 2)
    assert "older version" in str(api.answered_queries[-1])
    assert len(api.sent) == 1


async def test_a_button_whose_answer_is_gone_since_then_says_so(api: BotApi, app: App, tmp_path: Path) -> None:
    ana = api.user(1, "Ana", language_code="en")
    opened = app_on(app, api.url, tmp_path / "state")
    async with live(opened):
        api.say(ana, "/start van-cameras")
        await api.wait_sent(1)
        opened.base = without_fact(opened, "van-camera-records")
        api.click(ana, api.sent[0], "1n/start van-camera-records")
        await api.wait_sent(2)
    assert "There is no answer van-camera-records" in text(api)


@pytest.mark.usefixtures("bot")
async def test_a_mistake_is_reported_without_a_name_and_said_only_once_it_arrived(api: BotApi) -> None:
    ana = api.user(1001, "Ana Canary", language_code="en", username="ana_canary")
    api.say(ana, QUESTION)
    await api.wait_sent(1)
    api.click(ana, api.sent[0], "1n/wrong van-camera-records")
    await api.wait_sent(2)
    shown = text(api)
    assert "at what time" in shown
    api.click(ana, api.sent[1], "1n/report van-camera-records")
    await api.wait_sent(4)
    note, said = api.sent[2], api.sent[3]
    assert note["chat"]["id"] == -100555
    assert note["text"] in shown
    assert not {"Ana", "canary", "1001"} & set(str(note["text"]).split())
    assert "Passed on" in str(said["text"])
    api.set_status(-100555, "deleted")
    api.say(ana, "/report van-camera-maker")
    await api.wait_sent(5)
    assert "could not be passed on" in text(api)


@pytest.mark.usefixtures("bot")
async def test_not_what_i_asked_offers_the_next_best_or_the_contact(api: BotApi) -> None:
    ana = api.user(1, "Ana", language_code="en")
    api.say(ana, "does the van camera film me or only the street")
    await api.wait_sent(1)
    other = next(data for data in buttons(api.sent[0]).values() if data.startswith("1n/other"))
    api.click(ana, api.sent[0], other)
    await api.wait_sent(2)
    assert CONTACT in text(api)
    assert len(buttons(api.sent[1])) >= 1


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize(
    "kind",
    [
        "photo",
        "voice",
        "sticker",
        "location",
        "video",
        "document",
        "contact",
        "poll",
        "dice",
        "video_note",
        "audio",
        "giveaway",
        "giveaway_winners",
        "invoice",
    ],
)
async def test_whatever_is_sent_gets_one_friendly_sentence(api: BotApi, kind: str) -> None:
    api.send_media(api.user(1, "Ana", language_code="en"), kind)
    await api.wait_sent(1)
    assert "Please write the question" in text(api)


TELLS = {
    "new_chat_members", "left_chat_member", "chat_owner_left", "chat_owner_changed", "new_chat_title", "new_chat_photo",
    "delete_chat_photo", "group_chat_created", "supergroup_chat_created", "channel_chat_created",
    "message_auto_delete_timer_changed", "migrate_to_chat_id", "migrate_from_chat_id", "pinned_message",
    "gift_upgrade_sent", "connected_website", "write_access_allowed", "proximity_alert_triggered", "boost_added",
    "chat_background_set", "checklist_tasks_done", "checklist_tasks_added", "direct_message_price_changed",
    "forum_topic_created", "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened",
    "general_forum_topic_hidden", "general_forum_topic_unhidden", "giveaway_created", "giveaway_completed",
    "managed_bot_created", "paid_message_price_changed", "poll_option_added", "poll_option_deleted",
    "suggested_post_approved", "suggested_post_approval_failed", "suggested_post_declined", "suggested_post_paid",
    "suggested_post_refunded", "video_chat_scheduled", "video_chat_started", "video_chat_ended",
    "video_chat_participants_invited",
}  # fmt: skip
"""Kinds of content that tell what happened in a chat, or follow from what the bot does: they ask for nothing."""


def test_each_kind_of_content_is_answered_or_tells_what_happened() -> None:
    known = {*TELLS, "text", *reading._ATTACHMENTS}
    # Of what the library does not know yet anything at all is answered.
    read = {kind.value for kind in ContentType} & set(TelegramMessage.__slots__)
    assert read - known == set()


@pytest.mark.usefixtures("bot")
async def test_content_that_the_library_does_not_know_is_answered(api: BotApi) -> None:
    ana = api.user(1, "Ana", language_code="en")
    private = {"id": 1, "type": "private"}
    message = {"message_id": 5, "date": 1, "chat": private, "from": ana.brief(), "hologram": {"size": 1}}
    api.raw_update({"message": message})
    await api.wait_sent(1)
    assert "Please write the question" in text(api)


@pytest.mark.usefixtures("bot")
async def test_a_caption_and_a_forwarded_question_are_answered(api: BotApi) -> None:
    ana = api.user(1, "Ana", language_code="en")
    api.send_media(ana, "photo", caption=QUESTION)
    api.forward(ana, QUESTION)
    await api.wait_sent(2)
    assert all("Netradyne" in str(message["text"]) for message in api.sent)


@pytest.mark.usefixtures("bot")
async def test_an_edited_question_edits_its_answer(api: BotApi) -> None:
    ana = api.user(1, "Ana", language_code="en")
    asked = api.say(ana, "hello")
    await api.wait_sent(1)
    api.edit(asked, QUESTION)
    await api.wait_calls("editMessageText", 1)
    assert len(api.sent) == 1
    assert "Netradyne" in text(api)


@pytest.mark.usefixtures("bot")
async def test_an_edited_question_edits_the_answer_that_a_tap_had_changed(api: BotApi) -> None:
    ana = api.user(1, "Ana", language_code="en")
    asked = api.say(ana, "/topics")
    await api.wait_sent(1)
    api.click(ana, api.sent[0], "1r/start van-cameras")
    await api.wait_calls("editMessageText", 1)
    await api.wait_drained(5)
    api.edit(asked, QUESTION)
    await api.wait_calls("editMessageText", 2)
    await api.wait_drained(5)
    assert len(api.sent) == 1
    assert "Netradyne" in text(api)


async def test_an_edited_question_of_before_a_restart_is_a_new_one(api: BotApi, app: App, tmp_path: Path) -> None:
    ana = api.user(1, "Ana", language_code="en")
    async with live(app_on(app, api.url, tmp_path / "state")):
        asked = api.say(ana, "hello")
        await api.wait_sent(1)
    async with live(app_on(app, api.url, tmp_path / "state")):
        api.edit(asked, QUESTION)
        await api.wait_sent(2)
    assert "Netradyne" in text(api)


@pytest.mark.usefixtures("bot")
async def test_clean_deletes_the_bot_s_messages_and_says_how_many(api: BotApi) -> None:
    ana = api.user(1, "Ana", language_code="en")
    for number in range(1, 4):
        api.say(ana, "hello")
        await api.wait_sent(number)
    api.say(ana, "/clean")
    await api.wait_sent(4)
    assert "Deleted messages of the bot: 3" in text(api)
    assert [message.get("_deleted", False) for message in api.sent] == [True, True, True, False]


@pytest.mark.usefixtures("bot")
async def test_a_follow_up_and_a_reply_to_an_old_answer_mean_its_fact(api: BotApi) -> None:
    ana = api.user(1, "Ana", language_code="en")
    api.say(ana, QUESTION)
    await api.wait_sent(1)
    api.say(ana, "hello")
    await api.wait_sent(2)
    api.say(ana, "who says so?", reply_to=api.sent[0])
    await api.wait_sent(3)
    assert "How this is known" in text(api)
    api.say(ana, "/forget")
    await api.wait_sent(4)
    api.say(ana, "/mydata")
    await api.wait_sent(5)
    assert "nothing" in text(api)


async def test_commands_and_descriptions_are_set_by_difference(api: BotApi, app: App, tmp_path: Path) -> None:
    async with live(app_on(app, api.url, tmp_path / "state")):
        await _settled(api)
    first = len([call for call in api.calls if call.method.startswith("setMy")])
    assert first > 5
    assert {call.params.get("language_code") for call in api.calls_of("setMyCommands")} >= {None, "de", "en"}
    api.calls.clear()
    async with live(app_on(app, api.url, tmp_path / "state")):
        await _settled(api)
    assert [call for call in api.calls if call.method.startswith("setMy")] == []


@pytest.mark.usefixtures("bot")
async def test_an_update_that_cannot_be_parsed_is_set_aside(api: BotApi) -> None:
    ana = api.user(1, "Ana", language_code="en")
    api.raw_update({"message": {"message_id": 5, "date": "never", "chat": 7}})
    api.say(ana, "hello")
    await api.wait_sent(1)
    await api.wait_drained(5)


@pytest.mark.usefixtures("bot")
async def test_update_numbers_that_start_anew_are_heard(api: BotApi) -> None:
    ana = api.user(1, "Ana", language_code="en")
    api.say(ana, "hello")
    await api.wait_sent(1)
    await api.wait_drained(5)
    api.renumber(17)
    api.say(ana, QUESTION)
    await api.wait_sent(2)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("setMyCommands", before="reset"),
        Fault("getMyDescription", before="502", times=2),
        Fault("setMyShortDescription", error=ApiError(429, "Too Many Requests: retry after 1", retry_after=1)),
    ],
)
async def test_what_fails_while_commands_are_set_is_repeated_beside_the_answers(
    api: BotApi, app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setattr("bot.transports.telegram.api.FIRST_PAUSE", 0.01)
    api.faults.append(fault)
    opened = app_on(app, api.url, tmp_path / "state")
    async with live(opened):
        api.say(api.user(1, "Ana", language_code="en"), "hello")
        await api.wait_sent(1)
        await _settled(api)
    assert api.faults == []
    wanted = faces(opened)
    for code, face in wanted.items():
        assert api.profile.text("description", code) == face.description
        assert api.profile.text("short_description", code) == face.short
    assert len(api.profile.commands) == 3 * len(wanted)


async def _settled(api: BotApi) -> None:
    """Until the last language's short description was looked at."""
    await api.wait_calls("getMyShortDescription", len(faces(open_app(Settings()))), 30)
    await asyncio.sleep(0.1)
