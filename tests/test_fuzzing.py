"""Whatever strangers write where a parser of ours reads it: it is read, refused or set aside, and nothing is raised."""

from __future__ import annotations

import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.intake.feeds import read_feed
from bot.intake.found import NotTaken
from bot.transports.telegram.api import Api
from bot.transports.telegram.reading import Me, read
from bot.yaml_lines import BrokenYaml
from bot.yaml_lines import read as read_yaml

ME = Me(99, "test_bot", frozenset({"ask", "start"}))
API = Api("1:x", "http://127.0.0.1:9")
_KEYS = st.sampled_from(
    ["message_id", "date", "chat", "from", "id", "type", "text", "caption", "entities", "offset", "length", "reply_to_message",
     "message_thread_id", "is_topic_message", "first_name", "is_bot", "data", "message", "sender_chat", "old_chat_member",
     "new_chat_member", "user", "status", "migrate_to_chat_id", "reply_markup", "inline_keyboard", "language_code", "url"]
)  # fmt: skip
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["private", "/ask x", "1n/x"])
)
_JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=8), max_leaves=30
)
_UPDATES = st.dictionaries(
    st.sampled_from(["update_id", "message", "edited_message", "channel_post", "callback_query", "my_chat_member"]),
    _JSON,
    max_size=3,
)
_PIECES = st.sampled_from(
    ["<rss>", "<channel>", "<item>", "</item>", "<title>", "</title>", "<link>https://a.b/1</link>", "<pubDate>", "</pubDate>",
     "<feed xmlns='http://www.w3.org/2005/Atom'>", "<entry>", "<![CDATA[", "]]>", "<!--", "&amp;", "&x;",
     "<?xml version='1.0'?>", "<ttl>9e99</ttl>", "2026-99-99", "Mon, 30 Feb 2026 25:61:00 +9999"]
)  # fmt: skip
_FEEDS = st.lists(_PIECES | st.text(max_size=10), max_size=30).map("".join).map(lambda text: text.encode("utf-8", "replace"))
_LINES = st.lists(
    st.sampled_from(
        ["a: 1", "- x", "b:", "  c: &x [1, *x]", "? :", "d: !!python/object:os.system x", "\t", "e: |", "2026-02-30: y"]
    )
    | st.text(max_size=12),
    max_size=12,
).map("\n".join)


@settings(max_examples=150, deadline=None)
@given(_UPDATES)
@example({"update_id": 1, "message": {"message_id": 5, "date": "never", "chat": "x"}})
def test_any_update_is_read_or_set_aside(raw: dict[str, Any]) -> None:
    try:
        found = read(API.parse(raw), ME)
    except Exception:  # Set aside by the caller, which catches all of them and goes on (test_telegram).
        return
    assert found is None or found


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300) | _FEEDS, st.sampled_from(["", "text/xml", "text/xml; charset=nonsense", "application/json"]))
def test_any_feed_is_read_or_refused(body: bytes, kind: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # The library says of some feeds how it will read them one day.
            entries, pause = read_feed(body, kind, "https://a.b/feed")
    except NotTaken:
        return
    assert len(entries) <= 500
    assert pause >= 0


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_LINES)
def test_any_yaml_is_read_or_named_with_its_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text, encoding="utf-8", errors="replace")
    with suppress(BrokenYaml):
        read_yaml(file)


def test_no_yaml_makes_an_object(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("a: !!python/object/apply:os.system ['true']", encoding="utf-8")
    assert read_yaml(file).tree == {"a": ["true"]}
