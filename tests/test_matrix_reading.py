"""What a Matrix event asks of us: only what speaks to us, and odd events never harm."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.messages import Address, Choices, Message
from bot.transports.matrix.reading import Me, read
from bot.transports.numbered import chosen

JSON = dict[str, Any]
ME = Me("@bot:localhost", "Mirror", frozenset({"ask", "news", "help"}))
OURS = frozenset({"$ours"})
TO_US = {"m.mentions": {"user_ids": [ME.user]}}
LINK = "https://matrix.to/#/"
AUTHOR, PILL = f'<a href="{LINK}@ben:localhost">ben</a>', f'<a href="{LINK}{ME.user}">Mirror</a>'
QUOTED = f"<mx-reply><blockquote>{AUTHOR}<br>{PILL} when?</blockquote></mx-reply>"


def event(body: object = "when?", **content: Any) -> JSON:
    return {
        "type": "m.room.message",
        "event_id": "$asked",
        "sender": "@anna:localhost",
        "origin_server_ts": 1,
        "content": {"msgtype": "m.text", "body": body, **content},
    }


def heard(event: JSON, private: bool = False) -> str | None:
    spoken = read(event, "!room", ME, private=private, mine=OURS)
    return None if spoken is None else spoken.message.text


def pill(target: str, before: str = "") -> JSON:
    return {"format": "org.matrix.custom.html", "formatted_body": f'{before}<a href="{LINK}{target}">Mirror</a>: when?'}


def reply_to(id: object, **relation: Any) -> JSON:
    return {"m.relates_to": {"m.in_reply_to": {"event_id": id}, **relation}}


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ("when?", TO_US),
        ("Mirror: when?", TO_US),
        ("@bot:localhost when?", TO_US),
        ("Mirror: when?", pill("@bot:localhost")),
        ("Mirror: when?", pill("%40bot%3Alocalhost")),
        ("mirror, when?", {}),
        ("@Mirror when?", {}),
        ("@bot:localhost: when?", {}),
        ("when?", reply_to("$ours")),
        ("when?", reply_to("$ours") | {"m.mentions": {}}),
        ("when?", reply_to("$ours", rel_type="m.thread", event_id="$root", is_falling_back=False)),
        ("> <@bot:localhost> said\n> more\n\nwhen?", reply_to("$ours")),
    ],
)
def test_whoever_addresses_us_in_a_room_is_heard_without_our_name(body: str, content: JSON) -> None:
    assert heard(event(body, **content)) == "when?"


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ("when?", {}),
        ("when?", {"m.mentions": {}}),
        ("Mirror: when?", {"m.mentions": {}}),
        ("Mirror: when?", {"m.mentions": {"user_ids": ["@ben:localhost"]}}),
        ("Mirror: when?", {"m.mentions": {"user_ids": ME.user}}),
        ("when?", {"m.mentions": {"room": True}}),
        ("I asked the Mirror", {}),
        ("Mirrors lie", {}),
        ("when?", reply_to("$theirs")),
        ("> <@ben:localhost> Mirror: when?\n\nI know", reply_to("$theirs")),
        ("when?", reply_to("$ours", rel_type="m.thread", event_id="$root", is_falling_back=True)),
        ("!dance", TO_US | {"m.mentions": {}}),
        ("Ben: when?", pill("@ben:localhost")),
    ],
)
def test_talk_among_others_is_not_for_us(body: str, content: JSON) -> None:
    assert heard(event(body, **content)) is None


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (pill("@cleo:localhost", before=QUOTED) | reply_to("$theirs"), None),
        (pill("@bot:localhost", before="<blockquote>"), None),
        (pill("@bot:localhost.example"), None),
        (pill("%40bot%3alocalhost"), "when?"),
    ],
)
def test_a_pill_is_ours_only_where_its_writer_set_it(content: JSON, wanted: str | None) -> None:
    assert heard(event("well: when?" if wanted is None else "when?", **content)) == wanted


@pytest.mark.parametrize(
    "piece",
    [
        f'<a href="{LINK}',
        f"<a href='{LINK}x ",
        f'href="{LINK}x ',
        "<a ",
        "<blockquote ",
        "<mx-reply>",
        "<a <blockquote>",
        "> ",
        "> x\n",
        "@bot:localhost ",
        " ",
        "x",
    ],
)
def test_no_text_holds_up_whoever_else_is_read(piece: str) -> None:
    long = piece * (60_000 // len(piece))
    began = time.monotonic()
    for formatted in (long, f"<a {long}", f'<a href="{LINK}{long}', f"<blockquote>{long}"):
        heard(event(long, formatted_body=formatted))
    # Milliseconds each; where the work grows as the square or cube of the text it is ten seconds and more.
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "odd",
    [
        event() | {"sender": ME.user},
        event(msgtype="m.notice"),
        event(msgtype="m.key.verification.request"),
        event(msgtype="m.unknown"),
        event() | {"content": {}},
        event() | {"content": ["m.text"]},
        event() | {"type": "m.reaction"},
        event() | {"type": "m.room.topic", "state_key": ""},
        event() | {"type": "m.room.encrypted"},
        {"type": "m.room.message"},
        {},
    ],
)
def test_what_is_no_question_is_silence_even_in_private(odd: JSON) -> None:
    assert heard(odd, private=True) is None


def test_bodies_that_are_no_text_are_empty_and_old_fallbacks_are_stripped() -> None:
    assert heard(event({"a": 1}), private=True) == heard(event(None), private=True) == ""
    assert heard(event("> <@ben:x> old\n\nnew", **reply_to("$theirs")), private=True) == "new"
    assert heard(event("hello\n> not at the top"), private=True) == "hello\n> not at the top"


def test_edits_threads_and_attachments_are_told_apart() -> None:
    new = {"msgtype": "m.text", "body": "Mirror: when?", **TO_US}
    replaced = event("* Mirror: when?", **{"m.new_content": new, "m.relates_to": {"rel_type": "m.replace", "event_id": "$old"}})
    spoken = read(replaced, "!room", ME, private=False, mine=OURS)
    assert spoken is not None
    assert (spoken.message.text, spoken.edits, spoken.thread, spoken.message.id) == ("when?", "$old", None, "$asked")
    threaded = event(**TO_US, **reply_to("$x", rel_type="m.thread", event_id="$root", is_falling_back=True))
    spoken = read(threaded, "!room", ME, private=False, mine=OURS)
    assert spoken is not None
    assert (spoken.thread, spoken.edits) == ("$root", None)
    picture = read(event("plan.png", msgtype="m.image"), "!room", ME, private=True, mine=OURS)
    assert picture is not None
    assert (picture.message.text, picture.message.attachment) == ("", "photo")


_WORDS = st.sampled_from(
    ["m.text", "m.thread", "m.replace", "m.room.message", "m.sticker", ME.user, "$ours", "!ask", "Mirror: x", ""]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | _WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["event_id", "m.in_reply_to", "user_ids", "rel_type", "msgtype", "body"]), inner, max_size=4
        )
    ),
    max_leaves=6,
)
_KEYS = ("msgtype", "body", "format", "formatted_body", "m.mentions", "m.relates_to", "m.new_content")
_CONTENT = st.dictionaries(st.sampled_from(_KEYS), _JSON, max_size=6) | _JSON
_EVENTS = st.fixed_dictionaries(
    {"type": st.just("m.room.message") | _JSON, "content": _CONTENT},
    optional={"sender": _JSON, "event_id": _JSON, "state_key": _JSON, "unsigned": _JSON},
)


@given(_EVENTS, st.booleans())
@example(event(**reply_to(["$ours"])), False)
@example({"type": "m.room.message", "content": {"msgtype": "m.text", "body": "!ask"}}, True)
@example(event() | {"type": []}, True)
@example(event(**reply_to("$x", rel_type="m.thread", event_id=["$root"])), True)
def test_no_event_makes_an_exception_and_ids_are_text(odd: JSON, private: bool) -> None:
    spoken = read(odd, "!room", ME, private=private, mine=OURS)
    if spoken is not None:
        assert all(id is None or isinstance(id, str) for id in (spoken.thread, spoken.edits))


def test_an_endless_number_is_no_choice() -> None:
    assert chosen(Message("1", Address("matrix", "!room"), "9" * 5000), Choices(("/news",))) is None
