"""Every command that the documentation shows is run as it is shown, in one folder, one after the other, as by a reader."""

from __future__ import annotations

import asyncio
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bot.commands.main import main
from bot.config import KNOWN, read_settings
from bot.deliveries import UNKNOWN
from bot.environment import PREFIX
from bot.keys import load_keys
from bot.messages import reply
from bot.store import Transaction, open_store, outbox, subscriptions
from tests.conftest import NOW
from tests.shown import PAGES, ROOT, below, commands_in, meant, rows

NOT_HERE = {
    "run": "needs a platform; test_kill.py runs it",
    "train": "takes minutes; `make train` runs it",
    "check --strict": "wants the whole base; `make lint` runs it",
    "links": "asks the network; test_links.py asks one of its own",
    "evaluate --misses": "asks all questions; test_commands.py asks some",
}
"""What is shown and not run here, and why."""
STANDS_FOR = {
    "FOLDER": "ours",
    "FACT-ID…": "france-unions",
    "QUESTION…": "does it record sound?",
    "FILE|URL|shipped": "shipped",
    "[FILE.tsv": "small.tsv",
    "…]": "",
    "[URL]": "",
    "URL": "https://feeds.example/rss",
    "https://…": "https://feeds.example/atom",
    "HH:MM": "18:00",
    "DAY": "mon",
    "REASON": "It was a mistake.",
}
ENDS = {"doctor": 1}
"""The exit status where it is not 0: no platform is set up here."""


def test_every_command_that_is_shown_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in KNOWN:
        monkeypatch.delenv(PREFIX + name, raising=False)
    reader = Reader(tmp_path)
    reader.run("init FOLDER")
    for topic in (tmp_path / "ours" / "facts").glob("[!f]*.yaml"):
        topic.unlink()  # One topic is read in a moment.
    monkeypatch.setenv("RUECKSPIEGEL_DATA", str(tmp_path / "ours"))
    for line in dict.fromkeys(_lines()):
        # A database that is put back needs one that was saved and another to put it to: tests/test_backup.py does that.
        if line != "init FOLDER" and line not in NOT_HERE and not line.startswith(("backup", "restore")):
            reader.run(line)


class Reader:
    """Runs what was read, with something real in place of what stands for it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        shutil.copy(ROOT / "tests" / "pages" / "dossier.txt", folder)
        (folder / "small.tsv").write_text("de\t-\thallo\tplain\n", encoding="utf-8")
        self._channels: list[str] = []

    def run(self, line: str) -> None:
        self._doing = ""
        words = [word for word in map(self._real, shlex.split(line)) if word]
        done = CliRunner().invoke(main, words, input="/help\n", prog_name="rueckspiegel")
        assert done.exit_code == ENDS.get(line, 0), f"{line}: {done.output}"

    def _real(self, word: str) -> str:
        if word in ("add", "remove", "withdraw"):
            self._doing = word
        if word == "ADDRESS":
            return self._channel()
        if word == "ID" and self._doing == "withdraw":
            return "ring-car-cam"
        if word == "ID":
            return asyncio.run(_doubtful_part())
        # A page names the server's folders; a test leaves the machine alone and may run twice.
        return STANDS_FOR.get(word, str(self._folder / word[1:]) if word.startswith("/") else word)

    def _channel(self) -> str:
        """A new one to add, and then that one, until it is removed."""
        if self._doing == "add":
            self._channels.append(f"telegram:-{1001 + len(self._channels)}")
        return self._channels.pop() if self._doing == "remove" else self._channels[-1]


def _lines() -> Iterator[str]:
    """Of every page, and what the table of commands names of each group."""
    for page in PAGES:
        for line in commands_in(page.read_text(encoding="utf-8")):
            command, _ = meant(line)
            if not isinstance(command, click.Group) or command.invoke_without_command:
                yield line
    for name, codes in rows().items():
        command = below(main)[name]
        commands = below(command) if isinstance(command, click.Group) else {}
        yield from (f"{name} {code}" for code in codes if code.split()[0] in commands)


async def _doubtful_part() -> str:
    """The id of a part of which nobody knows whether it arrived."""
    settings = read_settings()
    async with open_store(settings.database_url, load_keys(settings.key_path)) as store:

        async def work(transaction: Transaction) -> str:
            one, *_ = await subscriptions.all_subscriptions(store, transaction)
            slot = next(one.schedule.slots(NOW))
            await outbox.plan(store, transaction, [(one.id, slot, "planned")])
            (part,) = outbox.parts_of(one, slot, [(["van-videos-online"], reply("x"))], slot.at)
            await outbox.owe(store, transaction, [replace(part, state=UNKNOWN)])
            return part.id

        return await store.run(work)
