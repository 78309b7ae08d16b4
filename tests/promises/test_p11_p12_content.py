"""P11, P12. What strangers wrote, as it is shown: it injects nothing, and its links are what they look like."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.app import App
from bot.items import told
from bot.limits import units
from bot.speaker import Speaker
from bot.spoofing import fault_of, safe_url
from bot.transports.markup import parts
from bot.transports.matrix.rendering import content_of
from bot.unseen import clean
from tests.promises.conftest import Evidence
from tests.test_matrix_rendering import Parsed

ROOT = Path(__file__).parents[2]
HOSTILE = st.text(max_size=60) | st.sampled_from(
    ["<script>alert(1)</script>", "<b>x", "</a>&amp;", "@room @everyone", "*x* _y_ [a](tg://user?id=1)", "\u202egpj.exe",
     "/panic", "a\u200bb", "\x00\x1b[31m", "\U000e0041\U000e0042", "tg://resolve?domain=x", "😀" * 40]
)  # fmt: skip
URLS = st.none() | st.sampled_from(
    ["https://a.example/?q=\"'<&", "javascript:alert(1)", "tg://user?id=1", "https://аmazon.com/"]
)
MISLEADING = (
    "http://example.org/", "javascript:alert(1)", "tg://user?id=1", "tg:resolve?domain=x", "data:text/html,x",
    "https://example.org@evil.example/", "https://user:pw@example.org/", "https://example.org\\@evil.example/",
    "https://аmazon.com/", "https://amazon.соm/", "https://аррӏе.com/", "https://example。org/", "https://ｅxample.org/",
    "https://exam\u200bple.org/", "https://example.org/\u202egpj.exe", "https://[::1]/", "https://localhost/", "https://bıld.de/",
)  # fmt: skip


def _trouble(html: str) -> bool:
    try:
        Parsed(html)
    except (AssertionError, IndexError):
        return True
    return False


@pytest.mark.promise("P11")
def test_p11_content_cannot_inject(app: App, evidence: Evidence) -> None:
    item, tried = next(iter(app.base.items.values())), 0

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(HOSTILE, HOSTILE, HOSTILE, URLS)
    def shown(title: str, summary: str, author: str, url: str | None) -> None:
        nonlocal tried
        tried += 1
        hostile = replace(item, title={"en": title}, summary={"en": summary}, author=author, url=url)
        said = told(hostile, Speaker(app.base, "en", "en"))
        for part in parts(said.spans):
            assert part.text == clean(part.text).strip()
            for entity in part.entities:
                assert entity.kind in ("bold", "italic", "text_link")
                assert 0 <= entity.offset < entity.offset + entity.length <= units(part.text)
                assert entity.url is None or safe_url(entity.url) == entity.url
            content = content_of(part, frozenset({"help"}))
            assert content["m.mentions"] == {}
            if "formatted_body" in content:
                assert Parsed(content["formatted_body"]).text == content["body"]

    shown()
    sources = [file.read_text(encoding="utf-8") for part in ("bot", "handlers") for file in (ROOT / part).rglob("*.py")]
    assert not [source for source in sources if "parse_mode=" in source or "ParseMode" in source]
    evidence.finds(
        "the same title put into HTML by hand", _trouble("<b><script>alert(1)</script></b>") and _trouble("<b><b>x</b>")
    )
    evidence.measured(f"{tried} hostile items: no parse mode, offsets on the text, HTML of four tags, no mentions")


@pytest.mark.promise("P12")
def test_p12_links_are_what_they_look_like(evidence: Evidence) -> None:
    assert [url for url in MISLEADING if safe_url(url) is not None] == []
    assert [url for url in MISLEADING if fault_of(url) is None] == []
    naive = [url for url in MISLEADING if url.startswith("https://")]
    evidence.finds(f"a look at https alone would let {len(naive)} of them pass", naive)
    evidence.measured(f"{len(MISLEADING)} misleading addresses, 0 shown as links")
