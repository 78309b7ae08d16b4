"""A question without an answer, passed on: shown exactly, read from what shows it, without a name, and kept nowhere."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app import App
from bot.deliveries import Gone, Outcome, Sent
from bot.gaps import LONGEST, cleaned, named, quoted, quoted_in
from bot.loops.answer import Answering
from bot.loops.serve import Service
from bot.loops.stewards import Stewards
from bot.memory import Memory
from bot.messages import Address, Choices, Message, Reply, Role
from bot.transports.console import converse
from bot.unseen import clean
from handlers import router
from tests.bot_api import BotApi
from tests.conftest import NOW, Homeserver
from tests.live import ROOM, app_on, app_on_matrix, buttons, live, text
from tests.matrix import Person

OPEN = "does the lidl scanner in the break room xray my pockets"
NUMBER = "call Mia on 0151 23456789"
STEWARDS = Address("test", "stewards")


@dataclass
class Room:
    """The stewards' room: what came there."""

    open: bool = True
    notes: list[str] = field(default_factory=list)

    async def send(self, address: Address, reply: Reply) -> Outcome:
        assert address == STEWARDS
        if not self.open:
            return Gone()
        self.notes.append(reply.text)
        return Sent("1")


async def anyone(_: Message) -> Role:
    return Role.ANYONE


class Worker:
    """A chat with the bot whose buttons hand over the text that they hang on, as on a platform."""

    def __init__(self, app: App, room: Room, chat: str = "1", private: bool = True) -> None:
        self.app, self.address, self.private, self.now = app, Address("test", chat), private, NOW
        stewards = Stewards({"test": room}, STEWARDS)  # type: ignore[dict-item]
        self.answering = Answering(router, lambda: app.desk(self.now), {}, stewards)
        self.last = Reply(())

    async def say(self, said: str, under: str | None = None) -> str:
        reply = await self.answering.receive(Message("1", self.address, said, "en", self.private, under=under), anyone)
        assert reply is not None
        self.last = reply
        return reply.text

    async def tap(self, says: str) -> str:
        assert says in self.offers()
        return await self.say(says, under=self.last.text)

    def offers(self) -> list[str]:
        return [button.says for button in self.last.buttons]


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def reporting(app: App) -> App:
    own = replace(app, memory=Memory(), settings=replace(app.settings, steward_room=STEWARDS, language="en"))
    own.__dict__.update(matcher=app.matcher, executor=app.executor)
    return own


@pytest.fixture
def worker(reporting: App, room: Room) -> Worker:
    return Worker(reporting, room)


async def test_an_open_question_is_shown_sent_and_only_then_said_to_be(worker: Worker, room: Room) -> None:
    said = await worker.say(OPEN)
    assert quoted(OPEN) in said
    preview = await worker.tap("/gap")
    assert quoted(OPEN) in preview
    assert room.notes == []
    assert "Passed on" in await worker.tap("/sendgap")
    assert len(room.notes) == 1
    assert quoted_in(room.notes[0]) == OPEN
    assert "unverified" in room.notes[0]


async def test_who_thinks_better_of_it_sends_nothing(worker: Worker, room: Room) -> None:
    await worker.say(OPEN)
    await worker.tap("/gap")
    assert await worker.tap("/dropgap") == "Nothing was sent."
    assert room.notes == []


@pytest.mark.parametrize(
    "question",
    ["does the van camera record sound?", "Was kostet die Ring Dashcam in Frankreich?", "who can watch the films of us", OPEN],
)
async def test_whatever_leaves_a_question_open_offers_the_way(worker: Worker, question: str) -> None:
    await worker.say(question)
    assert "/gap" in worker.offers()


@pytest.mark.parametrize(
    "said",
    [
        "what can the van camera record?",
        "hello",
        "i want to kill myself",
        "should i sign this or not",
        "👍",
        "a" * 1200,
        "/start",
    ],
)
async def test_answers_greetings_and_distress_do_not(worker: Worker, said: str) -> None:
    await worker.say(said)
    assert "/gap" not in worker.offers()


