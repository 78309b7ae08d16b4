"""`privacy`: everything that is kept, and everybody who is connected to, as the code has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import click

from bot.accounts import accounts_of
from bot.app import today
from bot.base import Base, load_base, shipped_folder
from bot.config import Settings, read_settings
from bot.connections import connections
from bot.inventory import FILES, HISTORY, MEMORY, ON_MATRIX, UNDER_WAY, Kept, columns, told
from bot.speaker import Speaker

Rows = Sequence[tuple[str, ...]]


@click.command()
@click.option("--markdown", is_flag=True, help="As the tables of docs/privacy/record.md.")
def privacy(markdown: bool) -> None:
    """What is kept, where, why and how long, and whom the bot connects to."""
    accounts = accounts_of(read_settings())
    settings = accounts[0]
    base, _ = load_base(settings.data or shipped_folder(), today())
    for title, rows in tables(accounts, base).items():
        click.echo(as_markdown(title, rows) if markdown else _as_lines(title, rows))


def tables(accounts: Sequence[Settings], base: Base) -> Mapping[str, Rows]:
    """Title to rows; the first row is the head."""
    speaker = Speaker(base, "en", "en")
    return {
        "In the database": _kept("column", columns(), speaker),
        "In the state folder": _kept("file", FILES, speaker),
        "In a data folder of the union's own": _kept("what", HISTORY, speaker),
        "In memory": _kept("what", (*MEMORY.values(), *UNDER_WAY, *ON_MATRIX.values()), speaker),
        "Connections": [
            ("by", "to", "why"),
            *((one.by, one.host, one.why) for one in connections(accounts, base)),
        ],
    }


def _kept(head: str, kept: Iterable[Kept], speaker: Speaker) -> Rows:
    return [(head, "why", "erased"), *((one.name, one.why, told(one.lives, speaker, "lives.after")) for one in kept)]


def _as_lines(title: str, rows: Rows) -> str:
    return "\n".join([title, *(f"  {row[0]}: {'; '.join(row[1:])}" for row in rows[1:]), ""])


def as_markdown(title: str, rows: Rows) -> str:
    """A heading and a table."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"### {title}", "", lines[0], "| " + " | ".join("---" for _ in rows[0]) + " |", *lines[1:], ""])
