"""A newer shipped base: what it changed and what stewards wrote come together in drafts, and nothing is overwritten."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bot.base import load_base, shipped_folder
from bot.commands.drafts import import_
from bot.intake.beginning import CHANGED, KEPT, TAKEN_OUT, Upgrade, import_shipped, init
from bot.intake.drafts import Draft, drafts_of
from bot.intake.found import NotTaken
from bot.intake.merging import changes, merged
from bot.intake.shelf import Shelf
from bot.intake.writing import parsed
from tests.newsroom import NOW, TODAY, empty_folder

ITEM = Path("dossier", "2023-07-20-van-videos-online.yaml")
TOPIC = Path("facts", "dossier.yaml")


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """The shipped base with one topic alone."""
    shutil.copytree(shipped_folder(), tmp_path / "new", ignore=shutil.ignore_patterns("model", "questions", "facts", "texts"))
    (tmp_path / "new" / "facts").mkdir()
    text = (shipped_folder() / TOPIC).read_text("utf-8")
    (tmp_path / "new" / TOPIC).write_text(re.sub(r"nearest: \[.*\]", "nearest: [dossier-where]", text), "utf-8")
    return tmp_path / "new"


@pytest.fixture
def mine(tmp_path: Path, shipped: Path) -> Path:
    init(tmp_path / "union", shipped, NOW)
    return tmp_path / "union"


def put(folder: Path, file: Path, old: str, new: str) -> None:
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), "utf-8")


def row_of(folder: Path, id: str) -> Any:
    """A fact or unknown as it is published."""
    tree = parsed((folder / TOPIC).read_text("utf-8"))
    return next(row for row in (*tree["facts"], *tree["unknowns"]) if row["id"] == id)


def draft(folder: Path, id: str) -> Draft:
    return drafts_of(folder)[0][id]


def publish(folder: Path, id: str) -> None:
    shelf = Shelf(folder)
    shelf.publish(draft(folder, id), TODAY)
    shelf.put()


def test_what_a_steward_wrote_survives_an_upgrade(mine: Path, shipped: Path) -> None:
    put(mine, TOPIC, "Die Fakten hier stammen", "UNSERE WORTE: die Fakten stammen")
    put(mine, TOPIC, "- woher hast du deine infos", "- unsere eigene frage\n        - woher hast du deine infos")
    put(mine, TOPIC, "        - was ist deine quelle\n", "")
    put(shipped, TOPIC, "- labournet dossier link", "- neue frage aus dem upgrade\n        - labournet dossier link")
    put(shipped, TOPIC, "        - quellenangabe bot\n", "")
    put(shipped, TOPIC, "aspect: source", "aspect: origin")
    assert import_shipped(mine, shipped).drafts == ("dossier-where",)
    assert draft(mine, "dossier-where").tree["doubts"] == [f"{CHANGED}: aspect, questions de"]
    publish(mine, "dossier-where")
    row = row_of(mine, "dossier-where")
    assert "UNSERE WORTE" in row["claim"]["de"]
    assert row["aspect"] == "origin"
    assert {"unsere eigene frage", "neue frage aus dem upgrade"} < set(row["questions"]["de"])
    assert not {"was ist deine quelle", "quellenangabe bot"} & set(row["questions"]["de"])
    assert import_shipped(mine, shipped) == Upgrade()


def test_what_both_changed_stays_and_is_a_doubt(mine: Path, shipped: Path) -> None:
    put(mine, ITEM, "end up online", "OURS")
    put(shipped, ITEM, "end up online", "THEIRS")
    assert import_shipped(mine, shipped).drafts == ("van-videos-online",)
    one = draft(mine, "van-videos-online")
    assert one.row["title"]["en"].endswith("OURS")
    [doubt] = one.row["doubts"]
    assert doubt.startswith("title en: ")
    assert "THEIRS" in doubt
    publish(mine, one.id)
    assert "OURS" in (mine / ITEM).read_text("utf-8")
    assert import_shipped(mine, shipped) == Upgrade()


def test_without_a_known_beginning_nothing_of_ours_is_lost(mine: Path, shipped: Path) -> None:
    shutil.rmtree(mine / KEPT)
    put(mine, TOPIC, "Die Fakten hier stammen", "UNSERE WORTE: die Fakten stammen")
    put(mine, TOPIC, "        - was ist deine quelle\n", "")
    assert import_shipped(mine, shipped).drafts == ("dossier-where",)
    one = draft(mine, "dossier-where")
    assert "UNSERE WORTE" in one.row["claim"]["de"]
    assert "was ist deine quelle" in one.row["questions"]["de"]
    assert [doubt.partition(":")[0] for doubt in one.tree["doubts"]] == [CHANGED, "claim de"]


def test_a_draft_that_a_steward_is_at_is_gone_on_with(mine: Path, shipped: Path) -> None:
    put(shipped, ITEM, "end up online", "THEIRS")
    import_shipped(mine, shipped)
    path = draft(mine, "van-videos-online").path
    path.write_text("# Ours.\n" + path.read_text("utf-8").replace("landen im Netz", "UNSER TITEL"), "utf-8")
    put(shipped, ITEM, "THEIRS", "THEIRS AGAIN")
    put(shipped, ITEM, "date: 2023-07-20", "date: 2023-07-21")
    assert import_shipped(mine, shipped).drafts == ("van-videos-online",)
    title = draft(mine, "van-videos-online").row["title"]
    assert title == {"de": "Videos aus Amazon-Lieferwagen UNSER TITEL", "en": "Videos from Amazon delivery vans THEIRS AGAIN"}
    assert draft(mine, "van-videos-online").row["date"] == "2023-07-21"
    assert path.read_text("utf-8").startswith("# Ours.\n")


def test_unknowns_are_offered_too(mine: Path, shipped: Path) -> None:
    put(shipped, TOPIC, "id: dossier-funding", "id: dossier-money")
    put(shipped, TOPIC, "        - ", "        - ganz neu gefragt\n        - ")
    done = import_shipped(mine, shipped)
    assert set(done.drafts) == {"dossier-where", "dossier-money"}
    assert done.gone == ("dossier-funding",)
    assert draft(mine, "dossier-money").kind == "unknown"
    assert not draft(mine, "dossier-money").missing(load_base(mine, TODAY)[0])
    assert import_shipped(mine, shipped) == Upgrade()


def test_what_was_taken_out_comes_again_only_changed(mine: Path, shipped: Path) -> None:
    (mine / ITEM).unlink()
    put(shipped, TOPIC, "aspect: source", "aspect: origin")
    assert import_shipped(mine, shipped).drafts == ("dossier-where",)
    put(shipped, ITEM, "end up online", "THEIRS")
    assert import_shipped(mine, shipped).drafts == ("van-videos-online",)
    assert draft(mine, "van-videos-online").row["doubts"] == [TAKEN_OUT]


def test_into_an_empty_folder_all_of_it_is_drafted_once(tmp_path: Path, shipped: Path) -> None:
    own = empty_folder(tmp_path / "own")
    assert len(import_shipped(own, shipped).drafts) == 8 + 1 + 9
    assert not draft(own, "dossier-funding").missing(load_base(own, TODAY)[0])
    assert import_shipped(own, shipped) == Upgrade()


def test_a_draft_that_cannot_be_read_is_not_written_over(mine: Path, shipped: Path) -> None:
    path = mine / "drafts" / ITEM.name
    path.write_text("title: {de: Ours, : broken", "utf-8")
    put(shipped, ITEM, "end up online", "THEIRS")
    with pytest.raises(NotTaken, match="cannot be read"):
        import_shipped(mine, shipped)
    assert "Ours" in path.read_text("utf-8")
    path.unlink()
    assert import_shipped(mine, shipped).drafts == ("van-videos-online",)


def test_talk_names_and_grid_are_named_and_left_alone(mine: Path, shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Path("talk", "talk.yaml")
    before = (mine / talk).read_bytes()
    put(shipped, talk, "talk:", "# New words.\ntalk:")
    (mine / "names.yaml").write_text("# Ours.\n" + (mine / "names.yaml").read_text("utf-8"), "utf-8")
    (mine / "grid.yaml").unlink()
    monkeypatch.setattr("bot.commands.drafts.shipped_folder", lambda: shipped)
    said = CliRunner().invoke(import_, ["shipped", "--data", str(mine)]).output
    assert said.startswith("0 drafts of what is new or changed")
    assert "2 files differ" in said
    for path in (talk, Path("names.yaml")):
        assert f"diff {mine / path} {mine / KEPT / path}" in said
    assert (mine / talk).read_bytes() == before
    assert (mine / KEPT / talk).read_bytes() == (shipped / talk).read_bytes()


@pytest.mark.parametrize(
    ("before", "ours", "theirs", "new", "conflicts"),
    [
        ({"a": "x"}, {"a": "x"}, {"a": "y"}, {"a": "y"}, 0),
        ({"a": "x"}, {"a": "z"}, {"a": "x"}, {"a": "z"}, 0),
        ({"a": "x"}, {"a": "z"}, {"a": "y"}, {"a": "z"}, 1),
        ({"a": "x"}, {"a": "y"}, {"a": "y"}, {"a": "y"}, 0),
        ({"a": "x"}, {"a": "x"}, {}, {}, 0),
        ({"a": "x"}, {}, {"a": "x"}, {}, 0),
        ({"a": "x"}, {}, {"a": "y"}, {}, 1),
        ({"a": "x"}, {"a": "z"}, {}, {"a": "z"}, 1),
        ({}, {}, {"a": None}, {"a": None}, 0),
        ({"a": None}, {"a": None}, {"a": "y"}, {"a": "y"}, 0),
        (None, {"a": "x", "b": "o"}, {"a": "y", "c": "t"}, {"a": "x", "b": "o", "c": "t"}, 1),
        ({"a": ["DE"]}, {"a": ["DE", "FR"]}, {"a": ["US"]}, {"a": ["DE", "FR"]}, 1),
        ({"q": {"de": ["a", "b"]}}, {"q": {"de": ["b", "c"]}}, {"q": {"de": ["a", "d"]}}, {"q": {"de": ["c", "d"]}}, 0),
        ({"q": {"de": ["a"]}}, {"q": {"de": ["a"]}}, {"q": {"de": ["a"], "fr": ["x"]}}, {"q": {"de": ["a"], "fr": ["x"]}}, 0),
    ],
)
def test_changes_of_two_come_together(before: Any, ours: Any, theirs: Any, new: Any, conflicts: int) -> None:
    done, said = merged(before, ours, theirs)
    assert (done, len(said)) == (new, conflicts)
    assert changes(ours, done) == () or done != ours