async def test_in_groups_and_without_a_room_there_is_no_button_and_no_way_round(app: App, reporting: App, room: Room) -> None:
    group = Worker(reporting, room, private=False)
    assert quoted(OPEN) not in await group.say(OPEN)
    assert "/gap" not in group.offers()
    for said in ("/gap x", "/sendgap"):
        assert "private chat" in await group.say(said, under=quoted("x"))
    nowhere = replace(app, memory=Memory())
    nowhere.__dict__.update(matcher=app.matcher, executor=app.executor)
    alone = Worker(nowhere, room)
    assert quoted(OPEN) not in await alone.say(OPEN)
    assert "/gap" not in alone.offers()
    assert "Nobody takes questions" in await alone.say("/sendgap", under=quoted("x"))
    assert room.notes == []


async def test_after_an_answer_that_was_not_meant_the_text_can_be_written(worker: Worker, room: Room) -> None:
    assert "/gap" in await worker.say("/other nothing")
    assert quoted("who reads the films?") in await worker.say("/gap who reads\n the films?")
    await worker.tap("/sendgap")
    assert quoted_in(room.notes[0]) == "who reads the films?"


@pytest.mark.parametrize("under", [None, "", "no marks", "❝", "❞❝", "❝❞", "❝a❞ and ❝b❞", "❝a❞❞", "❝\u202e\u0007❞"])
async def test_without_one_text_that_is_shown_nothing_is_sent(worker: Worker, room: Room, under: str | None) -> None:
    for said in ("/sendgap", "/sendgap but this", "/gap"):
        assert "can no longer be read" in await worker.say(said, under=under)
        assert "/sendgap" not in worker.offers()
    assert room.notes == []


async def test_a_failed_send_shows_the_text_again_and_does_not_count(worker: Worker, room: Room) -> None:
    room.open = False
    for _ in range(5):
        await worker.say(f"/gap {OPEN}")
        assert "could not be passed on" in await worker.tap("/sendgap")
        assert quoted(OPEN) in worker.last.text
    room.open = True
    assert "Passed on" in await worker.tap("/sendgap")


async def test_three_an_hour_a_chat_and_thirty_for_all(reporting: App, room: Room) -> None:
    async def pass_on(chat: str, after: timedelta = timedelta(0)) -> str:
        worker = Worker(reporting, room, chat)
        worker.now += after
        await worker.say(f"/gap {OPEN}")
        return await worker.tap("/sendgap")

    said = [await pass_on("1") for _ in range(4)]
    assert ["Passed on" in one for one in said] == [True, True, True, False]
    assert quoted(OPEN) in said[3]
    for chat in range(2, 11):
        assert all(["Passed on" in await pass_on(str(chat)) for _ in range(3)])
    assert "within the last hour" in await pass_on("99")
    assert len(room.notes) == 30
    assert "Passed on" in await pass_on("1", timedelta(minutes=61))


async def test_how_often_is_listed_and_forgotten_but_still_counts_for_all(worker: Worker, room: Room) -> None:
    await worker.say(f"/gap {OPEN}")
    await worker.tap("/sendgap")
    assert "passed on within the last hour (1)" in await worker.say("/mydata")
    await worker.say("/forget")
    assert "passed on" not in await worker.say("/mydata")
    others = [Address("test", str(chat)) for chat in range(10, 20) for _ in range(3)]
    assert [worker.app.memory.pass_on(other, NOW) for other in others] == [True] * 29 + [False]


