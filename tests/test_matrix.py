"""A worker on Matrix: the whole bot, a real homeserver, a real client."""

from __future__ import annotations

from tests.live import QUESTION
from tests.matrix import Person

POLISH = "co nagrywa kamera w busie"


async def test_an_encrypted_direct_chat_is_answered_encrypted(anna: Person, matrix_bot: str) -> None:
    room = await anna.direct(matrix_bot)
    await anna.wait_member(room, matrix_bot)
    await anna.say(room, QUESTION)
    answer = (await anna.wait_message(room))[0]
    assert "Netradyne" in answer.body
    assert answer.encrypted
    assert (answer.msgtype, answer.mentions) == ("m.notice", [])


async def test_a_number_chooses(anna: Person, matrix_bot: str) -> None:
    room = await anna.direct(matrix_bot, encrypted=False)
    await anna.wait_member(room, matrix_bot)
    await anna.say(room, QUESTION)
    assert "[1] Source?" in (await anna.wait_message(room))[0].body
    await anna.say(room, "1")
    assert "How this is known" in (await anna.wait_message(room, 2))[1].body


async def test_a_mention_in_a_room_is_answered_in_its_thread_and_names_nobody(
    anna: Person, ben: Person, matrix_bot: str
) -> None:
    room = await anna.room("Depot 7", invite=[matrix_bot, ben.user_id])
    await ben.accept(room)
    await anna.wait_member(room, matrix_bot)
    other = await anna.say(room, "just talking")
    asked = await anna.say(room, QUESTION, mentions=[matrix_bot], thread=other)
    answer = (await anna.wait_message(room))[0]
    assert answer.relates_to["event_id"] == other
    assert answer.relates_to["m.in_reply_to"] == {"event_id": asked}
    assert anna.user_id not in str(answer.content)
    assert "https://matrix.to/#/" + matrix_bot in answer.body


async def test_numbers_act_in_the_language_of_the_answer_that_they_stand_under(anna: Person, matrix_bot: str) -> None:
    room = await anna.direct(matrix_bot, encrypted=False)
    await anna.wait_member(room, matrix_bot)
    await anna.say(room, POLISH)
    answer = (await anna.wait_message(room))[0].body
    assert "[1] Źródło?" in answer
    number = next(line[1] for line in answer.splitlines() if "Nie o to chodziło" in line)
    await anna.say(room, number)
    assert "Może jedno z tych pytań?" in (await anna.wait_message(room, 2))[1].body
    await anna.say(room, "1")
    assert "[1] Źródło?" in (await anna.wait_message(room, 3))[2].body
    await anna.say(room, "1")
    assert "Skąd to wiadomo" in (await anna.wait_message(room, 4))[3].body
    await anna.say(room, "!help")
    assert "the newest" in (await anna.wait_message(room, 5))[4].body


async def test_in_a_room_the_way_into_private_is_in_the_language_of_what_stands_above_it(
    anna: Person, ben: Person, matrix_bot: str
) -> None:
    room = await anna.room("Depot 7", invite=[matrix_bot, ben.user_id])
    await ben.accept(room)
    await anna.wait_member(room, matrix_bot)
    await anna.say(room, f"!ask {QUESTION}")
    assert "Ask privately: https" in (await anna.wait_message(room, sender=matrix_bot))[0].body
    await anna.say(room, f"!ask {POLISH}")
    assert "Zapytaj prywatnie: https" in (await anna.wait_message(room, 2, sender=matrix_bot))[1].body
    await anna.say(room, "!language pl")
    await anna.wait_message(room, 3, sender=matrix_bot)
    await anna.say(room, "!digest daily 18:00")
    assert "Zapytaj prywatnie: https" in (await anna.wait_message(room, 4, sender=matrix_bot))[3].body
