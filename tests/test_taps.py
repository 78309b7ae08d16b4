"""A tap counts only as a button of ours that hangs there, from whom it is for; what is refused changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app import App
from bot.loops.serve import Service
from tests.bot_api import ApiError, BotApi, Fault
from tests.bot_api.faults import Json
from tests.bot_api.people import CHANNEL_RIGHTS
from tests.live import QUESTION, app_on, buttons, live, text

GROUP, CHANNEL = -100200, -100300
WORDS = "THE BOSS KNOWS WHO"
FORGED = [f"{version}{where}/{said}" for version in "12" for where in "nr" for said in (
    f"start {WORDS}", f"ask {QUESTION}", "news", "digest off", "forget", "topics", f"wrong {WORDS}", "clean")]  # fmt: skip


@pytest.fixture
async def bot(api: BotApi, app: App, tmp_path: Path) -> AsyncIterator[Service]:
    async with live(app_on(app, api.url, tmp_path / "state")) as service:
        yield service


def _stands(api: BotApi) -> list[tuple[str, object]]:
    """Each message with its buttons, as it stands now."""
    return [(str(message["text"]), message.get("reply_markup")) for message in api.sent]


async def _told(api: BotApi, number: int) -> str:
    """What whoever tapped is told, and nobody else."""
    await api.wait_calls("answerCallbackQuery", number, 20)
    await api.wait_drained(20)
    return str(api.answered_queries[-1].get("text", ""))


async def _posted(api: BotApi, words: str) -> Json:
    channel = api.channel(CHANNEL, "Union news", admins=[api.user(4, "Kim"), api.user(5, "Ben", "en")])
    api.post(channel, words)
    await api.wait_sent(1, 20)
    return api.sent[0]


@pytest.mark.usefixtures("bot")
async def test_what_is_on_no_button_of_a_channel_s_post_does_nothing(api: BotApi) -> None:
    post = await _posted(api, "/digest daily 18:00")
    before = _stands(api)
    who = api.user(9, "Eve", "en"), api.user(5, "Ben", "en")
    for number, data in enumerate(FORGED * 2, 1):
        api.click(who[number > len(FORGED)], post, data, forge=True)
        assert "button" in await _told(api, number)
    assert _stands(api) == before
    assert api.calls_of("editMessageText") == []


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("place", ["private", "group"])
async def test_nor_in_a_chat_of_people(api: BotApi, place: str) -> None:
    eve = api.user(9, "Eve", "en")
    group = api.group(GROUP, "Depot 7", members=[eve])
    api.say(eve, "/topics", **({"chat": group} if place == "group" else {}))
    await api.wait_sent(1, 20)
    before = _stands(api)
    for number, data in enumerate(FORGED, 1):
        api.click(eve, api.sent[0], data, forge=True)
        assert "button" in await _told(api, number)
    assert _stands(api) == before
    api.click(eve, api.sent[0], "1r/start van-cameras")
    await api.wait_calls("editMessageText", 1, 20)


@pytest.mark.usefixtures("bot")
async def test_a_tap_on_a_message_that_is_gone_or_not_ours_does_nothing(api: BotApi) -> None:
    eve = api.user(9, "Eve", "en")
    api.say(eve, "/topics")
    await api.wait_sent(1, 20)
    query = {"id": "1", "from": {"id": 9, "is_bot": False, "first_name": "Eve"}, "chat_instance": "1", "data": "1n/news"}
    where = {"chat": {"id": 9, "type": "private"}, "message_id": 5, "date": 0}
    hers = where | {"date": 1, "text": "x", "from": query["from"], "reply_markup": {
        "inline_keyboard": [[{"text": "x", "callback_data": "1n/news"}]]}}  # fmt: skip
    for message in (where, hers):
        api.raw_update({"callback_query": query | {"message": message}})
    await api.wait_drained(20)
    assert len(api.sent) == 1


@pytest.mark.usefixtures("bot")
async def test_a_reader_of_a_channel_changes_nothing_with_its_buttons(api: BotApi) -> None:
    post = await _posted(api, "/topics")
    api.click(api.user(9, "Eve", "en"), post, "1r/start van-cameras")
    assert "Only who runs" in await _told(api, 1)
    assert api.calls_of("editMessageText") == []
    api.click(api.user(5, "Ben", "en"), post, "1r/start van-cameras")
    await api.wait_calls("editMessageText", 1, 20)


@pytest.mark.usefixtures("bot")
async def test_nor_does_an_administrator_who_may_not_post(api: BotApi, monkeypatch: pytest.MonkeyPatch) -> None:
    post = await _posted(api, "/topics")
    monkeypatch.setitem(CHANNEL_RIGHTS, "can_post_messages", False)
    api.click(api.user(5, "Ben", "en"), post, "1r/start van-cameras")
    assert "Only who runs" in await _told(api, 1)
    assert api.calls_of("editMessageText") == []


@pytest.mark.usefixtures("bot")
async def test_a_switch_can_be_tapped_to_and_fro_at_once(api: BotApi) -> None:
    ben = api.user(5, "Ben", "en")
    group = api.group(GROUP, "Depot 7", admins=[ben])
    for words in ("/digest daily 18:00", "/digest"):
        api.say(ben, words, chat=group)
    await api.wait_sent(2, 20)
    for number, way in enumerate(("on", "off", "on"), 1):
        api.advance(1)
        api.click(ben, api.sent[1], f"1r/digest silent {way}")
        await api.wait_calls("editMessageText", number, 20)
        await api.wait_drained(20)
    assert "1r/digest silent off" in buttons(api.sent[1]).values()


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("place", [GROUP, CHANNEL])
async def test_a_tap_that_failed_changes_nothing_and_may_be_tried_again(api: BotApi, place: int) -> None:
    ben = api.user(5, "Ben", "en")
    if place == GROUP:
        api.group(GROUP, "Depot 7", admins=[ben])
        api.say_anonymously(GROUP, "/digest daily 18:00")
        api.say_anonymously(GROUP, "/digest")
    else:
        api.channel(CHANNEL, "Union news", admins=[ben])
        for words in ("/digest daily 18:00", "/digest"):
            api.post(CHANNEL, words)
    await api.wait_sent(2, 20)
    before = _stands(api)
    api.faults.append(Fault("getChatAdministrators", error=ApiError(400, "Bad Request: CHAT_ADMIN_REQUIRED")))
    api.click(ben, api.sent[1], "1r/digest off")
    assert "went wrong" in await _told(api, 1)
    assert _stands(api) == before
    api.click(ben, api.sent[1], "1r/digest off")
    await api.wait_calls("editMessageText", 1, 20)


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("place", [GROUP, CHANNEL])
async def test_settings_that_others_tap_stay_as_they_stand(api: BotApi, place: int) -> None:
    ben, eve = api.user(5, "Ben", "en"), api.user(9, "Eve", "en")
    if place == GROUP:
        api.say(ben, "/digest daily 18:00", chat=api.group(GROUP, "Depot 7", members=[eve], admins=[ben]))
        api.say(ben, "/digest", chat=GROUP)
    else:
        api.channel(CHANNEL, "Union news", admins=[ben])
        for words in ("/digest daily 18:00", "/digest"):
            api.post(CHANNEL, words)
    await api.wait_sent(2, 20)
    before = _stands(api)
    assert "1r/digest off" in buttons(api.sent[1]).values()
    api.click(eve, api.sent[1], "1r/digest off")
    assert "Only who runs" in await _told(api, 1)
    assert _stands(api) == before
    api.click(ben, api.sent[1], "1r/digest off")
    await api.wait_calls("editMessageText", 1, 20)
    assert "Nothing of this channel" in text(api)
