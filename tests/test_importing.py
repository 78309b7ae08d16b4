"""A page's publications become drafts once; a newer shipped base never overwrites a steward's work."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from bot.base import BrokenBase, load_base, shipped_folder
from bot.intake.beginning import init
from bot.intake.drafts import drafts_of, new_id
from bot.intake.found import Found, Leftover, NotTaken, Publication
from bot.intake.importing import CHANGED, Imported, Importer, reopen
from bot.intake.shapes import ONLY_IN_DRAFTS
from bot.intake.shelf import Shelf
from bot.intake.writing import changed, dumped, write
from tests.newsroom import ARTICLE, NOW, TODAY, commits, empty_folder

SECOND = Publication(
    title="Une caméra de plus",
    date=date(2026, 11, 21),
    author="Guiillaume Bernard",
    outlet="Rapports de Force",
    language="fr",
    passage="Une caméra de plus aurait été installée.",
    claims=("Une caméra de plus aurait été installée.",),
    part_of=0,
    doubts=("author: Guiillaume has an odd ii",),
)
FIRST = replace(ARTICLE, url=None, claims=("In Leipzig sollen Kameras hängen.", "Sie zeichnen angeblich Ton auf."))
PAGE = Found((FIRST, SECOND), (Leftover(1, "Startseite"),))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return empty_folder(tmp_path / "own")


def take(folder: Path, found: Found) -> Imported:
    return Importer(folder, load_base(folder, TODAY)[0]).take(found)


def test_one_draft_a_publication_and_one_a_claim(own: Path) -> None:
    done = take(own, PAGE)
    drafts, findings = drafts_of(own)
    assert not findings
    assert sorted(draft.kind for draft in drafts.values()) == ["fact", "fact", "fact", "item", "item"]
    assert set(done.new) == set(drafts)
    second = next(draft for draft in drafts.values() if draft.row.get("outlet") == "Rapports de Force")
    assert second.row["author"] == "Guiillaume Bernard"
    assert second.row["published"] is None
    assert second.row["part_of"] == "kameras-am-fliessband-in-leipzig"
    assert done.doubts == ((second.id, "author: Guiillaume has an odd ii"),)
    assert done.leftover == (Leftover(1, "Startseite"),)


def test_importing_again_proposes_nothing(own: Path) -> None:
    take(own, PAGE)
    before = {path: path.read_bytes() for path in own.rglob("*.yaml")}
    again = take(own, PAGE)
    assert (again.new, again.changed, again.known) == ((), (), 2)
    assert {path: path.read_bytes() for path in own.rglob("*.yaml")} == before


def test_importing_again_proposes_what_is_new_or_changed_alone(own: Path) -> None:
    take(own, PAGE)
    path = drafts_of(own)[0]["kameras-am-fliessband-in-leipzig"].path
    path.write_text(changed(path.read_text("utf-8"), lambda tree: tree.update(summary={"de": "Ours."})), "utf-8")
    altered = replace(FIRST, passage="Neu.", claims=(*FIRST.claims, "Neu ist dies."), url="https://stadtzeitung.example/k")
    third = replace(SECOND, title="Encore", author="Else Wer", date=date(2026, 11, 22), part_of=None, claims=())
    done = take(own, Found((altered, SECOND, third)))
    assert done.known == 1
    assert len(done.new) == 1
    assert len(done.changed) == 2
    tree = drafts_of(own)[0]["kameras-am-fliessband-in-leipzig"].tree
    assert tree["summary"] == {"de": "Ours."}
    assert CHANGED in tree["doubts"]
    assert tree["url"] == "https://stadtzeitung.example/k"


def test_a_spelling_that_was_mended_is_the_same_publication(own: Path) -> None:
    take(own, PAGE)
    path = next(draft.path for draft in drafts_of(own)[0].values() if draft.row.get("author") == "Guiillaume Bernard")
    path.write_text(path.read_text("utf-8").replace("Guiillaume", "Guillaume"), "utf-8")
    assert take(own, PAGE).known == 2


def test_what_was_declined_does_not_come_again(own: Path) -> None:
    take(own, PAGE)
    declined = own / "drafts" / "declined"
    declined.mkdir()
    for draft in drafts_of(own)[0].values():
        draft.path.rename(declined / draft.path.name)
    assert take(own, PAGE).new == ()


def test_the_shipped_dossier_knows_its_own_publications(folder: Path) -> None:
    known = Publication("Other words", date(2023, 7, 20), "Hanna Behn", "amazon-watchblog", ("Golem", "VICE"))
    assert take(folder, Found((known,))).known == 1


@pytest.mark.parametrize("words", ["", "…", "Äöü ß", "a" * 200, "x y " * 60, "日本語", "-- --"])
def test_ids_are_ids(words: str) -> None:
    first = new_id(words, frozenset())
    second = new_id(words, frozenset({first}))
    assert first != second
    for id in (first, second):
        assert 3 <= len(id) <= 40
        assert set(id) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


@pytest.mark.parametrize("written", range(4))
def test_a_kill_in_the_middle_loses_and_doubles_nothing(own: Path, monkeypatch: pytest.MonkeyPatch, written: int) -> None:
    killed = _killed_after(written)
    with monkeypatch.context() as patched:
        for module in ("importing", "ledger"):
            patched.setattr(f"bot.intake.{module}.write", killed)
        with pytest.raises(KeyboardInterrupt):
            take(own, Found((FIRST,)))
    take(own, Found((FIRST,)))
    drafts, _ = drafts_of(own)
    passages = sorted(str(draft.tree["passage"]) for draft in drafts.values() if draft.kind == "fact")
    assert passages == sorted(FIRST.claims)
    assert len(drafts) == 3
    assert take(own, Found((FIRST,))).new == ()
    altered = replace(FIRST, passage="Neu.", claims=(*FIRST.claims, "Neu ist dies."))
    assert len(take(own, Found((altered,))).changed) == 2


def _killed_after(written: int) -> Callable[[Path, str], None]:
    """Writes so many files, and is killed before the next."""
    left = [written]

    def do(path: Path, text: str) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        write(path, text)

    return do


def test_a_draft_deleted_by_hand_comes_again_with_its_claims(own: Path) -> None:
    first = take(own, Found((FIRST,)))
    for draft in drafts_of(own)[0].values():
        draft.path.unlink()
    assert take(own, Found((FIRST,))).new == first.new


def test_a_draft_that_cannot_be_read_is_never_written_over(own: Path) -> None:
    take(own, Found((FIRST,)))
    for draft in drafts_of(own)[0].values():
        draft.path.write_text("summary: {de: Ours, : broken", "utf-8")
    before = {path: path.read_bytes() for path in (own / "drafts").rglob("*.yaml")}
    take(own, Found((FIRST,)))
    assert before.items() <= {path: path.read_bytes() for path in (own / "drafts").rglob("*.yaml")}.items()
    assert len(drafts_of(own)[0]) == 3


def put_aside(folder: Path, id: str) -> Path:
    shelf = Shelf(folder)
    shelf.decline(drafts_of(folder)[0][id])
    shelf.put()
    return next((folder / "drafts" / "declined").iterdir())


def test_what_was_put_aside_is_not_lost_where_the_disk_is_full(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    id = take(own, Found((replace(FIRST, claims=(), date=None),))).new[0]
    aside = put_aside(own, id)
    with monkeypatch.context() as full:
        full.setattr("bot.intake.importing.write", _full)
        with pytest.raises(OSError, match="left"):
            reopen(own, id)
    assert aside.exists()
    assert reopen(own, id).path.name == f"undated-{id}.yaml"
    assert not aside.exists()


def _full(path: Path, text: str) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_what_is_published_counts_for_more_than_what_was_put_aside(own: Path) -> None:
    id = take(own, Found((replace(FIRST, claims=()),))).new[0]
    path = drafts_of(own)[0][id].path
    put_aside(own, id)
    words = {"de": "Später berichtigt.", "en": "Mended later."}
    done = reopen(own, id).tree | {"title": words, "summary": dict(words), "published": "2026-11-21"}
    path.unlink()
    (own / "dossier" / path.name).write_text(dumped({k: v for k, v in done.items() if k not in ONLY_IN_DRAFTS}), "utf-8")
    (own / "drafts" / "declined" / path.name).write_text(dumped(done | {"summary": {"de": "Alt."}}), "utf-8")
    assert reopen(own, id).tree["summary"] == words


def test_init_makes_a_folder_under_git(tmp_path: Path) -> None:
    mine = tmp_path / "union"
    init(mine, shipped_folder(), NOW)
    base, _ = load_base(mine, TODAY)
    assert len(base.items) == 8
    assert (mine / "model" / "arrays.npz").is_file()
    assert commits(mine) == ["rueckspiegel: Begin with the shipped base"]
    with pytest.raises(NotTaken, match="not empty"):
        init(mine, shipped_folder(), NOW)


def test_writing_changes_nothing_that_was_not_changed() -> None:
    data = shipped_folder()
    for path in (*(data / "dossier").glob("*.yaml"), data / "facts" / "dossier.yaml", data / "grid.yaml", data / "base.yaml"):
        text = path.read_text("utf-8")
        assert changed(text, lambda tree: None) == text, path


def test_a_draft_that_is_moved_by_hand_is_published_or_named(own: Path) -> None:
    take(own, Found((FIRST,)))
    draft = next(draft for draft in drafts_of(own)[0].values() if draft.kind == "item")
    moved = own / "dossier" / draft.path.name
    draft.path.rename(moved)
    with pytest.raises(BrokenBase) as broken:
        load_base(own, TODAY)
    assert "passage" in str(broken.value)
    done = {"summary": {"de": "x", "en": "x"}, "title": {"de": "x", "en": "x"}, "topics": ["conveyor"], "published": TODAY}
    moved.write_text(
        changed(moved.read_text("utf-8"), lambda tree: (tree.pop("passage"), tree.pop("doubts"), tree.update(done))), "utf-8"
    )
    assert draft.id in load_base(own, TODAY)[0].items


def test_what_stands_in_two_places_is_written_out_twice() -> None:
    words = {"de": "x"}
    assert "&" not in dumped({"title": words, "summary": words})
