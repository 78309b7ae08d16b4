"""How a reply looks on Matrix: content cannot inject, fits into one event, mentions nobody, and shows commands with `!`."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.messages import Span
from bot.transports.markup import Part, parts
from bot.transports.matrix.rendering import bang, content_of, edit_of

COMMANDS = frozenset({"ask", "news", "help", "start"})
MOST_BYTES = 48_000
"""An encrypted event of more is refused."""


class Parsed(HTMLParser):
    """A second opinion on our HTML: its text, and that it is nested and harmless."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.open = "", list[str]()
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ("a", "br", "em", "strong")
        assert [name for name, _ in attrs] == (["href"] if tag == "a" else [])
        assert all(str(value).startswith("https://") for _, value in attrs)
        if tag == "br":
            self.text += "\n"
        else:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


_TEXTS = st.text(max_size=30) | st.sampled_from(["<b>&amp;", "/ask", " /news x", "1/2", '"', "\n", "\U0001f40d", "</a>", "x"])
_URLS = st.none() | st.sampled_from(
    ["https://a.example/?q=\"'<&", "http://a.example", "javascript:alert(1)", "https://a.example/news"]
)
_SPANS = st.lists(st.builds(Span, _TEXTS, st.sampled_from(["plain", "bold", "italic"]), _URLS), min_size=1, max_size=8)


@given(_SPANS)
def test_html_is_nested_harmless_and_says_what_the_body_says(spans: list[Span]) -> None:
    for part in parts(spans):
        content = content_of(part, {"never-said"})
        assert (content["msgtype"], content["m.mentions"], content["body"]) == ("m.notice", {}, part.text)
        assert ("formatted_body" in content) is bool(part.entities)
        if part.entities:
            assert content["format"] == "org.matrix.custom.html"
            assert Parsed(content["formatted_body"]).text == content["body"]


@given(_SPANS)
@example([Span("and"), Span("/ask", "bold")])
@example([Span("/ask", "bold"), Span("ing")])
def test_html_and_body_show_the_same_commands(spans: list[Span]) -> None:
    for part in parts(spans):
        content = content_of(part, COMMANDS)
        if part.entities:
            assert Parsed(content["formatted_body"]).text == content["body"]


def _weight(part: Part, edited: bool) -> int:
    content = content_of(part, COMMANDS, thread="$" + "r" * 43, on="$" + "q" * 43)
    return len(json.dumps(edit_of(content, "$" + "a" * 43) if edited else content, separators=(",", ":")))


@pytest.mark.parametrize("letter", ["a", "é", "\n\u00a0x"])
@pytest.mark.parametrize("edited", [False, True])
def test_a_plain_part_fits_into_an_encrypted_event(letter: str, edited: bool) -> None:
    assert all(_weight(part, edited) < MOST_BYTES for part in parts([Span(letter * 5000)]) if letter == "a" or not edited)


@pytest.mark.parametrize(
    ("spans", "edited"),
    [
        ([Span("Новости", "bold"), Span(" ж" * 5000)], True),
        ([Span("ж" * 9000)], True),
        ([Span("ж" * 4096, "bold")], False),
        ([Span("x" * 20, url="https://a.example/" + "p" * 2000) for _ in range(50)], False),
    ],
)
def test_every_part_fits_into_an_encrypted_event(spans: list[Span], edited: bool) -> None:
    assert all(_weight(part, edited) < MOST_BYTES for part in parts(spans))


def test_the_thread_is_that_of_the_question_and_an_edit_has_none() -> None:
    content = content_of(Part("yes"), COMMANDS, thread="$root", on="$asked")
    relation = {"rel_type": "m.thread", "event_id": "$root", "is_falling_back": True, "m.in_reply_to": {"event_id": "$asked"}}
    assert content["m.relates_to"] == relation
    assert "m.relates_to" not in content_of(Part("yes"), COMMANDS, on="$asked")
    edit = edit_of(content, "$answer")
    assert edit["m.relates_to"] == {"rel_type": "m.replace", "event_id": "$answer"}
    assert (edit["body"], edit["msgtype"], edit["m.mentions"]) == ("* yes", "m.notice", {})
    assert edit["m.new_content"] == {"msgtype": "m.notice", "body": "yes", "m.mentions": {}}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/ask me", "!ask me"),
        ("Or:\n/news – newest", "Or:\n!news – newest"),
        ("(/help)", "(!help)"),
        ("say “/start van-camera”.", "say “!start van-camera”."),
    ],
)
def test_commands_appear_as_people_write_them_here(text: str, shown: str) -> None:
    assert bang(text, COMMANDS) == shown


@pytest.mark.parametrize(
    "text",
    [
        "1/2",
        "and/or",
        "ask/news",
        "https://a.example/news",
        "https://a.example/x/help?y",
        "//news",
        "/asking",
        "/unknown",
        "./ask",
    ],
)
def test_what_only_looks_like_a_command_is_untouched(text: str) -> None:
    assert bang(text, COMMANDS) == text


@given(st.from_regex(re.compile(r"https://[a-z]{1,9}\.example/[a-z#=~?&-]{0,9}/(ask|news|help)", re.ASCII), fullmatch=True))
@example("https://app.example/#/news")
@example("https://a.example/wage-/news")
def test_addresses_are_untouched(url: str) -> None:
    assert bang(f"see {url} and", COMMANDS) == f"see {url} and"
