"""Conversations as lists of (said, heard): what a person reads."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.base import shipped_folder
from bot.messages import Address, Message, Reply, Role
from bot.questions import read_questions
from bot.search.conversation import hear
from bot.search.matcher import Answer
from handlers import router
from tests.conftest import Chat

CAMERA = "what can the in-van camera record?"


async def test_a_drivers_question_gets_the_claim_first_and_then_its_source(chat: Chat) -> None:
    reply = await chat.say(CAMERA)
    first, _, last = reply.text.partition("\n\n")
    assert first.startswith("The AI-capable Netradyne cameras")
    assert "the person at the wheel" in first
    assert "amazon-watchblog, Hanna Behn, 20 July 2023 (citing Golem, VICE)" in last
    assert "the USA" in last
    assert "LabourNet" in last


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("und in Deutschland?", "Für Deutschland steht das nicht im Dossier. Dokumentiert ist es für die USA:"),
        ("who says so?", "Reported: Golem, VICE"),
        ("source?", "Summarised: amazon-watchblog, Hanna Behn"),
        ("since when", "As of 20 July 2023"),
        ("wer sagt das", "Berichtet: Golem, VICE"),
    ],
)
async def test_a_follow_up_is_asked_of_the_last_fact(chat: Chat, said: str, heard: str) -> None:
    await chat.say(CAMERA)
    assert heard in (await chat.say(said)).text


async def test_a_follow_up_finds_the_sibling_fact_of_the_country(chat: Chat) -> None:
    await chat.say("/start shopper-panel-pay-us")
    reply = await chat.say("und in deutschland?")
    assert reply.fact == "shopper-panel-pay-germany"


async def test_a_follow_up_is_asked_of_the_message_replied_to(chat: Chat) -> None:
    await chat.say(CAMERA)
    reply = await chat.say("who says so?", about="ring-car-cam-price")
    assert "Markus Reuter" in reply.text


async def test_after_ten_minutes_nothing_is_left_to_follow_up(chat: Chat) -> None:
    await chat.say(CAMERA)
    chat.wait(timedelta(minutes=11))
    reply = await chat.say("und in frankreich?")
    assert "20. Juli 2023" not in reply.text


async def test_a_follow_up_without_memory_never_becomes_a_claim_about_something(chat: Chat) -> None:
    for said in ("und in Deutschland?", "since when", "und dann?", "here too?"):
        assert (await chat.say(said)).fact is None, said


async def test_two_questions_get_two_answers(chat: Chat) -> None:
    reply = await chat.say("Was filmt die Kamera im Transporter? Und wer stellt die her?")
    assert "Person am Steuer" in reply.text
    assert "vom Hersteller Netradyne" in reply.text


async def test_an_offer_is_taken_by_its_button(chat: Chat) -> None:
    await chat.say("/start ring")
    assert all(button.says.startswith("/start ring-") for button in chat.replies[-1].buttons)
    reply = await chat.tap(1)
    assert reply.fact == "ring-car-cam-records"


async def test_a_superseded_fact_is_never_said_alone(chat: Chat) -> None:
    reply = await chat.say("/start shopper-panel-not-in-germany-2022")
    assert reply.text.startswith("Überholt. Neuer Stand (24. April 2023): Das Shopper Panel läuft")
    assert "Früher (5. Dezember 2022): Im Dezember 2022" in reply.text


@pytest.mark.parametrize("said", ["hallo", "hello", "danke dir", "thanks!", "who are you", "wer bist du", "is this anonymous?"])
async def test_greetings_and_thanks_are_not_searched(chat: Chat, said: str) -> None:
    reply = await chat.say(said)
    assert reply.fact is None
    assert not reply.buttons


@pytest.mark.parametrize(
    ("said", "begins"),
    [
        ("ich kann nicht mehr, ich heule jeden abend nach der schicht", "Das klingt sehr schwer."),
        ("i cant take this anymore, crying in the van every day", "That sounds very hard."),
        ("ich will nicht mehr leben", "Bei Gefahr für Leib und Leben sofort 112 anrufen."),
        ("i want to kill myself", "In danger to life call 112 at once."),
    ],
)
async def test_distress_gets_the_contact_and_danger_the_emergency_number_first(chat: Chat, said: str, begins: str) -> None:
    reply = await chat.say(said)
    assert reply.text.startswith(begins)
    assert "112" in reply.text


async def test_a_union_contact_is_named_where_it_is_set_and_none_is_invented(chat: Chat) -> None:
    assert "die eigene Gewerkschaft" in (await chat.say("soll ich das unterschreiben oder nicht?")).text
    desk_with = chat.app.desk(chat.now)
    assert desk_with.contact is None


async def test_a_polish_question_is_answered_in_german_and_says_so(chat: Chat) -> None:
    reply = await chat.say("Co nagrywa kamera w busie?")
    assert reply.fact == "van-camera-records"
    assert reply.text.splitlines()[0] == "(Ta odpowiedź jest na razie tylko w języku: niemiecki.)"


async def test_a_misspelt_command_is_answered_with_the_nearest(chat: Chat) -> None:
    assert "/topics" in (await chat.say("/topcs")).text


async def test_help_lists_every_command(chat: Chat) -> None:
    text = (await chat.say("/help")).text
    for command in ("ask", "start", "topics", "language", "privacy", "mydata", "forget", "source", "help"):
        assert f"/{command} –" in text


async def test_what_is_kept_is_shown_and_wiped(chat: Chat) -> None:
    await chat.say("/language en")
    await chat.say(CAMERA)
    kept = (await chat.say("/mydata")).text
    assert "van-camera-records" in kept
    assert "en" in kept
    await chat.say("/forget")
    assert "nichts" in (await chat.say("/mydata")).text


async def test_a_chosen_language_holds_for_every_answer(chat: Chat) -> None:
    await chat.say("/language en")
    assert "The AI-capable" in (await chat.say("was nimmt die kamera im lieferwagen auf?")).text


async def test_in_a_group_nobody_chooses_the_language_of_another(chat: Chat) -> None:
    await chat.say("/language tr")
    message = Message("m1", Address("test", "1"), "what can the van camera record?", is_private=False)

    async def role_of(_: Message) -> Role:
        return Role.ANYONE

    said = await router.route(message, chat.app.desk(chat.now), role_of)
    assert isinstance(said, Reply)
    assert said.text.startswith("The AI-capable")


async def test_memory_makes_no_wrong_answer_of_what_the_base_cannot_answer(chat: Chat) -> None:
    """The dev near-misses, each said right after an answer: no more become answers than without memory."""
    folder = shipped_folder() / "questions"
    known = frozenset(chat.app.base.facts)
    questions = [q for file in sorted(folder.glob("dev-*.tsv")) for q in read_questions(file, known)]
    short = [q.question for q in questions if not q.acceptable and len(q.question.split()) <= 8][::3]
    assert len(short) > 40
    objects = chat.app.base.grid["objects"]
    about = chat.app.base.facts["van-camera-records"]
    alone = [hear(chat.app.matcher, text, None, None, objects)[0].outcome for text in short]
    after = [hear(chat.app.matcher, text, None, about, objects)[0].outcome for text in short]
    raised = [
        text
        for text, before, now in zip(short, alone, after, strict=True)
        if isinstance(now, Answer) and not isinstance(before, Answer)
    ]
    assert raised == []


async def test_a_credit_begins_a_country_with_a_capital(chat: Chat) -> None:
    await chat.say("/language de")
    assert "2023. Die USA, Deutschland" in (await chat.say("/news ring")).text


async def test_news_say_once_of_each_item_that_it_is_in_another_language(chat: Chat) -> None:
    await chat.say("/language pl")
    news = (await chat.say("/news")).text
    assert news.count("(Ta odpowiedź jest na razie tylko w języku") == 3
