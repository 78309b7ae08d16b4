"""Who collected a publication is said of what the folder's dossier collected, and of nothing else."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.answers import chain, provenance, render
from bot.app import App
from bot.base import Base, load_base, shipped_folder
from bot.commands.drafts import collected_at, import_
from bot.facts import DOSSIER, Fact
from bot.intake.beginning import import_shipped, init
from bot.intake.drafts import drafts_of
from bot.intake.found import Found, Publication
from bot.intake.importing import Importer
from bot.intake.shelf import Shelf
from bot.keys import Keys
from bot.printing import inputs
from bot.search.conversation import Heard
from bot.search.matcher import Decline
from bot.sheet import sheet_of, told
from bot.speaker import Speaker
from bot.store import Store, open_store
from tests.newsroom import ARTICLE, NOW, TODAY, Newsroom, empty_folder
from tests.test_check import change
from tests.test_curating import FACT, FACT_LINES, ITEM, ITEM_LINES

PAGES = Path(__file__).parent / "pages"
THEIRS = "LabourNet"
TITLED = "cameras-at-the-conveyor-in-leipzig"
RING = Path("dossier", "2023-01-06-ring-car-cam.yaml")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/test.db", Keys(b"k" * 32)) as opened:
        yield opened


@pytest.fixture
def room(app: App, store: Store, tmp_path: Path) -> Newsroom:
    return Newsroom(app, store, empty_folder(tmp_path / "own"))


def said_of(fact: Fact, base: Base) -> str:
    """All that is said of where a fact is from: under its answer, to "Source?", on a sheet and in the sheet's PDF."""
    speaker = Speaker(base, "en", "de")
    sheet = sheet_of([fact.id], speaker, TODAY)
    return "\n".join((provenance(fact, speaker), chain(fact, speaker), told(sheet).text, *inputs(sheet).values()))


def about(base: Base, language: str) -> str:
    heard = Heard("who are you?", language, Decline("greeting", talk="about"))
    return render(heard, Speaker(base, language, "de")).text


def test_all_that_ships_is_known_through_the_dossier(app: App) -> None:
    assert {item.collected for item in app.base.items.values()} == {DOSSIER}
    for fact in app.base.facts.values():
        speaker = Speaker(app.base, "en", "de")
        assert provenance(fact, speaker).endswith("Through: LabourNet Germany."), fact.id
        assert "Collected: LabourNet Germany, https://www.labournet.de/?p=177799" in chain(fact, speaker), fact.id
    assert THEIRS in about(app.base, "en")


async def test_what_stewards_drafted_did_not_come_through_the_dossier(room: Newsroom) -> None:
    page = (Path(__file__).parent.parent / "docs" / "curating.md").read_text(encoding="utf-8")
    publication, claim = (block.strip() for block in re.findall(r"```\n(.*?)```", page, re.DOTALL)[:2])
    begun = await room.say("/draft Cameras at the conveyor in Leipzig")
    await room.say(f"/draft {begun.draft}\n{publication}")
    previewed = (await room.say(f"/draft {begun.draft}-1\n{claim}")).text
    await room.say(f"/publish {begun.draft}")
    fact = room.base.facts[f"{begun.draft}-1"]
    assert room.base.dossier["name"] == "LabourNet Germany"
    assert THEIRS.casefold() not in said_of(fact, room.base).casefold()
    credit = "Source (report): Stadtzeitung, Rosa Beispiel, 20 November 2026. Documented for: Germany."
    assert provenance(fact, Speaker(room.base, "en", "de")) == credit
    assert f"{credit}\n" in previewed


async def test_an_article_and_a_feed_s_entry_are_named_with_their_own_address(room: Newsroom) -> None:
    await room.curation.take([ARTICLE])
    await room.say(f"/draft {ITEM}\n{ITEM_LINES}")
    claim = (await room.say(f"/draft {ITEM}\n{FACT_LINES}")).draft
    await room.say(f"/draft {claim}\nplace: DE\nas_of: 2026-11-20")
    await room.say(f"/publish {ITEM}")
    said = said_of(room.base.facts[claim], room.base)
    assert THEIRS.casefold() not in said.casefold()
    assert f"Summarised: Stadtzeitung, Rosa Beispiel, 20 November 2026\n{ARTICLE.url}\nAs of" in said


