"""What a page or feed lists is known again: after corrections, after reviews, beside what only looks like it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.app import App
from bot.base import load_base
from bot.intake.dossier import read_dossier
from bot.intake.drafts import drafts_of
from bot.intake.feeds import read_feed
from bot.intake.found import Found, Publication
from bot.intake.importing import CHANGED, Imported, Importer, start
from bot.intake.page import read_page
from bot.intake.shelf import Shelf
from bot.intake.writing import changed
from tests.newsroom import TODAY, empty_folder
from tests.open_web import rss

PAGES = Path(__file__).parent / "pages"
DAY = date(2026, 3, 1)
NOTE = Publication("Kameras", DAY, "Redaktion", "Blog", (), "https://blog.example/a", "de", passage="Erster Text.")
UNDATED = Publication("Undatiert", None, "Eva Muster", "Blatt", language="de", passage="Ohne Tag.", claims=("Ohne Tag.",))
FEEDS = {
    "equal": [
        "<title>Notiz</title><link>https://blog.example/{n}</link><guid>{n}</guid><author>Redaktion</author>"
        "<pubDate>Tue, 24 Nov 2026 10:00:00 +0000</pubDate><description>{n}</description>",
    ],
    "undated": ["<title>Notiz {n}</title><link>https://blog.example/{n}</link><guid>{n}</guid>"],
    "bare": ["<title>Notiz {n}</title>", "<description>Nur Text {n}</description>"],
    "front-page": [
        "<title>Notiz {n}</title><link>https://blog.example/</link><guid>{n}</guid><author>Redaktion</author>"
        "<pubDate>Tue, 24 Nov 2026 10:00:00 +0000</pubDate>"
    ],
    "no-addresses": [
        "<title>Notiz</title><guid>{n}</guid><author>Redaktion</author><pubDate>Tue, 24 Nov 2026 10:00:00 +0000</pubDate>"
        "<description>{n}</description>"
    ],
}
SOURCES = ("dossier.txt", "dossier.html", *FEEDS)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return empty_folder(tmp_path / "own")


def found_in(source: str, folder: Path) -> Found:
    """All of a page or feed."""
    if source in FEEDS:
        items = "".join(f"<item>{form.format(n=n)}</item>" for form in FEEDS[source] for n in (1, 2, 3))
        return Found(
            tuple(one.publication for one in read_feed(rss(items).encode(), "application/rss+xml", "https://x.example")[0])
        )
    base = load_base(folder, TODAY)[0]
    outlets = {item.outlet for item in base.items.values()}
    authors = {item.author for item in base.items.values()}
    return read_dossier(read_page((PAGES / source).read_bytes()), authors, outlets, base.names.places, TODAY)


def take(folder: Path, *publications: Publication) -> Imported:
    return Importer(folder, load_base(folder, TODAY)[0]).take(Found(publications))


def again(folder: Path, source: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    done = take(folder, *found_in(source, folder).publications)
    return done.new, done.changed


def decline_all(folder: Path) -> None:
    shelf = Shelf(folder)
    for draft in drafts_of(folder)[0].values():
        shelf.decline(draft)
    shelf.put()


def publish_all(folder: Path) -> None:
    """Every publication, with what it lacks and with a better title; claims are put aside."""
    shelf = Shelf(folder)
    for draft in drafts_of(folder)[0].values():
        if draft.kind != "item":
            shelf.decline(draft)
            continue
        words = {"de": f"Unser Titel für {draft.id}", "en": f"Our title of {draft.id}"}
        done = {"title": words, "summary": words, "country": ["DE"], "topics": ["vans"]}
        done |= {key: draft.row[key] or value for key, value in (("author", "Unbekannt"), ("outlet", "Blatt"))}
        done["date"] = draft.row["date"] or "2026-02-02"
        draft.path.write_text(changed(draft.path.read_text("utf-8"), lambda tree, done=done: tree.update(done)), "utf-8")
    shelf.put()
    for draft in drafts_of(folder)[0].values():
        shelf.publish(draft, TODAY)
    shelf.put()


@pytest.mark.parametrize("source", SOURCES)
def test_importing_again_brings_nothing_whatever_became_of_it(own: Path, source: str) -> None:
    publications = found_in(source, own).publications
    assert len(publications) == (8 if source not in FEEDS else 3 * len(FEEDS[source]))
    first = take(own, *publications)
    items = [draft for draft in drafts_of(own)[0].values() if draft.kind == "item"]
    assert len(items) == len(publications)
    assert set(first.new) == set(drafts_of(own)[0])
    assert again(own, source) == ((), ())
    decline_all(own)
    assert again(own, source) == ((), ())


@pytest.mark.parametrize("source", SOURCES)
def test_importing_again_brings_nothing_once_it_is_published(own: Path, source: str) -> None:
    again(own, source)
    publish_all(own)
    assert not drafts_of(own)[0]
    assert again(own, source) == ((), ())
    assert again(own, source) == ((), ())


def test_text_and_html_of_one_page_in_turn_bring_the_addresses_once(own: Path) -> None:
    again(own, "dossier.txt")
    new, altered = again(own, "dossier.html")
    assert not new
    assert altered
    decline_all(own)
    for source in ("dossier.txt", "dossier.html", "dossier.txt"):
        assert again(own, source) == ((), ())


def test_other_addresses_are_other_publications(own: Path) -> None:
    others = [replace(NOTE, url=f"https://blog.example/{name}", passage=f"Text {name}.") for name in "bcd"]
    assert len(take(own, NOTE).new) == 1
    assert len(take(own, *others).new) == 3
    texts = {draft.row["url"]: draft.row["passage"] for draft in drafts_of(own)[0].values()}
    assert texts == {one.url: one.passage for one in (NOTE, *others)}


@pytest.mark.parametrize("url", ["http://blog.example/a", "https://www.blog.example/a", "https://Blog.example/a/"])
def test_one_address_in_other_spellings_is_one_publication(own: Path, url: str) -> None:
    take(own, NOTE)
    assert not take(own, replace(NOTE, url=url, date=None, title="Anders")).new


def test_two_of_one_author_and_day_without_addresses_stay_two(own: Path) -> None:
    both = (replace(NOTE, url=None), replace(NOTE, url=None, title="Lohn", passage="Zweiter Text."))
    assert len(take(own, *both).new) == 2
    assert take(own, *both).known == 2
    third = replace(NOTE, url=None, title="Dazwischen", passage="Dritter Text.")
    done = take(own, both[0], third, both[1])
    assert (len(done.new), done.changed, done.known) == (1, (), 2)


@pytest.mark.parametrize("change", [{}, {"date": "2026-01-05"}, {"title": {"de": "Unser Titel"}}, {"author": "Eva M."}])
def test_what_a_steward_corrected_is_known_again(own: Path, change: dict[str, object]) -> None:
    [item, _] = take(own, UNDATED).new
    path = drafts_of(own)[0][item].path
    path.write_text(changed(path.read_text("utf-8"), lambda tree: tree.update(change)), "utf-8")
    done = take(own, UNDATED)
    assert (done.new, done.changed, done.known) == ((), (), 1)
    altered = take(own, replace(UNDATED, passage="Ohne Tag, aber anders."))
    assert (altered.new, altered.changed) == ((), (item,))


def test_an_entry_that_changes_is_proposed_once(own: Path) -> None:
    [item] = take(own, NOTE).new
    later = replace(NOTE, title="Kameras und Mikrofone", passage="Neuer Text.")
    assert take(own, later).changed == (item,)
    assert take(own, later).changed == ()
    row = drafts_of(own)[0][item].row
    assert row["passage"] == "Neuer Text."
    assert row["doubts"] == [CHANGED, "the source now says: Kameras und Mikrofone, Redaktion, Blog, 2026-03-01"]


def test_an_address_that_was_declined_is_proposed_once(folder: Path) -> None:
    known = Publication("x", date(2023, 7, 20), "Hanna Behn", "amazon-watchblog", (), "https://watchblog.example/x")
    assert take(folder, known).changed == ("van-videos-online",)
    decline_all(folder)
    assert take(folder, known).changed == ()


def test_one_publication_that_a_page_lists_twice_is_one(own: Path) -> None:
    done = take(own, NOTE, NOTE)
    assert (len(done.new), done.known) == (1, 1)


def test_what_a_page_says_twice_of_one_address_is_a_doubt(own: Path) -> None:
    both = (NOTE, replace(NOTE, passage="Zweiter Text."))
    first, second = take(own, *both).new
    assert f"{first} has the same address" in drafts_of(own)[0][second].row["doubts"]
    assert take(own, *both).known == 2


def test_a_title_begun_twice_is_one_draft_and_what_says_nothing_is_a_new_one(own: Path) -> None:
    base = load_base(own, TODAY)[0]
    assert start(own, base, Publication("Noch ohne Adresse")).id == start(own, base, Publication("Noch ohne Adresse")).id
    assert start(own, base, Publication("")).id != start(own, base, Publication("")).id


_ANY = st.builds(
    Publication,
    title=st.sampled_from(["Notiz", "Kameras", "Lohn"]),
    date=st.sampled_from([None, DAY, date(2026, 3, 2)]),
    author=st.sampled_from(["", "Redaktion", "Redaktioon"]),
    outlet=st.sampled_from(["Blog", "Blatt"]),
    url=st.sampled_from([None, "https://blog.example/", "https://blog.example/a", "http://www.blog.example/a/"]),
    passage=st.sampled_from(["", "Eins.", "Zwei."]),
    claims=st.sampled_from([(), ("Eins.",), ("Eins.", "Zwei.")]),
)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.lists(_ANY, max_size=5), min_size=1, max_size=3))
def test_whatever_was_imported_in_whatever_order_brings_nothing_again(app: App, pages: list[list[Publication]]) -> None:
    base = replace(app.base, items={}, facts={}, unknowns={})
    with TemporaryDirectory() as made:
        folder = empty_folder(Path(made) / "own")
        for page in pages:
            Importer(folder, base).take(Found(tuple(page)))
        for page in (*pages, *reversed(pages)):
            done = Importer(folder, base).take(Found(tuple(page)))
            assert (done.new, done.changed) == ((), ())
