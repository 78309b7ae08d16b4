"""Sources' addresses are looked after once a week; a dead one is reported once, and never removed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.base import load_base
from bot.commands.links import look
from bot.config import Settings
from bot.intake.fetched import Link
from bot.intake.found import NotTaken
from bot.keys import Keys
from bot.loops.links import LinkWatcher, addresses_of
from bot.store import Store, open_store
from tests.conftest import TODAY
from tests.test_check import change

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WEEK = timedelta(days=7)
COPY = "https://web.archive.org/web/20200101/https://news.test/b"
A, B = "https://news.test/a", "https://news.test/b"


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(database_url, Keys(b"k" * 32)) as opened:
        yield opened


class Web:
    """Addresses as the test wants them, and what the stewards hear."""

    def __init__(self, store: Store) -> None:
        self.named = {A: "item-a", B: "item-b"}
        self.links: dict[str, Link | NotTaken] = {A: Link("ok", A), B: Link("ok", B)}
        self.asked: list[str] = []
        self.heard: list[tuple[str, Mapping[str, str]]] = []
        self.watcher = LinkWatcher(store, lambda: self.named, self.check, self.tell, lambda: NOW)

    async def check(self, url: str) -> Link:
        self.asked.append(url)
        found = self.links[url]
        if isinstance(found, NotTaken):
            raise found
        return found

    async def tell(self, key: str, values: Mapping[str, str]) -> None:
        self.heard.append((key, values))


async def test_a_newly_dead_address_is_reported_once_with_its_copy(store: Store) -> None:
    web = Web(store)
    await web.watcher.look(NOW)
    assert web.asked == [A, B]
    assert web.heard == []
    await web.watcher.look(NOW + WEEK - timedelta(hours=1))
    assert web.asked == [A, B]
    web.links[B] = Link("dead", B, "there is no such page (404)", COPY)
    for week in range(1, 4):
        await web.watcher.look(NOW + week * WEEK)
    expected = {"links": f"item-b: {B} (there is no such page (404)) → {COPY}"}
    assert web.heard == [("steward.links-dead", expected)]
    web.links[B] = Link("ok", B)
    await web.watcher.look(NOW + 4 * WEEK)
    web.links[B] = Link("dead", B, "there is no such host")
    await web.watcher.look(NOW + 5 * WEEK)
    assert len(web.heard) == 2


async def test_what_nobody_can_tell_is_no_death_and_no_return(store: Store) -> None:
    web = Web(store)
    web.links[A] = NotTaken("it took too long", "try again later")
    web.links[B] = Link("dead", B, "there is no such page (404)")
    await web.watcher.look(NOW)
    web.links[B] = Link("unclear", B, "the site answers with status 403")
    await web.watcher.look(NOW + WEEK)
    web.links[B] = Link("dead", B, "there is no such page (404)")
    await web.watcher.look(NOW + 2 * WEEK)
    assert len(web.heard) == 1
    assert len(web.asked) == 6


async def test_of_an_address_that_is_named_no_more_nothing_is_kept(store: Store) -> None:
    web = Web(store)
    await web.watcher.look(NOW)
    del web.named[B]
    await web.watcher.look(NOW)
    web.named[B] = "item-b"
    await web.watcher.look(NOW)
    assert web.asked == [A, B, B]


def test_the_addresses_are_those_of_items_and_of_the_dossier(folder: Path) -> None:
    change(folder, "dossier/2023-07-20-van-videos-online.yaml", "url: null", f"url: {A}")
    named = addresses_of(load_base(folder, TODAY)[0])
    assert named == {A: "van-videos-online", "https://www.labournet.de/?p=177799": "LabourNet Germany"}


@pytest.mark.parametrize("as_json", [False, True])
async def test_the_command_says_how_each_is_and_since_when(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    settings = Settings(state=tmp_path / "state")
    named = {A: "item-a", B: "item-b", "https://x.test/": "x"}
    links = {A: Link("moved", A + "2", archived=COPY), B: Link("dead", B, "gone", COPY)}
    links["https://x.test/"] = Link("unclear", "", "403")

    async def check(url: str) -> Link:
        return links[url]

    assert await look(settings, named, check, as_json) == 1
    lines = capsys.readouterr().out.splitlines()
    if as_json:
        rows = [json.loads(line) for line in lines]
        assert [row["state"] for row in rows] == ["moved", "dead", "unclear"]
        assert (rows[0]["moved_to"], rows[0]["dead_since"], rows[1]["archived"]) == (A + "2", None, COPY)
        assert rows[1]["dead_since"] is not None
    else:
        assert lines[0] == f"item-a {A} moved to {A}2; archived copy {COPY}"
        assert lines[1].startswith(f"item-b {B} dead since 20")
        assert lines[2] == "x https://x.test/ unclear: 403"
    links[B] = Link("ok", B)
    assert await look(settings, named, check, as_json) == 0
