"""`feed` edits the list of feeds as a person would."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.base import load_base
from bot.commands.main import main
from bot.intake import feedlist
from bot.intake.found import NotTaken
from tests.conftest import TODAY

LIST = """\
# What we watch, and why.
feeds:
  # The union's own.
  - url: 'https://a.example/feed'
    name: "A: first"   # daily

  - url: https://b.example/feed
    name: B
"""


def test_comments_and_order_stay(bare: Path) -> None:
    file = bare / "feeds.yaml"
    file.write_text(LIST, encoding="utf-8")
    feedlist.add(bare, "https://c.example/feed", "C: ü")
    assert file.read_text(encoding="utf-8") == LIST + "  - url: https://c.example/feed\n    name: 'C: ü'\n"
    feedlist.remove(bare, "https://c.example/feed")
    assert file.read_text(encoding="utf-8") == LIST
    feedlist.remove(bare, "https://b.example/feed")
    assert file.read_text(encoding="utf-8").startswith(LIST[: LIST.index("  - url")].rstrip())
    assert [feed.url for feed in load_base(bare, TODAY)[0].feeds] == ["https://a.example/feed"]


def test_a_list_that_the_library_would_garble_is_left_as_it_is(bare: Path) -> None:
    file = bare / "feeds.yaml"
    text = "feeds:\n  - {url: 'https://a.example/feed'}   # daily\n  - url: https://b.example/feed\n    name: B\n"
    file.write_text(text, encoding="utf-8")
    refused = ""
    try:
        feedlist.add(bare, "https://c.example/feed", None)
    except NotTaken as error:
        refused = error.remedy
    added = "" if refused else "  - url: https://c.example/feed\n"  # A version of it may know better.
    assert refused in ("", "change it by hand")
    assert file.read_text(encoding="utf-8") == text + added


def test_a_list_that_is_not_indented_stays_so(bare: Path) -> None:
    file = bare / "feeds.yaml"
    file.write_text("feeds:\n- url: https://a.example/feed\n  name: A\n", encoding="utf-8")
    feedlist.add(bare, "https://b.example/feed", "B")
    assert file.read_text(encoding="utf-8").endswith("  name: A\n- url: https://b.example/feed\n  name: B\n")


def test_a_list_is_made_where_there_is_none_and_may_become_empty(bare: Path) -> None:
    feedlist.add(bare, "https://a.example/feed", None)
    assert (bare / "feeds.yaml").read_text(encoding="utf-8") == "feeds:\n  - url: https://a.example/feed\n"
    feedlist.remove(bare, "https://a.example/feed")
    base, doubts = load_base(bare, TODAY)
    assert (base.feeds, doubts) == ((), ())
    feedlist.add(bare, "https://b.example/feed", "B")
    assert [feed.name for feed in load_base(bare, TODAY)[0].feeds] == ["B"]
    assert sorted(file.name for file in bare.glob("*feeds*")) == ["feeds.yaml"]


@pytest.mark.parametrize(
    ("url", "words"),
    [("http://a.example/feed", "not encrypted"), ("https://аmazon.com/feed", "xn--mazon-3ve.com"), ("x", "no web address")],
)
def test_an_address_that_misleads_is_not_added(bare: Path, url: str, words: str) -> None:
    with pytest.raises(NotTaken, match=words):
        feedlist.add(bare, url, None)
    assert not (bare / "feeds.yaml").exists()


@pytest.mark.parametrize("text", ["feeds: [", "- a\n", "feeds: {}\n", "other: []\n"])
def test_a_list_that_cannot_be_read_is_left_as_it_is(bare: Path, text: str) -> None:
    (bare / "feeds.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(NotTaken, match="check"):
        feedlist.add(bare, "https://a.example/feed", None)
    assert (bare / "feeds.yaml").read_text(encoding="utf-8") == text


def test_the_commands_add_list_and_remove(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RUECKSPIEGEL_DATA", str(bare))
    monkeypatch.setenv("RUECKSPIEGEL_STATE", str(tmp_path / "state"))

    def said(*arguments: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as end:
            main(["feed", *arguments])
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    url = "https://no-such-host.invalid/feed"
    status, _, error = said("add", url, "--name", "Nobody")
    assert status == 0
    assert "could not be read just now" in error
    status, _, error = said("add", url)
    assert (status, error.count("\n")) == (2, 1)
    assert said("list")[:2] == (0, f"{url} Nobody\n")
    assert said("remove", url) == (0, "", "")
    assert said("remove", url)[0] == 2
    assert said("list") == (0, "", "")


def test_the_shipped_folder_is_not_edited(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("RUECKSPIEGEL_DATA", raising=False)
    with pytest.raises(SystemExit):
        main(["feed", "add", "https://a.example/feed"])
    assert "rueckspiegel init" in capsys.readouterr().err
