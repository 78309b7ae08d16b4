"""P9, P10. Groups, where the employer may sit: no reading along, and nobody is named or quoted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.app import App, now
from bot.messages import Address
from bot.transports.pace import UNLIMITED
from bot.transports.pacer import Pacer
from tests.bot_api import BotApi
from tests.live import QUESTION, app_on, live
from tests.promises.conftest import Evidence

GROUP = -100200
NAMES = (
    "Zelkandor Müller",
    "\u202erodnaklez",
    "Дёмина Зельканда",
    "زلكندور",
    "@all",
    "<b>Zelka</b>",
    "😀 Zelka",
    "https://zelka.example",
)
ECHOED = ("/start {}", "/wrong {}", "/report {}", "/source {}", "/news {}", "/language {}", "/other {}", "/{}@test_bot",
          "/sendgap {}", "/publish {}", "/sheet {}", "/hold {}", "/withdraw {} because {}", "/draft {}", "/digest topics {}",
          "/digest zone {}", "/digest daily {}", "/digest quiet {}", "/digest countries {}", "/digest language {}")  # fmt: skip
"""Words that are looked up and not found; of those who run the group too."""
SAID = (f"/ask {QUESTION}", "/ask blorptang", "/help", "/topics", "/privacy", "/privacy full", "/mydata", "/forget", "/clean",
        "/gap x", "/language en", "/news", "/digest", "/status", "/source", "/start", "/panic", "/wrong x")  # fmt: skip


@pytest.mark.promise("P9")
async def test_p09_it_does_not_read_groups(api: BotApi, app: App, tmp_path: Path, evidence: Evidence) -> None:
    here = app_on(app, api.url, tmp_path / "state")
    ana = api.user(1001, "Ana", "en")
    group = api.group(GROUP, "Depot 7", members=[ana])
    api.set_status(group, "administrator")  # so that everything arrives
    overheard = [QUESTION, "the camera again", "/ask@other_bot x", "mail a@test_bot.example"]
    async with live(here):
        await api.wait_sent(1)
        for said in overheard:
            api.say(ana, said, chat=group)
        await api.wait_drained(20)
        assert len(api.sent) == 1
        assert here.memory.fact(Address("telegram", str(GROUP)), now()) is None
        api.say(ana, f"/ask {QUESTION}", chat=group)
        await api.wait_sent(2, 20)
        evidence.finds("an answer, once it is spoken to", "Netradyne" in str(api.sent[-1]["text"]))
    api.can_read_all_group_messages = True
    async with live(app_on(app, api.url, tmp_path / "other")) as service:
        async with asyncio.timeout(60):
            while not service.ended:
                await asyncio.sleep(0.05)
    assert "/setprivacy" in str(service.ended[0])
    evidence.measured(f"{len(overheard)} overheard messages: 0 answers, nothing in memory; with privacy mode off it ends")


def _names(message: dict[str, Any], person: dict[str, Any]) -> list[str]:
    """What of a person stands in a message of ours, in whatever part of it."""
    whole = repr({key: value for key, value in message.items() if key not in ("from", "chat")})
    parts = [person["name"], person["username"], str(person["id"]), QUESTION]
    return [part for part in parts if part in whole] + [
        key for key in ("reply_to_message", "reply_parameters", "quote") if key in message
    ]


@pytest.mark.promise("P10")
async def test_p10_nobody_is_named_or_quoted_in_a_group(api: BotApi, app: App, tmp_path: Path, evidence: Evidence) -> None:
    people = [{"id": 7_099_887_000 + n, "name": name, "username": f"zelkandor_{n}"} for n, name in enumerate(NAMES)]
    users = [api.user(one["id"], one["name"], "en", one["username"]) for one in people]
    group = api.group(GROUP, "Depot 7", members=users)
    async with live(app_on(app, api.url, tmp_path / "state")):
        for number, said in enumerate(SAID):
            api.say(users[number % len(users)], said, chat=group)
        await api.wait_drained(240)
    assert len(api.sent) >= len(SAID)
    asked = str(SAID[0]).removeprefix("/ask ")
    assert asked == QUESTION
    for message in api.sent:
        for person in people:
            assert _names(message, person) == []
    for call in api.calls_of("sendMessage"):
        assert not {"reply_parameters", "reply_to_message_id", "parse_mode"} & set(call.params)
        assert not [one for one in call.params.get("entities", ()) if one["type"] in ("mention", "text_mention")]
    planted = {"text": f"{people[0]['name']} asked", "reply_to_message": {}}
    evidence.finds("a message that names and quotes", len(_names(planted, people[0])) == 2)
    evidence.measured(f"{len(SAID)} messages of {len(people)} people with odd names: {len(api.sent)} answers, 0 names")


def _odd(name: str) -> str:
    """The part of a name that a command can be."""
    return "".join(letter for letter in name if letter.isalpha()) or "all"


@pytest.mark.promise("P10")
async def test_p10_words_that_are_not_found_are_not_said_in_a_group(
    api: BotApi, app: App, tmp_path: Path, evidence: Evidence
) -> None:
    ana, ben = api.user(1001, "Ana", "en"), api.user(1002, "Ben", "en")
    api.group(GROUP, "Depot 7", members=[ana], admins=[ben])
    words = [name for name in (*NAMES, "Zelkandor") if "@" not in name]
    async with live(app_on(app, api.url, tmp_path / "state"), Pacer(UNLIMITED)):
        api.say(ana, "/start Zelkandor")
        await api.wait_sent(1, 60)
        evidence.finds("the same word in a private chat", "Zelkandor" in str(api.sent[0]["text"]))
        api.say(ben, "/digest daily 18:00", chat=GROUP)
        await api.wait_sent(2, 60)
        for said in ECHOED:
            for word in words:
                for who in (ana, ben):
                    api.say(who, said.format(*([_odd(word)] if said.startswith("/{") else [word, word])), chat=GROUP)
            await api.wait_drained(120)
    answers = [str(message["text"]) for message in api.sent if message["chat"]["id"] == GROUP]
    assert len(answers) > len(ECHOED) * len(words)
    found = [(word, answer) for answer in answers for word in words for part in (word, _odd(word)) if part in answer]
    assert found == []
    evidence.measured(f"{len(ECHOED)} commands with {len(words)} names: {len(answers)} answers, 0 names")
