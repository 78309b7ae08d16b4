"""The evidence sheet: whole or not at all, every claim with its source, and content that stays content."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import typst
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.app import App
from bot.base import Base
from bot.messages import Role
from bot.printing import inputs, printed, template
from bot.sheet import MOST_UNKNOWNS, Detail, NoSheet, Row, Sheet, sheet_of, told
from bot.speaker import Speaker
from bot.unseen import clean
from tests.conftest import TODAY, Chat
from tests.test_commands import run

OLD, NEW = "shopper-panel-not-in-germany-2022", "shopper-panel-launch-germany"
EIGHT = (
    "van-camera-records", "van-camera-maker", "van-camera-biometric-consent", "van-camera-stated-purpose",
    "ring-germany-legal", "whole-foods-union-risk", "dsp-employer", "shopper-panel-what",
)  # fmt: skip


def made(base: Base, *ids: str, language: str = "en") -> Sheet:
    return sheet_of(ids, Speaker(base, language, "de"), TODAY)


def details(row: Row) -> dict[str, str]:
    return {detail.label: detail.text for detail in row.details}


def withdrawn(base: Base, item: str) -> Base:
    gone = replace(base.items[item], withdrawn=date(2026, 11, 1), reason={"en": "The outlet took it back.", "de": "Weg."})
    return replace(base, items={**base.items, item: gone})


def test_each_claim_stands_with_everything_that_is_known_of_its_source(app: App) -> None:
    row = made(app.base, "van-camera-stated-purpose").rows[0]
    assert row.claim == app.base.facts["van-camera-stated-purpose"].claim["en"]
    assert details(row) == {
        "Status": app.base.texts.say("en", "status.company-statement"),
        "Source": "amazon-watchblog, Hanna Behn, 20 July 2023",
        "Citing": "Golem, VICE",
        "Seen or said by": app.base.facts["van-camera-stated-purpose"].saw["en"],
        "Documented for": "the USA",
        "As of": "20 July 2023",
        "Address of the dossier": "https://www.labournet.de/?p=177799",
        "Id": "van-camera-stated-purpose",
    }


def test_an_address_of_the_item_s_own_goes_first(app: App) -> None:
    item = replace(app.base.items["van-videos-online"], url="https://example.org/a")
    base = replace(app.base, items={**app.base.items, item.id: item})
    assert details(made(base, "van-camera-maker").rows[0])["Address"] == "https://example.org/a"


def test_the_text_says_all_of_the_sheet(app: App) -> None:
    sheet = made(app.base, *EIGHT, language="de")
    text = told(sheet).text
    for row in sheet.rows:
        assert row.claim in text
        assert all(f"{detail.label}: {detail.text}" in text for detail in row.details)
    assert all(line in text for line in (*sheet.unknowns, *sheet.legend, sheet.title, sheet.closing))
    assert "24. November 2026" in sheet.closing
    assert "Keine Rechtsberatung" in sheet.closing


def test_what_is_superseded_stands_behind_what_holds_today(app: App) -> None:
    rows = made(app.base, OLD).rows
    assert [row.fact for row in rows] == [NEW, OLD]
    assert rows[0].note == ""
    assert rows[1].note == "Superseded by no. 1 (as of 24 April 2023)."
    assert len(made(app.base, OLD, NEW, OLD).rows) == 2


def test_what_was_superseded_by_something_withdrawn_says_so(app: App) -> None:
    base = withdrawn(app.base, str(app.base.facts[NEW].item))
    (row,) = made(base, OLD).rows
    assert "withdrawn since" in row.note


def test_nothing_is_made_where_a_fact_is_missing_or_withdrawn(app: App) -> None:
    base = withdrawn(app.base, "van-videos-online")
    with pytest.raises(NoSheet) as caught:
        made(base, "van-camera-recordz", "ring-no-warrant", "van-camera-maker", "zzz")
    missing, gone, nothing = caught.value.problems
    assert "van-camera-recordz" in missing
    assert "Perhaps van-camera-records was meant." in missing
    assert gone == "van-camera-maker: Withdrawn on 1 November 2026: The outlet took it back."
    assert "zzz" in nothing


def test_what_is_not_known_is_said_in_turn_and_what_is_beyond_is_counted(app: App) -> None:
    few = made(app.base, "dsp-employer")
    assert few.unknowns
    many = made(app.base, *EIGHT)
    near = [u for u in app.base.unknowns.values() for id in EIGHT if id in u.nearest and u.topic == app.base.facts[id].topic]
    beyond = len({unknown.id for unknown in near}) - MOST_UNKNOWNS
    assert len(many.unknowns) == MOST_UNKNOWNS + 1
    assert many.unknowns[-1].endswith(f"{beyond}.")


def test_a_language_that_the_base_lacks_gets_another_and_is_told(app: App) -> None:
    sheet = made(app.base, "van-camera-records", language="fr")
    assert sheet.language == "de"
    assert "allemand" in sheet.remark
    assert made(app.base, "van-camera-records").remark == ""


def test_eight_facts_fit_on_one_page_and_all_facts_do_not(app: App) -> None:
    page = printed(made(app.base, *EIGHT, language="de"))
    assert page.pages == 1
    assert page.pdf.startswith(b"%PDF-")
    assert printed(made(app.base, *app.base.facts)).pages > 1


def test_the_same_sheet_is_the_same_file(app: App) -> None:
    sheet = made(app.base, *EIGHT)
    assert printed(sheet).pdf == printed(sheet).pdf


def sheet_with(*claims: str, url: str = "https://example.org/") -> Sheet:
    rows = tuple(Row("some-fact", claim, claim, (Detail(claim, claim), Detail("Address", url, url))) for claim in claims)
    return Sheet("en", TODAY, claims[0], claims[0], rows, claims[0], claims, claims, claims[0])


def shown(sheet: Sheet) -> list[dict[str, str]]:
    """The claims as typst takes them: what kind of content each is, and its text."""
    found: list[dict[str, str]] = json.loads(typst.query(template(), "<claim>", sys_inputs=inputs(sheet)))
    return found


def held(claim: str) -> None:
    sheet = sheet_with(claim)
    assert printed(sheet).pages >= 1
    assert [(one["func"], one["text"]) for one in shown(sheet)] == [("text", clean(claim))]
    assert f"1. {claim}\n" in told(sheet).text


@pytest.mark.parametrize(
    "claim",
    [
        '#import "/etc/passwd": *',
        "#read(\"bot/keys.py\") #sys.inputs",
        "$x^2$ \\ *bold* _it_ `raw` <label> @ref // gone /* gone */ = Title",
        '"] #eval("1+1") [',
        "\\u{41} {name} {{}} \\n",
        "-- --- ... ~ 'q' \"q\" :smile:",
        pytest.param("x" * 5_000, marks=pytest.mark.promises),
        "https://example.org/" + "a/" * 300,
        "\u202eabc\u202c\u200b\x00\ud800",
        "مرحبا привет здравейте 漢字 👩‍🏭",
    ],
)  # fmt: skip
def test_content_cannot_inject(claim: str) -> None:
    held(claim)


def test_a_word_longer_than_a_line_is_broken_and_not_cut_off() -> None:
    assert printed(sheet_with("x" * 3_000)).pages > 1


@settings(max_examples=25, deadline=None)
@given(st.text(min_size=1, max_size=700).filter(lambda text: clean(text) != ""))
def test_any_text_is_shown_as_it_is(claim: str) -> None:
    held(claim)


async def test_stewards_get_the_sheet_in_chat(chat: Chat) -> None:
    assert "Belegblatt" not in (await chat.say("/sheet van-camera-records")).text
    chat.role = Role.STEWARD
    assert (await chat.say("/sheet van-camera-records, dsp-employer")).text.startswith("Belegblatt: Kameras im Lieferwagen")
    assert "sheet van-camera-records --pdf" in (await chat.say("/sheet van-camera-records")).text
    assert "nothing-here" in (await chat.say("/sheet van-camera-records nothing-here")).text
    assert "/sheet " in (await chat.say("/sheet")).text


def test_the_command_prints_a_text_or_writes_a_pdf(tmp_path: Path) -> None:
    said = run("sheet", "van-camera-records", "--language", "en")
    assert said.returncode == 0
    assert said.stdout.startswith("Evidence sheet: Cameras in delivery vans\n")
    file = tmp_path / "sheet.pdf"
    written = run("sheet", *EIGHT, "--pdf", str(file))
    assert (written.returncode, written.stdout) == (0, f"{file}: 1 page\n")
    assert file.read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-such-fact"], "no-such-fact"),
        (["van-camera-records", "--language", "fr"], "de, en"),
        (["van-camera-records", "--pdf", "/nowhere/at/all.pdf"], "/nowhere/at/all.pdf cannot be written (No such file"),
        ([], "FACT_ID"),
    ],
)
def test_wrong_use_is_said_in_one_line(arguments: list[str], words: str) -> None:
    done = run("sheet", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_typst_it_says_what_to_install(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.printing import NoTypesetting

    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(NoTypesetting, match=r"rueckspiegel\[pdf\]"):
        printed(made(app.base, "van-camera-records"))
