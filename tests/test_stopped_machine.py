"""While publishing is stopped: what the operator can do at the machine, and what does not lift it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.base import load_base
from bot.intake.history import begin
from bot.store import panic, reviews
from tests.conftest import NOW, TODAY
from tests.newsroom import commits, empty_folder
from tests.test_backup_commands import Machine

DOSSIER = Path(__file__).parent.parent / "data" / "dossier" / "2023-01-06-ring-car-cam.yaml"
ITEM = "ring-car-cam"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = empty_folder(tmp_path / "own")
    (folder / "dossier" / DOSSIER.name).write_bytes(DOSSIER.read_bytes())
    begin(folder, "Begin", NOW)
    return folder


def test_what_is_false_is_withdrawn_while_it_is_stopped(tmp_path: Path, own: Path) -> None:
    machine = Machine(tmp_path / "m", own)
    machine.run("panic")
    assert "write a reason" in machine.fails("withdraw", ITEM)
    assert "30 minutes" in machine.run("withdraw", ITEM, "It was", "a mistake.").output
    item = load_base(own, TODAY)[0].items[ITEM]
    assert item.withdrawn is not None
    assert item.reason == {"de": "It was a mistake."}
    assert commits(own)[0] == f"operator: Withdraw {ITEM}"
    assert "There is no nothing-like-it" in machine.fails("withdraw", "nothing-like-it", "x")

    async def unexplained(store: object) -> object:
        from bot.app import now

        return await store.run(lambda transaction: reviews.unexplained(transaction, now()))  # type: ignore[attr-defined]

    assert machine.do(unexplained) == {ITEM}
    assert "stopped since" in machine.run("status").output


def test_with_two_stewards_the_reason_takes_one_of_them(tmp_path: Path, own: Path) -> None:
    machine = Machine(tmp_path / "m", own, RUECKSPIEGEL_STEWARDS="anna=telegram:1,ben=telegram:2")
    for _ in range(2):
        assert "once a steward says the same" in machine.run("withdraw", ITEM, "It was a mistake.").output
        assert load_base(own, TODAY)[0].items[ITEM].reason["de"] == "Die Redaktion prüft diese Meldung."


def test_the_shipped_folder_is_not_written_to(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "m", tmp_path)
    del machine.settings["RUECKSPIEGEL_DATA"]
    assert "rueckspiegel init FOLDER" in machine.fails("withdraw", ITEM, "x")


@pytest.mark.parametrize("stopped", ["before", "in the backup", "both", "neither"])
def test_a_restore_does_not_lift_it(tmp_path: Path, own: Path, stopped: str) -> None:
    machine, backup = Machine(tmp_path / "m", own), tmp_path / "a.backup"
    machine.run("panic")
    if stopped in ("before", "neither"):
        machine.run("panic", "lift")
    machine.run("backup", backup)
    machine.run(*(["panic", "lift"] if stopped in ("in the backup", "neither") else ["panic"]))
    said = machine.run("restore", backup, "--replace").output

    async def since(store: object) -> object:
        return await store.run(panic.since)  # type: ignore[attr-defined]

    assert (machine.do(since) is not None) is (stopped != "neither")
    assert ("publishing is stopped" in said) is (stopped != "neither")