async def test_what_looks_like_somebody_is_pointed_out(worker: Worker) -> None:
    assert "0151 23456789" in (await worker.say(f"/gap {NUMBER}")).partition("❞")[2]
    assert "Careful" not in await worker.say(f"/gap {OPEN}")


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("mia@example.org asked", ("mia@example.org",)),
        ("ask @mia_k or @anna:server.org", ("@mia_k", "@anna:server.org")),
        ("+49 (151) 234-567 89", ("+49 (151) 234-567 89",)),
        ("badge 8812345", ("8812345",)),
        ("since 2023, 8 hours, 120 parcels, DBX9, 12:30", ()),
    ],
)
def test_names_and_numbers(said: str, found: tuple[str, ...]) -> None:
    assert named(said) == found


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a\u202eb\u200b\x07c\u2066d\ufeff", "abcd"),
        (" two\n\nlines\t ", "two lines"),
        ("❝so❞", '"so"'),
        ("press /panic or (/withdraw x), and/or http://a.b/c", "press ∕panic or (∕withdraw x), and/or http://a.b/c"),
    ],
)
def test_what_is_cleaned(said: str, shown: str) -> None:
    assert cleaned(said) == shown


@given(st.text(max_size=700))
def test_what_is_read_is_what_was_shown(said: str) -> None:
    once = cleaned(said)
    assert len(once) <= LONGEST
    assert cleaned(once) == once
    shown = quoted_in(f"Exactly this: {quoted(once)} Careful.")
    assert shown == (once or None)
    # What a platform shows has lost whatever is not seen; what is sent is what it shows.
    seen = quoted_in(clean(quoted(once)))
    assert clean(seen or "") == clean(cleaned(clean(once)))


@given(st.text(alphabet="❝❞ab /\n", max_size=12))
def test_marks_in_a_foreign_text_never_widen_what_is_read(shown: str) -> None:
    read = quoted_in(shown)
    assert read is None or (shown.count("❝") == shown.count("❞") == 1 and "❝" not in read and "❞" not in read)


@pytest.fixture
async def bot(api: BotApi, app: App, tmp_path: Path) -> AsyncIterator[Service]:
    api.group(-100555, "Stewards")
    async with live(app_on(app, api.url, tmp_path / "state", room=ROOM)) as service:
        yield service


def _at(api: BotApi, chat: int) -> list[str]:
    return [str(message["text"]) for message in api.sent if message["chat"]["id"] == chat]


@pytest.mark.usefixtures("bot")
async def test_on_telegram_the_message_that_is_tapped_is_what_is_sent(api: BotApi, tmp_path: Path) -> None:
    ana = api.user(1001, "Ana Canary", language_code="en", username="ana_canary")
    api.say(ana, OPEN)
    await api.wait_sent(1)
    api.click(ana, api.sent[0], "1n/gap")
    await api.wait_sent(2)
    preview = api.sent[1]
    assert set(buttons(preview).values()) == {"1r/sendgap", "1r/dropgap"}
    assert quoted(OPEN) in text(api)
    assert "at what time" in text(api)
    api.click_twice(ana, preview, "1r/sendgap")
    await api.wait_sent(3)
    await api.wait_calls("editMessageText", 1)
    (note,) = _at(api, -100555)
    assert quoted_in(note) == OPEN
    assert not {"Ana", "Canary", "1001", "ana_canary"} & set(note.replace(",", " ").split())
    assert "Passed on" in str(preview["text"])
    assert not buttons(preview)
    kept = b"".join(path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file())
    assert b"lidl scanner" not in kept


@pytest.mark.usefixtures("bot")
async def test_on_telegram_no_forged_tap_sends_what_was_not_shown(api: BotApi) -> None:
    """Data of another client, on messages that do not offer it, or on one that is not ours; nor does a typed command."""
    ana = api.user(1001, "Ana", language_code="en")
    api.say(ana, "/start")
    await api.wait_sent(1)
    api.click(ana, api.sent[0], "1r/sendgap", forge=True)
    own = api.say(ana, quoted("my boss did it"))
    await api.wait_sent(2)
    api.click(ana, own, "1n/sendgap", forge=True)
    await api.wait_calls("answerCallbackQuery", 2)
    api.say(ana, "/sendgap my boss did it", reply_to=own)
    await api.wait_sent(3)
    assert "can no longer be read" in text(api)
    assert api.calls_of("editMessageText") == []
    assert _at(api, -100555) == []


