"""P9, P10, P18 on Matrix: rooms where the employer may sit, and what a worker is told of what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.app import App, now
from bot.messages import Address
from tests.live import QUESTION, app_on_matrix, live
from tests.matrix import Homeserver, Person
from tests.matrix_runs import Account, ask, meet
from tests.promises.conftest import Evidence

pytestmark = pytest.mark.promises

OVERHEARD = (QUESTION, "the camera again", "what about @bot:elsewhere.example", "is the bot in here too?")
SAID = (f"!ask {QUESTION}", "!ask blorptang", "!help", "!topics", "!privacy", "!mydata", "!forget", "!gap x", "!news",
        "!digest", "!status", "!panic", "!wrong x")  # fmt: skip


async def _depot(anna: Person, ben: Person, bot: str) -> str:
    room = await anna.room("Depot 7", [bot, ben.user_id])
    await ben.accept(room)
    await anna.wait_member(room, bot)
    await anna.wait_member(room, ben.user_id)
    return room


@pytest.mark.promise("P9")
async def test_p09_what_is_not_meant_for_it_leaves_nothing_on_matrix(
    hs: Homeserver, app: App, anna: Person, ben: Person, tmp_path: Path, evidence: Evidence
) -> None:
    user, password = await hs.new_user("bot")
    here = app_on_matrix(app, hs.url, user, password, tmp_path / "state")
    async with live(here):
        room = await _depot(anna, ben, user)
        place = Address("matrix", room)
        for said in OVERHEARD:
            await anna.say(room, said)
        await anna.say(room, "!help")  # Rooms are served in order: once this is answered, nothing earlier can be.
        assert len(await anna.wait_message(room, 1, sender=user, timeout=60)) == 1
        assert here.memory.fact(place, now()) is None
        await anna.say(room, QUESTION, mentions=[user])
        answer = (await anna.wait_message(room, 2, sender=user, timeout=60))[-1]
        evidence.finds("an answer, once it is spoken to", "Netradyne" in answer.body and here.memory.fact(place, now()))
    evidence.measured(f"{len(OVERHEARD)} overheard messages in an encrypted room: 0 answers, nothing in memory")


def _names(content: Mapping[str, Any], person: Person) -> list[str]:
    """What of a person stands in a message of ours, in whatever part of it.

    A thread names the event that it hangs on, for clients without threads; a reply of our own to somebody would point at them.
    """
    whole, relation = repr(content), content.get("m.relates_to", {})
    keys = [key for key in ("'m.mentions': {'user_ids'", "> <", "mx-reply") if key in whole]
    if "m.in_reply_to" in relation:
        falls_back = relation.get("rel_type") == "m.thread" and relation.get("is_falling_back") is True
        keys += [] if falls_back and set(relation["m.in_reply_to"]) == {"event_id"} else ["m.in_reply_to"]
    return [part for part in (person.user_id, person.user_id[1:].partition(":")[0], QUESTION) if part in whole] + keys


@pytest.mark.promise("P10")
async def test_p10_nobody_is_named_or_quoted_in_a_room_on_matrix(
    app: App, hs: Homeserver, anna: Person, ben: Person, tmp_path: Path, evidence: Evidence
) -> None:
    bot = await Account.make(hs, tmp_path / "state")
    async with bot.here(app):
        room = await _depot(anna, ben, bot.user)
        for number, said in enumerate(SAID):
            await (anna, ben)[number % 2].say(room, said)
        asked = await ben.say(room, f"!ask {QUESTION}")
        await ben.say(room, f"!ask {QUESTION}", thread=asked)
        seen = await anna.wait_message(room, len(SAID) + 2, sender=bot.user, timeout=180)
    assert len(seen) >= len(SAID) + 2
    assert [one.content["m.relates_to"]["event_id"] for one in seen if "m.relates_to" in one.content] == [asked]
    for one in seen:
        for person in (anna, ben):
            assert _names(one.content, person) == []
    assert _names({"body": "", "m.relates_to": {"rel_type": "m.thread", "event_id": asked}}, anna) == []
    for planted in (
        {"body": f"> <@x:y> {QUESTION}"},
        {"body": f"Hello {anna.user_id}"},
        {"body": "", "formatted_body": f"<mx-reply>{QUESTION}</mx-reply>"},
        {"body": "", "m.mentions": {"user_ids": [anna.user_id]}},
        {"body": "", "m.relates_to": {"m.in_reply_to": {"event_id": asked}}},
        {"body": "", "m.relates_to": {"rel_type": "m.thread", "m.in_reply_to": {"event_id": asked}}},
        {
            "body": "",
            "m.relates_to": {"rel_type": "m.thread", "is_falling_back": True, "m.in_reply_to": {"sender": anna.user_id}},
        },
    ):
        evidence.finds("a name, a mention, a quotation, a reply, each in a message of its own", _names(planted, anna))
    evidence.measured(f"{len(SAID) + 2} messages of two people: {len(seen)} answers, 0 names, 0 mentions, 0 quotes, 0 replies")


@pytest.mark.promise("P18")
async def test_p18_what_is_shown_and_forgotten_on_matrix(
    app: App, hs: Homeserver, anna: Person, tmp_path: Path, evidence: Evidence
) -> None:
    bot = await Account.make(hs, tmp_path / "state")
    async with bot.here(app):
        room = await meet(anna, bot.user)
        assert "Questions are not stored" in await ask(anna, room, 1, "!privacy")
        await ask(anna, room, 2)
        shown = await ask(anna, room, 3, "!mydata")
        assert "van-camera-records" in shown
        assert "On disk: nothing" in shown
        assert "Nothing of this chat is in memory" in await ask(anna, room, 4, "!forget")
        assert "In memory of this chat: nothing." in await ask(anna, room, 5, "!mydata")
    evidence.finds("before it is forgotten, the answer that was said", "van-camera-records" in shown)
    evidence.measured("!mydata lists what is in memory; after !forget nothing")
