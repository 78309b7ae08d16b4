"""What a steward changes is all that changes in a file: comments, quotes, style and order of the rest stay byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.base import shipped_folder
from bot.intake.drafts import Draft, Kind
from bot.intake.shelf import Shelf
from bot.intake.writing import changed, dumped, write
from bot.yaml_lines import parse, read
from tests.newsroom import TODAY

OURS = """\
# Ours, do not sort.
topic: lager
name: {de: Lager, en: "Warehouse"}
facts:
  # --- cameras ---
  - id: fact-one
    claim: {de: "Eins", en: One}  # agreed with the works council
    place: [DE]
    saw: null  # nobody yet
    questions:
      de:
        # slang
        - eins frage  # heard at gate 4
        - "noch eine"
      en:
        # typos
        - one qestion

  # --- scanners: keep this order ---
  - id: fact-two
    claim:
      # do not shorten: the lawyer has read it
      de: >
        Zwei,
        gefaltet
      en: |
        Two
    questions: {}
  # --- the end ---
"""


def difference(before: str, after: str) -> list[str]:
    """The lines that go and come."""
    found = list(unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    return [line for line in found if not line.startswith("@@")]


def row(number: int, change: Callable[[Any], Any]) -> Callable[[Any], None]:
    return lambda tree: change(tree["facts"][number])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (row(0, lambda one: one["questions"]["en"].append("another")), ["+        - another"]),
        (row(0, lambda one: one["questions"]["de"].insert(1, "zwei: #x")), ["+        - 'zwei: #x'"]),
        (row(0, lambda one: one["questions"]["en"].insert(0, "first")), ["+        - first"]),
        (row(0, lambda one: one["questions"]["de"].pop(1)), ['-        - "noch eine"']),
        (row(0, lambda one: one["place"].append("NO")), ["-    place: [DE]", '+    place: [DE, "NO"]']),
        (
            row(0, lambda one: one["claim"].update(en="Won")),
            [
                '-    claim: {de: "Eins", en: One}  # agreed with the works council',
                '+    claim: {de: "Eins", en: Won}  # agreed with the works council',
            ],
        ),
        (
            row(0, lambda one: one.update(saw={"de": "wer"})),
            ["-    saw: null  # nobody yet", "+    saw:  # nobody yet", "+      de: wer"],
        ),
        (
            row(0, lambda one: one["questions"]["de"].__setitem__(1, 'say "no"')),
            ['-        - "noch eine"', '+        - "say \\"no\\""'],
        ),
        (row(0, lambda one: one.update(as_of="2026-01-01")), ["+    as_of: 2026-01-01"]),
        (row(1, lambda one: one["claim"].update(en="2")), ["-      en: |", "-        Two", '+      en: "2"']),
        (row(1, lambda one: one.pop("questions")), ["-    questions: {}"]),
        (
            row(1, lambda one: one["questions"].update(de=["a"])),
            ["-    questions: {}", "+    questions:", "+      de:", "+        - a"],
        ),
        (
            lambda tree: tree["facts"].append({"id": "fact-six", "place": ["DE"]}),
            ["+  - id: fact-six", "+    place:", "+      - DE"],
        ),
        (
            lambda tree: tree["facts"].pop(1),
            [f"-{line}" for line in OURS.splitlines()[19:28]],
        ),
    ],
)
def test_only_the_lines_concerned_change(change: Callable[[Any], None], expected: list[str]) -> None:
    after = changed(OURS, change)
    assert difference(OURS, after) == expected
    wanted = parse(OURS).tree
    change(wanted)
    assert parse(after).tree == wanted


def test_nothing_changes_where_nothing_did() -> None:
    assert changed(OURS, lambda tree: None) == OURS


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")) | st.sampled_from("\n"), max_size=12)
TREES = st.recursive(
    st.none() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.from_regex("[a-f]{1,2}", fullmatch=True), inner, max_size=4),
)
FILES = st.dictionaries(st.from_regex("[a-f]{1,2}", fullmatch=True), TREES, min_size=1, max_size=5)


@given(FILES, FILES)
@settings(max_examples=40)
def test_any_tree_becomes_any_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    def change(tree: Any) -> None:
        tree.clear()
        tree.update(new)

    text = dumped(old)
    assert parse(changed(text, change)).tree == parse(dumped(new)).tree


@pytest.mark.parametrize("file", sorted(path.name for path in (shipped_folder() / "facts").glob("*.yaml")))
def test_a_question_more_is_one_line_more_in_every_shipped_file(file: str) -> None:
    folder = shipped_folder()
    before = (folder / "facts" / file).read_text(encoding="utf-8")
    tree = parse(before).tree
    # The last of a list: behind it stands what belongs to the next.
    kind: Kind = "fact" if tree.get("facts") else "unknown"
    row = deepcopy(tree[f"{kind}s"][-1])
    row["questions"][list(row["questions"])[-1]].append("ganz neu hier")
    shelf = Shelf(folder)
    shelf.publish(Draft(kind, folder / "drafts" / "x.yaml", {"topic": tree["topic"], f"{kind}s": [row]}), TODAY)
    assert difference(before, shelf.changes[Path("facts", file)] or "") == ["+        - ganz neu hier"]


def test_of_every_shipped_fact_that_is_withdrawn_nothing_is_left(tmp_path: Path) -> None:
    """Also of what unknowns name as nearest, and of what superseded another."""
    ids, named = [], set[str]()
    for path in (shipped_folder() / "facts").glob("*.yaml"):
        tree = read(path).tree
        # What else stands in a row only takes time here.
        thin: dict[str, Any] = {"topic": tree["topic"]}
        for key in ("facts", "unknowns"):
            rows = tree.get(key) or ()
            thin[key] = [{part: row[part] for part in ("id", "nearest", "superseded_by") if part in row} for row in rows]
        named |= {id for row in rows_of(thin) for id in (*(row.get("nearest") or ()), row.get("superseded_by")) if id}
        ids += [row["id"] for row in thin["facts"]]
        write(tmp_path / "facts" / path.name, dumped(thin))
    assert len(named & set(ids)) > 40
    for id in ids:
        shelf = Shelf(tmp_path)
        shelf.remove(id)
        trees = [parse(text).tree for below, text in shelf.changes.items() if text and below.parts[0] == "facts"]
        assert trees
        rest = [row for tree in trees for row in rows_of(tree)]
        assert not [row for row in rest if id in (row["id"], row.get("superseded_by"), *(row.get("nearest") or ()))]


def rows_of(tree: Any) -> list[Any]:
    return [row for key in ("facts", "unknowns") for row in tree.get(key) or ()]
