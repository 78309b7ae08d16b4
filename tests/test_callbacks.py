"""Buttons to callback data and back: whole, short enough for Telegram, and never misread when they are old."""

from __future__ import annotations

import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answers import answer, buttons, code, offer
from bot.app import App
from bot.config import Settings
from bot.items import told
from bot.messages import Address, Button, Message, Opens, Role
from bot.search.matcher import Answer
from bot.speaker import Speaker
from bot.transports.telegram.callbacks import VERSION, data_of, tapped
from handlers import router
from tests.conftest import NOW

TAPPED = (Opens.NEW, Opens.REPLACE)
DEEP_LINK = re.compile(r"[A-Za-z0-9_-]{1,64}")


@given(st.text().map("/".__add__), st.sampled_from(TAPPED), st.text())
def test_a_button_comes_back_as_it_was_or_is_none(says: str, opens: Opens, label: str) -> None:
    data = data_of(Button(label, says, opens))
    fits = len(f"{VERSION}x{says}".encode()) <= 64
    assert (data is not None) is fits
    if data is not None:
        assert 1 <= len(data.encode()) <= 64
        assert tapped(data) == (says, opens)


@given(st.text() | st.text().map("1n/".__add__))
def test_any_data_is_read_or_refused_and_never_an_exception(data: str) -> None:
    said = tapped(data)
    if said is not None:
        says, opens = said
        assert says.startswith("/")
        assert len(data.encode()) > 64 or data_of(Button("", says, opens)) == data


def test_64_bytes_fit_and_65_do_not() -> None:
    assert data_of(Button("", "/" + "x" * 61)) is not None
    assert data_of(Button("", "/" + "x" * 62)) is None
    assert data_of(Button("", "/" + "ü" * 31)) is None


def test_two_buttons_that_differ_have_different_data() -> None:
    said = [data_of(Button("", says, opens)) for says in ("/start a", "/start b", "/source a") for opens in TAPPED]
    assert len(set(said)) == len(said)


@pytest.mark.parametrize(
    "data",
    ["", "1", "1n", "1nstart x", "1n /start", "1x/start x", "1N/start x", "n/start x", "/start x", "0n/start x", "2n/start x",
     "10/start x", "１n/start x", " 1n/start x", "v1:start", '{"f":"x"}', "1\ud800/start"],
)  # fmt: skip
def test_data_of_another_version_is_none(data: str) -> None:
    assert tapped(data) is None


def _settings() -> Settings:
    return Settings(steward_room=Address("telegram", "-1"), contact="hilfe@example.org")


def _under_answers(app: App) -> list[Button]:
    """Every button under every fact's answer, with the most others that the search gives, and under offers and items."""
    facts, found = list(app.base.facts.values()), []
    for private in (True, False):
        speaker = Speaker(app.base, "de", "de", private=private, reports=True)
        for number, fact in enumerate(facts):
            others = tuple(islice((facts * 2)[number + 1 :], 3))
            found += buttons(Answer(fact, 1.0, None, frozenset(), others), speaker)
            found += answer(Answer(fact, 1.0), speaker).buttons
            found += offer("x", others, speaker).buttons
        found += [button for item in app.base.items.values() for button in told(item, speaker).buttons]
    return found


async def _under_commands(app: App) -> list[Button]:
    """Every button that a command shows, and those that a tap on these shows in turn."""
    desk, found, said = app.desk(NOW), list[Button](), set[str]()

    async def nobody(_: Message) -> Role:
        return Role.STEWARD

    waiting = [f"/{name}" for name in router.commands] + [f"/wrong {id}" for id in app.base.facts]
    while waiting:
        text = waiting.pop()
        if text in said or text.startswith("/ask "):
            continue
        said.add(text)
        reply = await router.route(Message("1", Address("test", "1"), text), desk, nobody)  # type: ignore[arg-type]
        shown = getattr(reply, "buttons", ())
        found += shown
        waiting += [button.says for button in shown]
    return found


async def test_every_button_of_the_shipped_base_fits_and_says_what_a_command_hears(app: App) -> None:
    shipped = App(_settings(), app.base, app.findings, app.model, app.memory)
    shipped.__dict__["matcher"] = None  # Commands search nothing.
    found = _under_answers(shipped) + await _under_commands(shipped)
    assert len({button.says for button in found}) > 3 * len(app.base.facts)
    assert max(len(button.says.split()) for button in found if button.says.startswith("/other")) == 5
    for button in found:
        assert button.label.strip()
        assert button.says[1:].split()[0] in router.commands
        if button.opens is Opens.PRIVATE:
            assert DEEP_LINK.fullmatch(button.says.removeprefix("/start ")), button.says
        else:
            data = data_of(button)
            assert data is not None, button.says
            assert tapped(data) == (button.says, button.opens)


def test_no_two_facts_have_the_same_short_name(app: App) -> None:
    assert len({code(fact) for fact in app.base.facts.values()}) == len(app.base.facts)


@pytest.mark.parametrize("command", ["/start", "/source", "/wrong", "/report"])
def test_the_longest_name_that_the_schema_allows_fits(command: str) -> None:
    assert data_of(Button("x", f"{command} {'x' * 40}")) is not None
