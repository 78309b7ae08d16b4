"""What the documentation shows: commands, and what stands between backticks."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from bot.commands.main import main

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, ROOT / "deploy" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^ *```.*\n((?:.*\n)*?) *```", re.M)
_COMMAND = re.compile(r"(?:sudo )?(?:docker compose exec \S+ )?(?:rueckspiegel|(?:\.venv/bin/)?python -m bot) +([^…].*)")
_SAID_OF_IT = re.compile(r"  +| #")


def below(group: click.Group) -> dict[str, click.Command]:
    """A group's commands by name, loaded."""
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in found.items() if command}


def shown(text: str) -> list[str]:
    """Each line of the fenced blocks, each text between backticks."""
    fenced = [line.strip() for block in FENCE.findall(text) for line in block.splitlines()]
    return fenced + [code.strip() for code in re.findall(r"`([^`\n]+)`", FENCE.sub("", text))]


def commands_in(text: str) -> Iterator[str]:
    """What follows `rueckspiegel`, without what is said about it."""
    for line in shown(text):
        for part in line.split("&&"):
            if found := _COMMAND.match(part.strip()):
                yield _SAID_OF_IT.split(found[1])[0].replace("\\|", "|").strip()


def targets_in(text: str) -> set[str]:
    """What follows `make`."""
    found = (re.fullmatch(r"make ([a-z]+)", _SAID_OF_IT.split(line)[0]) for line in shown(text))
    return {one[1] for one in found if one}


def rows() -> dict[str, list[str]]:
    """The table of commands in the README: by name, what stands between backticks in its row."""
    lines = re.findall(r"^\| `rueckspiegel .*", README.read_text(encoding="utf-8"), re.M)
    codes = [shown(line) for line in lines]
    return {code[0].split()[1]: code[1:] for code in codes}


def meant(line: str) -> tuple[click.Command, list[str]]:
    """The command that is meant, and the words after its name."""
    command: click.Command = main
    words = shlex.split(line)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        commands = below(command)
        assert words[0] in commands, f"there is no command {words[0]}"
        command, words = commands[words[0]], words[1:]
    return command, words


def unknown_options(command: click.Command, words: list[str]) -> set[str]:
    """Those that neither the command nor one below it has."""
    return {word.partition("=")[0] for word in words if word.startswith("--")} - _options(command)


def _options(command: click.Command) -> set[str]:
    own = {option for part in command.get_params(click.Context(command)) for option in part.opts}
    commands = below(command).values() if isinstance(command, click.Group) else ()
    return own.union(*(_options(one) for one in commands))
