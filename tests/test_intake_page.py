"""A page's bytes to lines, for text and HTML: nothing that is seen is lost, nothing that is hidden comes in."""

from __future__ import annotations

from datetime import date

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.intake.dates import DATE, read_date
from bot.intake.found import NotTaken
from bot.intake.html import address_of
from bot.intake.lines import MARK, plain
from bot.intake.page import MOST_BYTES, read_page

TODAY = date(2026, 11, 30)


def _html(body: str) -> bytes:
    return f"<!DOCTYPE html><html><head><meta charset='utf-8'><title>no</title></head><body>{body}</body></html>".encode()


def _texts(raw: bytes, kind: str = "text/html") -> list[str]:
    return [plain(line.text) for line in read_page(raw, kind)]


def test_bullets_nest_by_indent_and_keep_what_belongs_to_them() -> None:
    page = "Vor\n\n  • Eins\n    Text\n    • Zwei\n      mehr\n  • Drei\n\nNach\nweiter"
    lines = read_page(page.encode(), "text/plain")
    assert [(line.number, line.text, line.depth, line.opens) for line in lines] == [
        (1, "Vor", 0, True),
        (3, "Eins", 1, True),
        (4, "Text", 1, False),
        (5, "Zwei", 2, True),
        (6, "mehr", 2, False),
        (7, "Drei", 1, True),
        (9, "Nach", 0, True),
        (10, "weiter", 0, False),
    ]


def test_lists_of_html_nest_and_further_paragraphs_of_an_item_open_none() -> None:
    item = "<b>Eins</b><br>Text<blockquote><p>mehr</p></blockquote><ul><li>Zwei</li></ul>Rest"
    body = f"<p>Vor</p><ul><li>{item}</li></ul><h2>Nach</h2>"
    lines = read_page(_html(body), "text/html")
    assert [(line.text, line.depth, line.opens, line.heading) for line in lines] == [
        ("Vor", 0, True, False),
        ("Eins", 1, True, False),
        ("Text", 1, False, False),
        ("mehr", 1, False, False),
        ("Zwei", 2, True, False),
        ("Rest", 1, False, False),
        ("Nach", 0, True, True),
    ]


def test_links_leave_a_mark_and_their_address() -> None:
    body = "Das meldet <a href='/a?b=1'>Golem <span>externer Link</span></a>und <a href='javascript:x()'>VICE</a>."
    (line,) = read_page(_html(body), "text/html", "https://example.org/dossier/")
    assert line.text == f"Das meldet Golem{MARK} und VICE{MARK}."
    assert line.urls == ("https://example.org/a?b=1", None)
    (line,) = read_page(b"meldet Golem externer Link, VICE externer Link.", "text/plain")
    assert (line.text, line.urls) == (f"meldet Golem{MARK}, VICE{MARK}.", (None, None))


def test_what_a_browser_does_not_show_is_not_read() -> None:
    body = (
        "<script>eins</script><style>zwei</style><!-- drei --><noscript>vier</noscript><template>fünf</template>"
        "<p hidden>sechs</p><p style='color:red; display : none'>sieben</p><span class='x screen-reader-text'>acht</span>"
        "<p style='font-size:0'>neun</p>da<!-- x -->ran&nbsp;&amp; so<?php zehn ?>"
    )
    assert _texts(_html(body)) == ["daran & so"]


def test_characters_that_are_not_seen_go_even_as_entities() -> None:
    assert _texts(_html("Go&#x202E;l&#8203;e&zwj;m\U000e0041\u00adNews")) == ["GolemNews"]
    assert _texts("Go\u202el\u200bem\x00\x07\ufffc".encode(), "text/plain") == ["Golem"]


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("Überwachung".encode(), "text/plain"),
        ("Überwachung".encode("cp1252"), "text/plain; charset=ISO-8859-1"),
        ("Überwachung".encode("cp1252"), "text/plain; charset=utf-8"),
        ("\ufeffÜberwachung".encode("utf-16-le"), ""),
        ("\ufeffÜberwachung".encode(), "text/plain"),
        (b"<html><meta http-equiv=x content='text/html; charset=windows-1252'><p>" + "Überwachung".encode("cp1252"), ""),
        ("<p>Überwachung".encode(), "text/html; charset=idna"),
        ("<p>Überwachung".encode(), "text/html; charset=unicode_escape"),
    ],
)
def test_the_character_set_is_found(raw: bytes, kind: str) -> None:
    assert _texts(raw, kind) == ["Überwachung"]


