"""From an empty folder and a dossier page, with a review of every draft in chat, to a base that `check` takes."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.app import App
from bot.commands.curate import check
from bot.commands.drafts import import_
from bot.intake.drafts import Draft, drafts_of, facts_for
from bot.keys import Keys
from bot.store import open_store
from tests.newsroom import Newsroom, empty_folder

PAGES = Path(__file__).parent / "pages"
REAL = [Path(path) for path in [os.environ.get("REAL_DOSSIER")] if path]
"""A real dossier's text may be tried beside the invented ones: its path in that variable."""
VALUES = {"author": "Eva Muster", "outlet": "Blatt", "country": "DE", "place": "DE", "topics": "all", "topic": "all"}


def run(command: object, *words: str) -> str:
    done = CliRunner().invoke(command, words, catch_exceptions=False)  # type: ignore[arg-type]
    assert not done.return_value
    return done.output


def lines_for(draft: Draft, room: Newsroom) -> str:
    """What a steward writes of each field that is missing; words that stand nowhere else."""
    lines = []
    for field in draft.missing(room.base):
        name, _, language = field.partition(" ")
        words = f"{draft.id} {name} {language}" if language else VALUES.get(name, "")
        lines.append(f"{field}: {'reported' if name == 'status' else words}")
    return "\n".join(lines)


async def completed(id: str, room: Newsroom) -> str:
    """What the bot shows of a draft once all that it misses was written: in one go, but for the name of a topic that is new."""
    shown = ""
    while lines := lines_for(drafts_of(room.folder)[0][id], room):
        shown = (await room.say(f"/draft {id}\n{lines}")).text
    return shown


SHORT, LONG = PAGES / "dossier.txt", [PAGES / "dossier.html", *REAL]


@pytest.mark.parametrize("page", [SHORT, *(pytest.param(page, marks=pytest.mark.promises) for page in LONG)])
async def test_a_page_becomes_a_base(app: App, tmp_path: Path, page: Path) -> None:
    folder = empty_folder(tmp_path / "own")
    assert run(import_, str(page), "--data", str(folder)).startswith("8 publications and ")
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/test.db", Keys(b"k" * 32)) as store:
        room = Newsroom(app, store, folder)
        begun = drafts_of(folder)[0]
        for item in [draft for draft in begun.values() if draft.kind == "item"]:
            for one in (item, *facts_for(item, begun)):
                shown = await completed(one.id, room)
                assert "It will read like this" in shown, one.id
            said = await room.say(f"/publish {item.id}")
            assert said.text.startswith(f"Published: {item.id}"), said.text
            room.now += timedelta(hours=1)
    assert not drafts_of(folder)[0]
    facts = len(begun) - 8
    assert f"{facts} facts, 0 unknowns, 8 items" in run(check, "--data", str(folder))
    assert run(import_, str(page), "--data", str(folder)).startswith(
        "0 publications and 0 claims drafted, 8 publications known"
    )
