"""A reply as Telegram takes it, for any text: sizes, offsets, nothing lost, nothing that hides or misleads."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.limits import MESSAGE, fitted, size_of, units
from bot.messages import Span
from bot.spoofing import safe_url
from bot.transports.markup import Part, parts
from bot.unseen import clean

IGNORABLE = regex.compile(r"[\p{Default_Ignorable_Code_Point}\u2800]")
GOOD, BAD = "https://example.org/a?b=c#d", "javascript:alert(1)"
# What forms texts of real length: any character at all, and the ones on which a splitter stumbles.
_TRAPS = ["\n\n", ". ", "👩\u200d👧", *" \n\t\u00a0\u2028\u0301\u200d\ufe0f😀\ud800\u202e"]
_CHARACTERS = st.one_of(st.characters(exclude_categories=()), st.sampled_from(_TRAPS))
_TEXTS = st.tuples(st.lists(_CHARACTERS, max_size=12), st.sampled_from([1, 1, 7, 700])).map(
    lambda two: "".join(two[0]) * two[1]
)
_SPANS = st.builds(Span, _TEXTS, st.sampled_from(["plain", "bold", "italic"]), st.sampled_from([None, GOOD, BAD]))
_MANY = st.lists(_SPANS, max_size=6)
_INSIDE = [Span("a"), Span(" b\n", "bold", GOOD), Span("\t", "italic", GOOD), Span(" 😀 ", "italic"), Span("c", "plain", BAD)]
_KEPT = {ord(c): None for c in "\n\t\u200c\u200d"}
# A hundred and more short marks in one text.
_CROWDS = st.lists(st.builds(Span, st.text(max_size=3), st.sampled_from(["bold", "plain"]), st.just(GOOD)), max_size=160)


def _shown(text: str) -> str:
    """A text without blanks: what of it nobody would miss at a cut."""
    return "".join(text.split())


def _under(part: Part, kind: str) -> str:
    """The text under the entities of a kind, cut out by UTF-16 units as Telegram does."""
    raw = part.text.encode("utf-16-le")
    return "".join(
        raw[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le")
        for entity in part.entities
        if entity.kind == kind
    )


@settings(max_examples=100, deadline=None)
@given(st.one_of(_MANY, _CROWDS))
@example(_INSIDE)
@example([Span("x ", "bold", GOOD)] * 170)
def test_every_part_fits_whatever_is_said(spans: list[Span]) -> None:
    for part in parts(spans):
        assert part.text == part.text.strip() != ""
        assert units(part.text) == len(part.text.encode("utf-16-le")) // 2 <= 4096
        assert len(part.text.encode()) <= 32 * 1024
        assert len(part.entities) <= 100


@settings(max_examples=100, deadline=None)
@given(st.one_of(_MANY, _CROWDS))
@example(_INSIDE)
@example([Span("x ", "bold", GOOD)] * 170)
def test_every_entity_lies_on_whole_visible_characters(spans: list[Span]) -> None:
    for part in parts(spans):
        raw = part.text.encode("utf-16-le")
        for entity in part.entities:
            assert 0 <= entity.offset < entity.offset + entity.length <= len(raw) // 2
            # Decoding fails where either end lies inside a surrogate pair.
            stretch = raw[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le")
            raw[: 2 * entity.offset].decode("utf-16-le")
            assert stretch == stretch.strip() != ""
            assert (entity.url == GOOD) is (entity.kind == "text_link")
        for before, after in pairwise(sorted((e.offset, e.offset + e.length, e.kind) for e in part.entities)):
            assert after[0] >= before[1] or after[:2] == before[:2], "entities must not overlap in part"


@settings(max_examples=100, deadline=None)
@given(st.one_of(_MANY, _CROWDS))
@example(_INSIDE)
@example([Span("x ", "bold", GOOD)] * 170)
def test_nothing_is_lost_but_blanks_at_the_cuts(spans: list[Span]) -> None:
    whole, position = "".join(clean(span.text) for span in spans), 0
    for part in parts(spans):
        while not whole.startswith(part.text, position):
            assert whole[position : position + 1].isspace()
            position += 1
        position += len(part.text)
    assert whole[position:].strip() == ""


@settings(max_examples=100, deadline=None)
@given(st.one_of(_MANY, _CROWDS))
@example(_INSIDE)
@example([Span("x ", "bold", GOOD)] * 170)
def test_styles_and_links_stay_on_exactly_their_own_text(spans: list[Span]) -> None:
    said = parts(spans)
    for kind in ("bold", "italic"):
        wanted = "".join(_shown(clean(span.text)) for span in spans if span.style == kind)
        assert "".join(_shown(_under(part, kind)) for part in said) == wanted
    linked = "".join(_shown(clean(span.text)) for span in spans if span.url == GOOD)
    assert "".join(_shown(_under(part, "text_link")) for part in said) == linked


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_cleaning_drops_exactly_what_is_not_seen(text: str) -> None:
    visible = [c for c in text if unicodedata.category(c)[0] in "LMNPSZ" and (c in "\ufe0e\ufe0f" or not IGNORABLE.match(c))]
    assert [c for c in clean(text) if unicodedata.category(c)[0] in "LMNPSZ"] == visible
    assert clean(clean(text)) == clean(text)
    assert not {unicodedata.category(c) for c in clean(text).translate(_KEPT)} & {"Cc", "Cf", "Cs"}


@pytest.mark.parametrize(
    "stretch",
    ["\u202a-\u202e", "\u2066-\u2069", "\u200e-\u200f", "\u061c", "\u200b", "\u2060-\u2064", "\ufeff", "\u00ad", "\u180e",
     "\U000e0001", "\U000e0020-\U000e007f", "\x00-\x08", "\x0b-\x1f", "\x7f-\x9f", "\ufff9-\ufffb", "\ud800-\udfff"],
)  # fmt: skip
def test_directions_tags_zero_widths_and_controls_never_come_out(stretch: str) -> None:
    first, last = stretch[0], stretch[-1]
    for code in range(ord(first), ord(last) + 1):
        (part,) = parts([Span(f"a{chr(code)}b", "bold", GOOD)])
        assert part.text == "ab", hex(code)


def test_fillers_and_variation_selectors_that_hide_a_text_never_come_out() -> None:
    hidden = "\u034f\u115f\u1160\u17b4\u3164\uffa0\u2065\U000e0000\U000e0002\U000e0100\U000e01ef"
    assert [hex(ord(c)) for c in hidden if clean(f"a{c}b") != "ab"] == []


@pytest.mark.parametrize("shift", range(9))
@pytest.mark.parametrize("cluster", ["e\u0301", "e\u0301\u0323", "👩\u200d👩\u200d👧", "❤\ufe0f\u200d🔥"])
def test_a_letter_keeps_its_accents_and_an_emoji_its_members_at_a_cut(cluster: str, shift: int) -> None:
    said = parts([Span("x" * shift + cluster * 2_500)])
    assert len(said) > 1
    for before, after in pairwise(said):
        assert before.text.endswith(cluster)
        assert after.text.startswith(cluster)


def test_flags_skin_tones_vowel_signs_and_keycaps_stay_whole_at_a_cut() -> None:
    for cluster in ("🇩🇪", "👍🏽", "\u0915\u093f", "1\u20e3"):
        for shift in range(4):
            for part in parts([Span("x" * shift + cluster * 2_500)])[1:]:
                assert part.text.startswith(cluster), (cluster, shift)


def test_a_text_is_cut_at_the_best_place() -> None:
    text = "\n\n".join(f"Absatz {number}. " + "Wort für Wort. " * 60 for number in range(12))
    said = parts([Span(text)])
    assert all(part.text.startswith("Absatz") for part in said)
    sentence = parts([Span("Ein Satz ohne Absatz steht hier. " * 400)])
    assert all(part.text.endswith(".") for part in sentence)
    assert all(re.fullmatch(r"(wort ?)+", part.text) for part in parts([Span("wort " * 2_000)]))


def test_blank_text_is_no_message_and_what_is_longest_still_fits_one() -> None:
    assert parts([]) == parts([Span(" \n\t\u00a0"), Span("\u202e\u200b", "bold")]) == []
    assert [part.text for part in parts([Span("x" * 4096)])] == ["x" * 4096]
    assert [units(part.text) for part in parts([Span("😀" * 2049)])] == [4096, 2]


@pytest.mark.parametrize(
    "url",
    ["https://example.org", "https://example.org/", "https://a.b-c.example.org/x/y?z=1&q=%C3%BC#f", "https://example.org:8443/x",
     "HTTPS://EXAMPLE.ORG/", "https://xn--bcher-kva.example/", "https://example.org/a@b", "https://example.org/[x]"],
)  # fmt: skip
def test_a_plain_https_link_may_be_shown(url: str) -> None:
    assert safe_url(url) == url
    assert [entity.url for entity in parts([Span("x", url=url)])[0].entities] == [url]


@pytest.mark.parametrize(
    "url",
    ["", "example.org", "//example.org", "http://example.org", "javascript:alert(1)", "tg://user?id=1", "tg:resolve?domain=x",
     "data:text/html,x", "file:///etc/passwd", "ftp://example.org", "mailto:a@example.org", "https:", "https://", "https:///x",
     "https:example.org", "https://user@example.org/", "https://user:pw@example.org/", "https://example.org@evil.example/",
     "https://example.org%40evil.example/", "https://example.org\\@evil.example/", "https://evil.example\\.example.org/",
     "https://аmazon.com/", "https://amazon.соm/", "https://bücher.example/", "https://example。org/", "https://ｅxample.org/",
     "https://exam\u200bple.org/", "https://example.org/\u202egpj.exe", "https://example.org/ü", "https://[::1]/",
     "https://[example.org/", "https://example.org]/", "https://localhost/", "https://example .org/", "https://example.org/a b",
     " https://example.org/", "https://example.org/\n", "https://exa\nmple.org/", "https://exa\tmple.org/", "\x00https://a.b/",
     "https://example.org/\x7f", "https://%65xample.org/", "https://exam_ple.org/"],
)  # fmt: skip
def test_a_link_that_is_not_what_it_looks_like_is_shown_as_text_alone(url: str) -> None:
    assert safe_url(url) is None
    assert parts([Span("x", "plain", url)])[0].entities == ()


def test_a_link_with_a_broken_port_or_host_is_no_link() -> None:
    urls = ("https://example.org:port/", "https://example.org:99999/", "https://example..org/", "https://.example.org/")
    assert [url for url in urls if safe_url(url) is not None] == []


@settings(max_examples=150, deadline=None)
@given(st.one_of(_MANY, _CROWDS))
def test_what_is_within_a_message_is_one_and_what_is_fitted_too(spans: list[Span]) -> None:
    if size_of(spans).within(MESSAGE):
        assert len(parts(spans)) <= 1
    small = [Span(span.text, span.style, span.url) for span in spans][:40]
    assert len(parts(fitted(small, MESSAGE))) <= 1
