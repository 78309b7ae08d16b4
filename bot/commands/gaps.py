"""What is asked most, for those who write facts."""

from __future__ import annotations

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import click

from bot.app import App, now
from bot.commands.common import over_all
from bot.loops.count import parted
from bot.store import Store, Transaction, asked


@click.command()
@click.option("--weeks", default=4, show_default=True, type=click.IntRange(1, 53), help="This week and those before it.")
@click.option("--json", "as_json", is_flag=True, help="One object a line.")
def gaps(weeks: int, as_json: bool) -> None:
    """The ten facts and the ten unknowns that were asked most. Below ten a week nothing is kept, so nothing is shown."""

    async def work(app: App, store: Store, transaction: Transaction) -> list[tuple[str, str, int]]:
        today = now().astimezone(ZoneInfo(app.settings.timezone)).date()
        first, last = asked.week_of(today - timedelta(weeks=weeks - 1)), asked.week_of(today)
        facts, unknowns = parted(await asked.counts(transaction, first, last), app.base)
        return [
            *(("fact", id, count) for id, count in facts.items()),
            *(("unknown", id, count) for id, count in unknowns.items()),
        ]

    rows = over_all(work)
    for kind, id, count in rows:
        click.echo(json.dumps({"kind": kind, "id": id, "count": count}) if as_json else f"{count:>6}  {kind:<7}  {id}")
    if not as_json:
        click.echo("below ten a week: not shown; the others in fives, rounded down")
