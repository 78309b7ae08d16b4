"""A dossier page to its publications: the same from text and HTML, doubts said, no line lost."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.intake.dossier import read_dossier
from bot.intake.found import Found, NotTaken, Publication
from bot.intake.page import read_page
from bot.search.names import Names

PAGES = Path(__file__).parent / "pages"
TODAY = date(2026, 11, 30)
COUNTRIES = Names.of(
    {
        "countries": {
            "DE": {"name": {"de": "Deutschland"}, "stems": ["deutsch"]},
            "FR": {"name": {"de": "Frankreich"}, "stems": ["frankreich", "franzos"]},
            "US": {"name": {"de": "die USA"}, "stems": ["usa$"]},
        }
    }
)
LAGER = ("2020-09-01", "Alexander Fanta", "netzpolitik.org", (), None)
ROWS = [
    LAGER,
    ("2023-07-20", "Hanna Behn", "amazon-watchblog", ("Golem", "VICE"), None),
    ("2023-04-24", "Ricarda Eichler", "amazon-watchblog", ("Golem",), None),
    ("2023-04-24", "Ingo Pakalski", "Golem", (), 2),
    ("2023-01-06", "Markus Reuter", "netzpolitik.org", (), None),
    ("2022-12-05", "Hanna Behn", "amazon-watchblog", ("Golem", "The Verge"), None),
    ("2021-07-16", "Markus Gärtner", "amazon-watchblog", ("Open Markets Institute",), None),
    ("2020-09-01", "Guiillaume Bernard", "Rapports de Force", (), None),
]


def _read(
    page: str | bytes, kind: str = "text/plain", authors: tuple[str, ...] = (), outlets: tuple[str, ...] = ("Mediapart",)
) -> Found:
    raw = page.encode() if isinstance(page, str) else page
    return read_dossier(read_page(raw, kind, "https://dossier.example/"), authors, outlets, COUNTRIES.places, TODAY)


def _one(page: str, kind: str = "text/plain", **known: tuple[str, ...]) -> Publication:
    (publication,) = _read(page, kind, **known).publications
    return publication


@pytest.fixture(params=["txt", "html"])
def found(request: pytest.FixtureRequest) -> Found:
    kind = {"txt": "text/plain", "html": "text/html; charset=utf-8"}[request.param]
    return _read((PAGES / f"dossier.{request.param}").read_bytes(), kind)


def test_all_publications_come_out_of_text_and_of_html(found: Found) -> None:
    assert [(str(p.date), p.author, p.outlet, p.cites, p.part_of) for p in found.publications] == ROWS


def test_titles_countries_languages_and_claims(found: Found) -> None:
    by_author = {p.author: p for p in found.publications}
    assert by_author["Alexander Fanta"].title == "So überwacht Amazon seine Beschäftigten in den USA"
    assert found.publications[1].title == "Videos aus Lieferwagen tauchen im Netz auf"
    assert [p.country for p in found.publications] == [
        ("US",), (), ("DE", "US"), ("DE",), ("US", "DE"), ("US", "DE"), (), ("FR",),
    ]  # fmt: skip
    assert {p.language for p in found.publications} == {"de"}
    assert by_author["Guiillaume Bernard"].original == "fr"
    assert "Die Kameras messen Geschwindigkeit und Standort." in found.publications[1].claims
    assert not any("Beitrag von" in claim or claim.endswith("?") for p in found.publications for claim in p.claims)


def test_a_typo_is_named_and_left(found: Found) -> None:
    french = found.publications[-1]
    assert french.author == "Guiillaume Bernard"
    assert any("odd “ii”" in doubt for doubt in french.doubts)
    assert [p.author for p in found.publications if any("typo" in doubt for doubt in p.doubts)] == ["Guiillaume Bernard"]


def test_a_name_one_letter_from_a_known_one_is_named_with_it() -> None:
    known = {"authors": ("Hanna Behn",), "outlets": ("Golem",)}
    assert any("almost “Hanna Behn”" in d for d in _one("Beitrag von Hana Behn vom 1. Mai 2020 bei Golem", **known).doubts)
    assert any("almost “Golem”" in d for d in _one("Beitrag von Hanna Behn vom 1. Mai 2020 bei Golm", **known).doubts)
    assert any("alphabets" in d for d in _one("Beitrag von Hanna Behn vom 1. Mai 2020 bei Gоlem", **known).doubts)


def test_every_line_is_in_a_passage_or_left_over(found: Found) -> None:
    assert [left.text for left in found.leftover if "Handy" in left.text] == ["Bargeld für Einblicke in euer Handy"]
    assert not any("Falsch Name" in p.passage for p in found.publications)


def test_links_of_the_credit_line_are_its_address() -> None:
    html = _read((PAGES / "dossier.html").read_bytes(), "text/html").publications
    assert html[0].url == "https://netzpolitik.org/2020/lager/"
    assert html[-1].url == "https://rapportsdeforce.example/cameras"
    assert {p.url for p in _read((PAGES / "dossier.txt").read_bytes()).publications} == {None}


def test_a_link_to_somewhere_else_is_doubted() -> None:
    page = "<p>Beitrag von Hanna Behn vom 1. Mai 2020 bei <a href='https://{}/x'>netzpolitik.org</a>"
    assert any("leads to" in d for d in _one(page.format("netzpolitik.org.evil.example"), "text/html").doubts)
    assert any("xn--" in d for d in _one(page.format("xn--netzpoltik-1fb.org"), "text/html").doubts)
    assert not any("leads to" in d for d in _one(page.format("www.netzpolitik.org"), "text/html").doubts)


@pytest.mark.parametrize(
    ("text", "day", "author", "outlet"),
    [
        ("Article de Marie Dupont du 3 mars 2022 dans Le Monde.", "2022-03-03", "Marie Dupont", "Le Monde"),
        ("Article « Vus » d'Anne Dupont, publié le 1er septembre 2020 sur Mediapart", "2020-09-01", "Anne Dupont", "Mediapart"),
        ("Enquête de Luc de la Tour, parue le 12 août 2021 dans L'Humanité.", "2021-08-12", "Luc de la Tour", "L'Humanité"),
        ("Article by Jane Doe, 20 July 2023, The Guardian", "2023-07-20", "Jane Doe", "The Guardian"),
        ("Report “Eyes” by Jane O'Neil, published on July 20, 2023 at VICE.", "2023-07-20", "Jane O'Neil", "VICE"),
        ("Report (by Jane Doe, VICE, 20 July 2023)", "2023-07-20", "Jane Doe", "VICE"),
        ("Beitrag von Anna B. und Ingo Pakal vom 20.07.2023 in der taz", "2023-07-20", "Anna B. und Ingo Pakal", "taz"),
        ("Beitrag von Max von der Au vom 2023-07-20 in junge Welt externer Link", "2023-07-20", "Max von der Au", "junge Welt"),
        ("Beitrag von Hanna Behn in Golem vom 24. April 2023", "2023-04-24", "Hanna Behn", "Golem"),
    ],
)  # fmt: skip
def test_credit_lines_in_three_languages(text: str, day: str, author: str, outlet: str) -> None:
    publication = _one(text)
    assert (str(publication.date), publication.author, publication.outlet) == (day, author, outlet)


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("Beitrag von Hanna Behn im amazon-watchblog externer Link", "no date"),
        ("Beitrag vom 20. Juli 2023 im amazon-watchblog externer Link", "no author"),
        ("Beitrag von Hanna Behn vom 20. Juli 2023", "no outlet"),
        ("Beitrag von der Redaktion vom 20. Juli 2023 in Golem", "does not look like a name"),
        ("Beitrag von Hanna Behn vom 31. Februar 2023 in Golem", "no such day"),
        ("Beitrag von Hanna Behn vom 3. Mai 2030 in Golem", "still to come"),
        ("Beitrag von Hanna Behn vom 3. Mai 2020 bei Heise online", "where the outlet's name ends is a guess"),
    ],
)
def test_what_is_missing_is_a_doubt(text: str, doubt: str) -> None:
    assert any(doubt in said for said in _one(text).doubts)


@pytest.mark.parametrize(
    ("text", "cites"),
    [
        ("Les caméras filment, selon Mediapart.", ("Mediapart",)),
        ("Les caméras filment, selon la direction.", ()),
        ("Die Kameras filmen, laut Amazon nur kurz.", ()),
        ("As The Verge and Motherboard reported, cameras watch.", ("The Verge", "Motherboard")),
        ("Wie auch das Lager zeigt, wird gefilmt. So Golem.", ()),
    ],
)
def test_whom_a_passage_leans_on(text: str, cites: tuple[str, ...]) -> None:
    assert _one(f"{text} Beitrag von Hanna Behn vom 1. Mai 2020 bei Golem").cites == cites


def test_paragraphs_before_a_credit_line_of_its_own_belong_to_it() -> None:
    page = (
        "<p>Start</p><h3>Kameras im Wagen</h3><blockquote><p>Die Kamera filmt alles.</p><p>Auch den Ton.</p></blockquote>"
        "<p>Beitrag von Hanna Behn vom 1. Mai 2020 bei Golem</p>"
    )
    found = _read(page, "text/html")
    assert found.publications[0].title == "Kameras im Wagen"
    assert "Auch den Ton." in found.publications[0].passage
    assert [left.text for left in found.leftover] == ["Start"]


def test_two_credit_lines_in_one_paragraph_are_two_publications() -> None:
    page = (
        "Kamera. Beitrag von Hanna Behn am 1. Mai 2020 bei heise.de. Ton. Beitrag von Ingo Pakalski vom 2. Mai 2020 bei Golem."
    )
    first, second = _read(page).publications
    assert (first.author, second.author, second.part_of) == ("Hanna Behn", "Ingo Pakalski", 0)
    assert "Ton" not in first.passage


@pytest.mark.parametrize(
    "page",
    [
        "",
        "Rezept: zwei Eier, ein Liter Milch.",
        "Wie ein Bericht vom 20. Juli 2023 zeigt, ist es so.",
        "Der Vertrag wurde von Jeff Bezos am 1. Mai 2020 in Berlin unterschrieben.",
        "1. Mai 2020 " * 6_000,
        "Beitrag von Hanna Behn vom 1. Mai 2020 bei Golem. " * 600,
    ],
)
def test_a_page_that_is_no_dossier_is_not_taken(page: str) -> None:
    with pytest.raises(NotTaken) as refused:
        _read(page)
    assert refused.value.remedy


@pytest.mark.parametrize(
    "unit", ["Von A ", "Golem externer Link ", "„a", "Wie Aa Bb und ", ", meldet Golem und VICE ", "d'A", "…“"]
)
def test_long_lines_made_to_be_slow_come_to_an_end(unit: str) -> None:
    page = "Beitrag von Hanna Behn vom 1. Mai 2020 bei Golem externer Link " + unit * (300_000 // len(unit))
    assert _one(page).author == "Hanna Behn"


_PIECES = st.sampled_from(
    [
        *("Beitrag ", "„Titel“ ", "von Hanna Behn ", "vom 1. Mai 2020 ", "bei Golem", " externer Link", ", siehe auch:"),
        *("\n", "\n\n", "  • ", "    • ", "Wie Golem meldet", ". ", "by Jane Doe, ", "2023-07-20", " in ", "\u202e", "(…)"),
        "Die Kamera filmt alles im Wagen.",
    ]
)


@settings(deadline=None, max_examples=300)
@given(
    st.one_of(st.lists(_PIECES, max_size=40).map("".join), st.text(max_size=300)), st.sampled_from(["text/plain", "text/html"])
)
def test_any_page_is_read_without_a_line_lost_or_refused(page: str, kind: str) -> None:
    raw = page.encode("utf-8", "surrogatepass")
    try:
        found = _read(raw, kind)
    except NotTaken:
        return
    passages = "\n".join(p.passage for p in found.publications).split("\n")
    seen = sorted([*("".join(passages).split()), *("".join(left.text for left in found.leftover).split())])
    assert sorted("".join(seen)) == sorted(
        "".join("".join(line.text for line in read_page(raw, kind)).replace("\ufffc", "").split())
    )
    assert all(p.part_of is None or p.part_of < position for position, p in enumerate(found.publications))