async def test_a_steward_says_that_the_dossier_collected_it_and_sees_what_will_be_said(room: Newsroom) -> None:
    await room.say(f"/draft {ARTICLE.url}")
    await room.say(f"/draft {ITEM}\n{ITEM_LINES}")
    assert THEIRS not in (await room.say(f"/draft {FACT}\n{FACT_LINES}")).text
    assert "collected takes dossier" in (await room.say(f"/draft {ITEM}\ncollected: labournet")).text
    assert "\ncollected: dossier\n" in (await room.say(f"/draft {ITEM}\ngesammelt: dossier")).text
    assert "Through: LabourNet Germany." in (await room.say(f"/draft {FACT}")).text
    await room.say(f"/publish {ITEM}")
    assert f"Collected: LabourNet Germany, {ARTICLE.url}" in said_of(room.base.facts[FACT], room.base)
    # What the source changes later does not change who collected it.
    await room.curation.take([replace(ARTICLE, passage="Neu.", claims=())])
    assert drafts_of(room.folder)[0][ITEM].tree["collected"] == DOSSIER


def test_the_dossier_s_page_is_collected_by_it_and_another_is_not(tmp_path: Path) -> None:
    for name, options in (("theirs", ()), ("others", ("--elsewhere",))):
        folder = empty_folder(tmp_path / name)
        said = CliRunner().invoke(import_, [str(PAGES / "dossier.txt"), *options, "--data", str(folder)]).output
        items = [one.tree for one in drafts_of(folder)[0].values() if one.kind == "item"]
        assert len(items) == 8
        assert {tree.get("collected") for tree in items} == ({None} if options else {DOSSIER})
        assert ("will name LabourNet Germany" in said) == (not options)


@pytest.mark.parametrize(
    ("url", "collected"),
    [
        ("", DOSSIER),
        ("https://www.labournet.de/?p=177799", DOSSIER),
        ("http://labournet.de/branchen/handel/amazon/", DOSSIER),
        ("https://labournet.example/?p=177799", None),
        ("https://union.example/dossier?from=www.labournet.de", None),
    ],
)
def test_the_dossier_collected_what_stands_on_its_own_site(app: App, url: str, collected: str | None) -> None:
    assert collected_at(url, app.base) == collected
    assert collected_at(url, replace(app.base, dossier={})) is None


def test_an_older_folder_names_the_dossier_again_after_an_upgrade(tmp_path: Path) -> None:
    old, folder = tmp_path / "old", tmp_path / "own"
    shutil.copytree(shipped_folder(), old, ignore=shutil.ignore_patterns("model", "questions"))
    for path in (old / "dossier").iterdir():
        change(old, f"dossier/{path.name}", "collected: dossier\n", "")
    init(folder, old, NOW)
    base = load_base(folder, TODAY)[0]
    assert not any(base.collector_of(fact) for fact in base.facts.values() if fact.item)
    assert set(import_shipped(folder, shipped_folder()).drafts) == set(base.items)
    shelf = Shelf(folder)
    for draft in drafts_of(folder)[0].values():
        shelf.publish(draft, TODAY)
    shelf.put()
    base = load_base(folder, TODAY)[0]
    assert all(base.collector_of(fact) for fact in base.facts.values())
    assert not drafts_of(folder)[0]


def test_a_mixed_base_does_not_call_itself_the_dossier_s(app: App) -> None:
    ring = replace(app.base.items["ring-car-cam"], collected=None)
    base = replace(app.base, items={**app.base.items, ring.id: ring})
    ours = next(fact.id for fact in base.facts.values() if fact.item == ring.id)
    speaker = Speaker(base, "en", "de")
    assert "that LabourNet Germany collected" in sheet_of(["van-camera-records"], speaker, TODAY).closing
    assert THEIRS not in sheet_of(["van-camera-records", ours], speaker, TODAY).closing
    for language in base.texts.phrases:
        assert THEIRS not in about(base, language), language
        assert "Rückspiegel" in about(base, language), language


def test_a_base_of_no_dossier_names_none(app: App) -> None:
    base = replace(app.base, dossier={})
    for fact in base.facts.values():
        assert "Through" not in said_of(fact, base)
    assert "Rückspiegel" in about(base, "en")


def test_check_says_where_nobody_can_have_collected_it(folder: Path) -> None:
    base = folder / "base.yaml"
    base.write_text(re.sub("^dossier:.*\n", "", base.read_text("utf-8"), flags=re.MULTILINE), "utf-8")
    _, warnings = load_base(folder, TODAY)
    assert [one.line for one in warnings if one.field == "collected" and one.file == str(RING)] == [14]


def test_an_import_of_a_feed_s_kind_says_nothing_of_who_collected_it(tmp_path: Path) -> None:
    folder = empty_folder(tmp_path / "own")
    Importer(folder, load_base(folder, TODAY)[0]).take(Found((Publication("A thing"), ARTICLE)))
    assert not [one for one in drafts_of(folder)[0].values() if "collected" in one.tree]
