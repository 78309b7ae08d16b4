"""`panic`: stop all publishing, or let it go on."""

from __future__ import annotations

import click

from bot.app import App, now
from bot.commands.common import over_all
from bot.store import Store, Transaction
from bot.store import panic as stopping


@click.group(invoke_without_command=True)
@click.pass_context
def panic(context: click.Context) -> None:
    """Stop all publishing and every steward's command, also while the bot runs; answers go on. `panic lift` ends it."""
    if context.invoked_subcommand is not None:
        return

    async def work(app: App, store: Store, transaction: Transaction) -> str:
        await stopping.stop(store, transaction, now())
        return f"stopped since {await stopping.since(transaction):%Y-%m-%dT%H:%M:%SZ}; `rueckspiegel panic lift` ends it"

    click.echo(over_all(work, begins=True))


@panic.command()
def lift() -> None:
    """Let publishing go on, once stewards' accounts and what they published were looked at."""

    async def work(app: App, store: Store, transaction: Transaction) -> str:
        stopped = await stopping.since(transaction) is not None
        await stopping.lift(transaction)
        return "publishing goes on" if stopped else "it was not stopped"

    click.echo(over_all(work))