@pytest.mark.parametrize(
    ("raw", "kind", "problem"),
    [
        (b"x" * (MOST_BYTES + 1), "text/plain", "larger than 2 MB"),
        (b"x\n" * 20_001, "text/plain", "more than 20,000 lines"),
        (b"<p>x" * 20_001, "text/html", "more than 20,000 lines"),
        (b"<ul><li>" * 200_000, "text/html", "nested too deep"),
        (b"%PDF-1.7", "", "a PDF"),
        (b"GIF89a", "image/gif", "image/gif"),
    ],
)
def test_what_is_no_page_is_refused_with_a_remedy(raw: bytes, kind: str, problem: str) -> None:
    with pytest.raises(NotTaken, match=problem) as refused:
        read_page(raw, kind)
    assert refused.value.remedy


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        "https://golem.de@evil.example/",
        "https://gоlem.de/",
        "https://[::1",
        "ftp://golem.de/",
        "data:x",
        "https://x/",
    ],
)
def test_an_address_that_misleads_is_none(href: str) -> None:
    assert address_of(href) is None


def test_an_address_is_completed() -> None:
    assert address_of("../b", "https://example.org/a/c/") == "https://example.org/a/b"


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("vom 20. Juli 2023 im Blog", date(2023, 7, 20)),
        ("am 01. September 2020", date(2020, 9, 1)),
        ("6. Jänner 2023", date(2023, 1, 6)),
        ("le 1er septembre 2020", date(2020, 9, 1)),
        ("12 août 2021", date(2021, 8, 12)),
        ("on July 20, 2023,", date(2023, 7, 20)),
        ("the 20th of July 2023", date(2023, 7, 20)),
        ("20.07.2023", date(2023, 7, 20)),
        ("2023-07-20", date(2023, 7, 20)),
        ("20/07/2023", date(2023, 7, 20)),
        ("07/20/2023", date(2023, 7, 20)),
        ("02/03/2023", None),
        ("31. Februar 2023", None),
        ("2023-02-30", None),
        ("20.07.23", None),
        ("Juli 2023", None),
        ("1. Dezember 2026", None),
        ("5. April 0023", None),
    ],
)
def test_a_date_is_read_or_doubted(text: str, day: date | None) -> None:
    found = regex.search(DATE, text)
    assert found
    read = read_date(found.group(), TODAY)
    assert read.day == day
    assert bool(read.doubt) == (day is None)


@given(st.from_regex(DATE, fullmatch=True))
def test_what_looks_like_a_date_is_a_day_that_was_or_a_doubt(text: str) -> None:
    read = read_date(text, TODAY)
    assert (read.day is None) == bool(read.doubt)
    assert read.day is None or read.day <= TODAY


@settings(deadline=None)
@given(
    raw=st.one_of(st.binary(max_size=400), st.text(max_size=400).map(lambda text: text.encode("utf-8", "surrogatepass"))),
    kind=st.sampled_from(["", "text/html", "text/plain", "text/html; charset=utf-16", "text/plain; charset=latin1", "x"]),
)
def test_any_bytes_are_lines_or_refused(raw: bytes, kind: str) -> None:
    try:
        lines = read_page(raw, kind)
    except NotTaken:
        return
    numbers = [line.number for line in lines]
    assert numbers == sorted(set(numbers))
    for line in lines:
        assert plain(line.text).strip()
        assert line.text.count(MARK) == len(line.urls)
        assert line.depth >= 0


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["Wort", "<p>", "</p>", "<ul>", "</ul>", "<li>", "<br>", "<a href='/x'>", "</a>", "<div>", " ", "<b>"]),
        max_size=40,
    )
)
def test_no_word_of_html_is_lost_whatever_the_tags(pieces: list[str]) -> None:
    shown = "".join(_texts("".join(["<body>", *pieces]).encode()))
    assert shown.count("Wort") == pieces.count("Wort")