@pytest.mark.usefixtures("bot")
async def test_on_telegram_an_edited_question_is_passed_on_as_it_is_shown_then(api: BotApi) -> None:
    ana = api.user(1001, "Ana", language_code="en")
    asked = api.say(ana, "does the lidl scanner count my sneezes")
    await api.wait_sent(1)
    api.edit(asked, OPEN)
    await api.wait_calls("editMessageText", 1)
    api.click(ana, api.sent[0], "1n/gap")
    await api.wait_sent(2)
    assert quoted_in(text(api)) == OPEN
    api.edit(asked, "something else entirely about the lidl scanner")
    await api.wait_calls("editMessageText", 2)
    api.click(ana, api.sent[1], "1r/sendgap")
    await api.wait_sent(3)
    assert [quoted_in(note) for note in _at(api, -100555)] == [OPEN]


async def test_on_matrix_numbers_do_it_and_what_they_need_is_listed_and_forgotten(
    anna: Person, ben: Person, hs: Homeserver, app: App, tmp_path: Path
) -> None:
    user, password = await hs.new_user("bot")
    stewards = await ben.room("Stewards", invite=[user])
    own = app_on_matrix(app, hs.url, user, password, tmp_path / "state", room=f"matrix:{stewards}")
    async with live(own):
        await ben.wait_member(stewards, user)
        room = await anna.direct(user)
        await anna.wait_member(room, user)
        heard: list[Any] = []

        async def say(said: str) -> str:
            heard.append(said)
            await anna.say(room, said)
            return (await anna.wait_message(room, len(heard)))[len(heard) - 1].body

        said = await say(OPEN)
        assert quoted(OPEN) in said
        kept = await say("!mydata")
        assert OPEN in kept
        assert "gap, en)" in kept
        assert OPEN not in await say("!mydata")
        number = next(line[1] for line in (await say(OPEN)).splitlines() if "without my name" in line)
        assert quoted(OPEN) in await say(number)
        assert "Passed on" in await say("1")
        note = (await ben.wait_message(stewards))[0]
        assert quoted_in(note.body) == OPEN
        assert anna.user_id not in str(note.content)
        assert "can no longer be read" in await say("!sendgap")
        await say(OPEN)
        assert OPEN in _everything_in(own.memory)
        assert "Forgotten" in await say("!forget")
        assert OPEN not in _everything_in(own.memory)
    kept = b"".join(path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file())
    assert b"lidl scanner" not in kept


def _everything_in(memory: Memory) -> str:
    return repr([getattr(memory, name) for name in Memory.__slots__])


def test_in_memory_a_text_lives_ten_minutes_and_under_no_name() -> None:
    memory, address = Memory(), Address("matrix", "!canary")
    memory.offered(address, Choices(("/gap",), quoted(OPEN)), NOW)
    assert memory.choices(address, NOW + timedelta(minutes=10)).under == quoted(OPEN)
    assert memory.choices(address, NOW + timedelta(minutes=11)) == Choices()
    assert "canary" not in _everything_in(memory)
    memory.purge(NOW + timedelta(minutes=11))
    assert OPEN not in _everything_in(memory)
    memory.offered(address, Choices(("/start x",)), NOW)
    assert memory.choices(address, NOW).under is None


async def test_in_the_terminal_numbers_act_in_the_language_of_the_answer_too(worker: Worker) -> None:
    async def receive(message: Message) -> Reply | None:
        return await worker.answering.receive(message, anyone)

    out = io.StringIO()
    await converse(receive, io.StringIO("co nagrywa kamera w busie\n1\n"), out)
    assert "Skąd to wiadomo" in out.getvalue()


async def test_in_the_terminal_numbers_do_it_too(worker: Worker, room: Room) -> None:
    async def receive(message: Message) -> Reply | None:
        await worker.say(message.text, message.under)
        return worker.last

    out = io.StringIO()
    await converse(receive, io.StringIO(f"{OPEN}\n"), out)
    number = len(worker.offers())
    await converse(receive, io.StringIO(f"{OPEN}\n{number}\n1\n/sendgap\n"), out)
    assert [quoted_in(note) for note in room.notes] == [OPEN]
    assert "can no longer be read" in out.getvalue()
