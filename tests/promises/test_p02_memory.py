"""P2. What is in memory: every place that holds something is named, and of an answered message nothing stays."""

from __future__ import annotations

import ast
import asyncio
import gc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import telegram

from bot.app import App
from bot.inventory import MEMORY, UNDER_WAY
from bot.messages import Message
from bot.transports.inbox import Inbox
from bot.transports.telegram.roles import Roles
from bot.transports.telegram.updates import Updates
from tests.bot_api import BotApi
from tests.live import app_on, buttons, live
from tests.promises.conftest import Evidence

BOT = Path(__file__).parents[2] / "bot"
CANARY = "zelkandor"
GROUP = -100200
ELSEWHERE = ("commands", "training", "intake", "search/arrays.py", "search/features.py", "search/large.py", "reading.py")
"""Not the running bot's: commands and what they and the child processes use, the search's numbers of the dossier."""
ROOMS = "transports/matrix"
"""What the library needs of rooms, members and devices is one line of the inventory."""
NOBODY = ""
"""It holds nothing of people: what is said, how often something failed, which parts of the product run."""
OTHERS = """
App._beside App.fingerprints Desk.fingerprints Deliverer._busy Deliverer._refused Document.doubled
Document.lines Fact.asks Fact.near_misses Fact.saw Federation._free Federation._resting Federation._seats
Heartbeat.questions Item.reason Matcher._ids Matcher._verifiers Operating.ended Operating.served Planner._broken
Rewriting._done Rounds._last Router.commands Service._down Service.restarts Store._open Telegram._tasks
Sparing._kinds Verifier.values Weights._tensors _AllowList._said _Composing._done _Look.same _Source.hashes
"""
HOLDS: Mapping[str, str] = {
    **{f"Memory.{part}": kept.name for part, kept in MEMORY.items()},
    "Inbox._window": "messages under way",
    "Inbox._chats": "messages under way",
    "Inbox._tasks": "messages under way",
    "Updates._asides": "messages under way",
    "Updates._taps": "taps",
    "Roles._admins": "managers",
    "Pacer._chats": "chats just written to",
    "Pacer._queues": "chats just written to",
    "Pacer._told": "chats just written to",
    "Pacer._released": NOBODY,
    "Pacer._digests": NOBODY,
    "Pacer._in_flight": "messages under way",
    "Chat.spoken": "chats just written to",
    "Chat.waiting": "messages under way",
    "Counting._counts": "counts",
    "Tally._before": "outcomes",
    "Tally._counts": "outcomes",
    "Tally._shown": "outcomes",
    "Recent._kept": "questions just asked",
    "Stewards._waiting": "notes for stewards",
    "Settings.stewards": "stewards",
    "Wiring.stewards": "stewards",
    **dict.fromkeys(OTHERS.split(), NOBODY),
}
MUTABLE = {"dict", "list", "set", "deque", "Counter", "defaultdict", "OrderedDict", "tuple"}


def _is_mutable(value: ast.expr | None) -> bool:
    """Whether an expression makes something that can grow."""
    match value:
        case ast.Dict() | ast.List() | ast.Set() | ast.DictComp() | ast.ListComp() | ast.SetComp():
            return True
        case ast.Tuple(elts=parts):
            return any(map(_is_mutable, parts))
        case ast.Call(func=ast.Name(id="field"), keywords=keywords):
            made = next((keyword.value for keyword in keywords if keyword.arg == "default_factory"), None)
            return isinstance(made, ast.Lambda | ast.Name) and _makes(made)
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Subscript(value=ast.Name(id=name))):
            return name in MUTABLE
    return False


def _makes(made: ast.Lambda | ast.Name) -> bool:
    return made.id in MUTABLE if isinstance(made, ast.Name) else _is_mutable(made.body)


def _held(tree: ast.Module) -> Iterator[str]:
    """`Class.attribute` of everything that can grow in an object."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        for part in node.body:
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) and _is_mutable(part.value):
                yield f"{node.name}.{part.target.id}"
        for inner in ast.walk(node):
            for target, value in _assigned(inner):
                if isinstance(target, ast.Attribute) and _is_mutable(value):
                    yield f"{node.name}.{target.attr}"


def _assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """Targets and their values, pair by pair."""
    match node:
        case ast.AnnAssign(target=target, value=value):
            yield target, value
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            yield from zip(targets, values)
        case ast.Assign(targets=targets, value=value):
            yield from ((target, value) for target in targets)


def _everything() -> set[str]:
    found = set[str]()
    for file in BOT.rglob("*.py"):
        where = file.relative_to(BOT).as_posix()
        if not where.startswith((*ELSEWHERE, ROOMS)):
            found |= set(_held(ast.parse(file.read_text(encoding="utf-8"))))
    return found


@pytest.mark.promise("P2")
def test_p02_the_inventory_names_what_is_in_memory(evidence: Evidence) -> None:
    listed = {kept.name for kept in (*MEMORY.values(), *UNDER_WAY)}
    assert set(HOLDS.values()) - {NOBODY} <= listed
    found = _everything()
    assert found - set(HOLDS) == set()
    planted = "class Roles:\n    def __init__(self):\n        self._askers: list[str] = []\n"
    evidence.finds("an attribute more", set(_held(ast.parse(planted))) - set(HOLDS) == {"Roles._askers"})
    evidence.measured(f"{len(found)} attributes that can grow, {len(listed)} parts of memory, none that is not listed")


def _objects(*kinds: type[Any]) -> list[Any]:
    return [one for one in gc.get_objects() if isinstance(one, kinds)]


def _of_the_message() -> list[Any]:
    """Messages with the canary, as the platform gave them and as we read them."""
    return [one for one in _objects(Message, telegram.Message) if CANARY in (one.text or "")]


@pytest.fixture
def new_objects_alone() -> Iterator[None]:
    """What is there before the test is looked at no more: a million things of other tests."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.promise("P2")
@pytest.mark.usefixtures("new_objects_alone")
async def test_p02_of_an_answered_message_nothing_stays_in_memory(
    api: BotApi, app: App, tmp_path: Path, evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.transports.telegram.updates.TAP_SECONDS", 1.0)
    monkeypatch.setattr("bot.transports.telegram.roles.KEPT_SECONDS", 1.0)
    ana = api.user(7_099_887_766, "Ana", "en")
    api.group(GROUP, "Depot 7", members=[ana])
    async with live(app_on(app, api.url, tmp_path / "state")):
        api.say(ana, "/topics", chat=GROUP)
        await api.wait_sent(1, 30)
        api.click(ana, api.sent[0], next(iter(buttons(api.sent[0]).values())))
        api.say(ana, "/digest", chat=GROUP)
        api.say(ana, f"what can the van camera record of {CANARY}")
        while not (under_way := len(_of_the_message())) and len(api.sent) < 3:
            await asyncio.sleep(0)
        await api.wait_sent(3, 30)
        await api.wait_drained(30)
        await asyncio.sleep(1.5)
        gc.collect()
        (inbox, *_), (updates, *_), (roles, *_) = _objects(Inbox), _objects(Updates), _objects(Roles)
        assert len(inbox._window) == 1  # its number, until the platform knows
        assert _of_the_message() == []
        assert (updates._taps, updates._asides, roles._admins) == (set(), set(), {})
    evidence.finds("the message, while it is under way", under_way)
    evidence.measured("0 objects with its words, its sender, its chat or its tap while the platform is told that it is done")
