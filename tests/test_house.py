"""Rules of the house that no linter has a word for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot.desk import Desk
from bot.messages import Message, Reply, Role, reply
from bot.router import Router
from tests.conftest import Chat

ROOT = Path(__file__).parent.parent


async def _nothing(message: Message, desk: Desk) -> Reply:
    return reply("x")


def test_two_handlers_cannot_claim_one_name() -> None:
    first, second = Router(), Router()
    first.command("ask")(_nothing)
    second.command("ask")(_nothing)
    with pytest.raises(ValueError, match="/ask"):
        Router(first, second)


@pytest.mark.parametrize(("role", "allowed"), [(Role.ANYONE, False), (Role.MANAGER, True), (Role.STEWARD, True)])
async def test_a_role_is_asked_before_the_handler_runs(chat: Chat, role: Role, allowed: bool) -> None:
    router = Router()
    router.command("digest", needs=Role.MANAGER)(_nothing)

    async def role_of(_: Message) -> Role:
        return role

    from bot.messages import Address

    said = await router.route(Message("1", Address("test", "1"), "/digest"), chat.app.desk(chat.now), role_of)
    assert said is not None
    assert (said.text == "x") is allowed


def test_a_planted_import_upwards_fails_the_linter(tmp_path: Path) -> None:
    """The floors are enforced: the same contracts, on a copy where a value imports a command."""
    import shutil

    for part in ("bot", "handlers"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = tmp_path / "bot" / "messages.py"
    planted.write_text(planted.read_text(encoding="utf-8") + "\nfrom bot import config as config\n", encoding="utf-8")
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "bot.messages -> bot.config" in done.stdout


def test_modules_stay_short() -> None:
    lengths = {
        str(file.relative_to(ROOT)): file.read_text(encoding="utf-8").count("\n")
        for part in ("bot", "handlers")
        for file in (ROOT / part).rglob("*.py")
    }
    assert {name: count for name, count in lengths.items() if count > 220} == {}
