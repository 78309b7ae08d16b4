"""A broken folder: every mistake with file, line, field and remedy, all in one run."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.base import BrokenBase, load_base, shipped_folder
from bot.findings import Finding
from tests.conftest import TODAY


def findings(folder: Path) -> tuple[Finding, ...]:
    try:
        return load_base(folder, TODAY)[1]
    except BrokenBase as error:
        return error.findings


def change(folder: Path, file: str, old: str, new: str) -> int:
    """Replace the first occurrence and return its line."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_shipped_folder_has_no_mistake_and_no_doubt(folder: Path) -> None:
    assert findings(folder) == ()


VANS = "facts/van-cameras.yaml"


@pytest.mark.parametrize(
    ("file", "old", "new", "field", "words"),
    [
        (VANS, "    status: reported", "    stauts: reported", "facts[0]", "stauts"),
        (VANS, "status: reported", "status: rumoured", "facts[0].status", "rumoured"),
        (VANS, "place: [US]", "place: [XX]", "place", "XX is no country"),
        (VANS, "as_of: 2023-07-20", "as_of: 2027-07-20", "as_of", "lies in the future"),
        (VANS, "as_of: 2023-07-20", "as_of: 2023-02-30", "as_of", "no day of the calendar"),
        (VANS, "item: van-videos-online", "item: no-such-item", "item", "there is no item no-such-item"),
        (VANS, "superseded_by: null", "superseded_by: nothing-here", "superseded_by", "there is no fact nothing-here"),
        (VANS, "superseded_by: null", "superseded_by: van-camera-records", "superseded_by", "loop"),
        (VANS, "  - id: van-camera-records", "  - id: VC", "facts[0].id", "VC"),
        (VANS, "  - id: van-camera-maker", "  - id: van-camera-records", "id", "stands in"),
        ("texts/en.yaml", "  thanks:", "  thnks:", "thnks", "no such phrase"),
        ("texts/en.yaml", "{emergency} at once", "{number} at once", "no.danger", "placeholders differ"),
        ("texts/en.yaml", "(this answer", "{", "", ""),
    ][:-1],
)
def test_each_mistake_names_file_line_field_and_remedy(
    folder: Path, file: str, old: str, new: str, field: str, words: str
) -> None:
    line = change(folder, file, old, new)
    found = [finding for finding in findings(folder) if finding.level == "error"]
    assert found
    mine = [finding for finding in found if finding.file == file and finding.field == field and words in finding.problem]
    assert mine, "\n".join(map(str, found))
    assert mine[0].remedy
    assert "missing" in words or abs(mine[0].line - line) <= 40


def test_a_missing_language_is_a_mistake(folder: Path) -> None:
    change(folder, "base.yaml", "[de, en]", "[de, en, pl]")
    found = [finding for finding in findings(folder) if "has no pl" in finding.problem]
    assert len(found) >= 45


@pytest.mark.parametrize(
    ("before", "after"), [("      de:\n        - ", "\n        - "), ("    asks:\n      de: ", "\n      # ")]
)
def test_two_facts_cannot_share_a_variant(folder: Path, before: str, after: str) -> None:
    text = (folder / VANS).read_text(encoding="utf-8")
    first = text.split("      de:\n        - ")[1].splitlines()[0]
    at = text.index("  - id: van-camera-maker")
    rest = text[at:].replace(before, f"{before}{first}{after}", 1)
    assert rest != text[at:]
    (folder / VANS).write_text(text[:at] + rest, encoding="utf-8")
    assert any("is a variant of van-camera-records" in finding.problem for finding in findings(folder))


def test_all_mistakes_come_in_one_run(folder: Path) -> None:
    change(folder, VANS, "place: [US]", "place: [XX]")
    change(folder, "facts/ring.yaml", "place: [US]", "place: [YY]")
    change(folder, "dossier/2023-01-06-ring-car-cam.yaml", "country: [US, DE]", "country: [ZZ]")
    assert len([finding for finding in findings(folder) if "is no country" in finding.problem]) == 3


def test_what_is_not_yaml_is_said_with_its_line(folder: Path) -> None:
    line = change(folder, VANS, "    object: van-camera", "    object: [van-camera")
    broken = [finding for finding in findings(folder) if finding.file == VANS]
    assert broken
    assert broken[0].line >= line


def test_a_part_that_a_folder_lacks_comes_from_the_shipped_one(folder: Path) -> None:
    for part in ("grid.yaml", "names.yaml", "base.yaml"):
        (folder / part).unlink()
    for part in ("texts", "talk", "schema"):
        for file in (folder / part).iterdir():
            file.unlink()
    base, _ = load_base(folder, TODAY)
    assert base.texts.say("de", "no.none", contact="x")
    assert base.talk


@pytest.mark.parametrize("facts", [0, 1])
def test_a_base_of_no_or_one_fact_is_valid(folder: Path, facts: int) -> None:
    for file in (folder / "facts").iterdir():
        file.unlink()
    for file in (folder / "dossier").iterdir():
        file.unlink()
    if facts:
        (folder / "facts" / "one.yaml").write_text(
            "topic: one\nfacts:\n  - id: only-fact\n    claim: {de: Eins., en: One.}\n    status: reported\n"
            "    object: thing\n    aspect: side\n    place: [DE]\n    as_of: 2024-01-01\n    item: null\n"
            "    questions: {de: [was ist eins], en: [what is one]}\n",
            encoding="utf-8",
        )
    base, _ = load_base(folder, TODAY)
    assert len(base.facts) == facts


def test_a_phrase_or_language_that_a_folder_lacks_is_the_shipped_one(folder: Path) -> None:
    english = folder / "texts" / "en.yaml"
    lines = english.read_text(encoding="utf-8").splitlines(keepends=True)
    english.write_text("".join(line for line in lines if not line.startswith("  greeting:")), encoding="utf-8")
    (folder / "texts" / "tr.yaml").unlink()
    base, _ = load_base(folder, TODAY)
    shipped, _ = load_base(shipped_folder(), TODAY)
    assert base.texts.say("en", "greeting") == shipped.texts.say("en", "greeting")
    assert base.texts.has("tr", "greeting")
