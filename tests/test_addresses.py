"""What `check` says of addresses, and of the list of feeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.base import load_base
from bot.facts import Feed
from tests.conftest import TODAY
from tests.test_check import change, findings

ITEM = "dossier/2023-07-20-van-videos-online.yaml"


def test_an_item_whose_address_misleads_is_a_doubt(folder: Path) -> None:
    line = change(folder, ITEM, "url: null", "url: https://аmazon.com/x")
    (found,) = findings(folder)
    assert (found.file, found.line, found.field, found.level) == (ITEM, line, "url", "warning")
    assert "xn--mazon-3ve.com" in str(found)


def test_a_folder_has_the_feeds_that_its_file_names_and_else_none(bare: Path) -> None:
    assert load_base(bare, TODAY)[0].feeds == ()
    (bare / "feeds.yaml").write_text(
        "feeds:\n  - url: https://example.org/feed\n    name: Example\n  - url: https://www.example.net/rss\n", encoding="utf-8"
    )
    base, doubts = load_base(bare, TODAY)
    assert base.feeds == (Feed("https://example.org/feed", "Example"), Feed("https://www.example.net/rss", "www.example.net"))
    assert doubts == ()


@pytest.mark.parametrize(
    ("text", "line", "words", "level"),
    [
        ("feeds:\n  - name: x\n", 2, "url", "error"),
        ("feeds:\n  - {url: x, nme: y}\n", 2, "nme", "error"),
        ("feeds: {}\n", 1, "array", "error"),
        ("", 1, "object", "error"),
        ("feeds:\n  - url: http://example.org/feed\n", 2, "not encrypted", "warning"),
        ("feeds:\n  - url: https://[a\n", 2, "no web address", "warning"),
        ("feeds:\n  - url: https://a.org/f\n  - url: https://a.org/f\n", 3, "stands twice", "warning"),
    ],
)
def test_a_mistake_in_the_list_of_feeds_is_said_with_its_line(bare: Path, text: str, line: int, words: str, level: str) -> None:
    (bare / "feeds.yaml").write_text(text, encoding="utf-8")
    (found,) = findings(bare)
    assert (found.file, found.line, found.level) == ("feeds.yaml", line, level)
    assert words in str(found)
