"""What the documentation names is there: commands, options, settings, and where links lead."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from bot.commands.main import main
from bot.config import KNOWN, Settings
from bot.logs import Event
from bot.messages import Role
from handlers import router
from tests.shown import FENCE, PAGES, README, ROOT, below, commands_in, meant, rows, shown, targets_in, unknown_options

OF_OTHERS = {"newbot", "setprivacy", "setjoingroups", "setprivacypolicy", "setuserpic", "revoke", "token"}
"""BotFather's commands."""
NO_COMMANDS = {"panic", "etc", "var", "tmp", "root", "home"}
"""What a worker might write, and folders."""
ITEM = re.compile(r" *(?:[-*]|\d+\.) ")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@each_page
def test_every_command_that_is_shown_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets_in(text) <= set(re.findall(r"^([a-z]+):", makefile, re.M))
    for line in commands_in(text):
        assert unknown_options(*meant(line)) == set(), line


def test_the_table_of_commands_is_that_of_the_program() -> None:
    commands = below(main)
    assert set(rows()) == {name for name, command in commands.items() if not command.hidden}
    for name, codes in rows().items():
        assert unknown_options(commands[name], " ".join(codes).split()) == set(), name


def test_the_table_of_settings_is_that_of_the_program() -> None:
    part = README.read_text(encoding="utf-8").split("## Settings")[1].split("\n## ")[0]
    assert set(re.findall(r"RUECKSPIEGEL_([A-Z_]+)", part)) == set(KNOWN)
    row_of = {name: row for row in part.splitlines() if row[:1] == "|" for name in re.findall(r"RUECKSPIEGEL_([A-Z_]+)", row)}
    for one in fields(Settings):
        default = str(one.default)
        if (
            one.name.upper() in KNOWN
            and isinstance(one.default, str | int | Path)
            and not isinstance(one.default, bool)
            and "://" not in default
        ):
            assert f"`{default}" in row_of[one.name.upper()], one.name


def test_every_event_of_the_log_is_explained() -> None:
    pages = [ROOT / "docs" / f"{name}.md" for name in ("operator", "telegram", "matrix")]
    told = {event for page in pages for event in re.findall(r"`([a-z-]+)`", page.read_text(encoding="utf-8"))}
    assert {event.value for event in Event} <= told


@each_page
def test_every_setting_that_is_named_exists(page: Path) -> None:
    named = re.findall(r"RUECKSPIEGEL_([A-Z_]*[A-Z])", page.read_text(encoding="utf-8"))
    assert set(named) <= set(KNOWN)


@each_page
def test_every_chat_command_that_is_named_exists(page: Path) -> None:
    assert _said(page.read_text(encoding="utf-8")) <= set(router.commands) | OF_OTHERS | NO_COMMANDS


@pytest.mark.parametrize(
    ("pages", "until", "may", "all_of"),
    [
        (["driver.md"], None, {Role.ANYONE}, Role.ANYONE),
        (["digests.md"], "## For stewards", {Role.ANYONE, Role.MANAGER}, Role.MANAGER),
        (["curating.md", "digests.md"], None, set(Role), Role.STEWARD),
    ],
)
def test_each_reader_finds_all_commands_and_none_that_are_refused(
    pages: list[str], until: str | None, may: set[Role], all_of: Role
) -> None:
    text = "\n\n".join((ROOT / "docs" / page).read_text(encoding="utf-8") for page in pages)
    said = _said(text.split(until)[0] if until else text)
    assert {router.commands[name].needs for name in said} <= may
    assert {name for name, command in router.commands.items() if command.needs is all_of and command.help} <= said


@pytest.mark.parametrize("language", ["Deutsch", "English"])
def test_a_worker_finds_the_same_in_both_languages(language: str) -> None:
    text = (ROOT / "docs" / "driver.md").read_text(encoding="utf-8")
    assert _said(text.split(f"## {language}\n")[1].split("\n## ")[0]) == _said(text)


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"`[^`\n]+`", "", FENCE.sub("", page.read_text(encoding="utf-8")))
    for target in re.findall(r"\]\(((?![a-z]+:)[^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.is_file(), target
        assert not anchor or anchor in _anchors(there), target


@each_page
def test_lists_and_blocks_are_told_from_paragraphs(page: Path) -> None:
    """The site's Markdown wants an empty line before a list, and four spaces before a block in one; a forge does not."""
    text = page.read_text(encoding="utf-8")
    assert [line for line in re.findall(r"^( *)```", text, re.M) if len(line) % 4] == []
    for block in re.split(r"\n\s*\n", FENCE.sub("", text)):
        first, *others = block.strip("\n").splitlines() or [""]
        assert ITEM.match(first) or not any(map(ITEM.match, others)), block


def _said(text: str) -> set[str]:
    """The chat commands that are shown."""
    found = (re.match(r"[/!]([a-z]+)(?![\w/.-])", line) for line in shown(text))
    return {one[1] for one in found if one}


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}
