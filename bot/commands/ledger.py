"""Digests and their ledger from the command line, also while the bot runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import click

from bot.app import App, now
from bot.commands.common import account_option, in_transaction, over_all, subscribed
from bot.composing import compose
from bot.deliveries import UNKNOWN
from bot.digests import Schedule, owed
from bot.speaker import Speaker
from bot.store import Store, Transaction, held, ledger, outbox, settling, subscriptions
from bot.subscribing import Unclear, clock_of, weekday_of, zone_of


@click.group()
def digest() -> None:
    """What the next digest says, and when digests are due."""


@digest.command()
@click.argument("address")
@account_option
def preview(address: str, account: str | None) -> None:
    """What the next digest will say and when."""

    async def work(app: App, store: Store, transaction: Transaction) -> str:
        found = await subscribed(store, transaction, address)
        slot = next(found.schedule.slots(now()))
        waiting = await outbox.under_way(transaction, [found.id])
        had = await subscriptions.has_had(transaction, [found.id])
        kept_back = await held.kept_back(transaction, slot.at)
        items = [item for item in app.base.items.values() if item.id not in kept_back]
        today = slot.at.astimezone(ZoneInfo(app.settings.timezone)).date()
        due = owed(items, found, had[found.id], waiting[found.id], today)
        speaker = Speaker(app.base, found.language, app.settings.language, app.settings.contact, private=False)
        parts = [reply.text for _, reply in compose(due, found, slot, speaker).parts]
        paused = " (paused)" if found.paused else ""
        return "\n\n".join([f"{slot.at:%Y-%m-%dT%H:%M:%SZ}{paused}", *(parts or ["nothing new"])])

    click.echo(in_transaction(work, account))


@digest.command()
@click.option("--every", type=click.Choice(["daily", "weekly"]), required=True)
@click.option("--on", "day", help="The day of a weekly digest, such as mon.")
@click.option("--at", "clock", required=True, help="HH:MM")
@click.option("--zone", required=True)
@click.option("--from", "start", help="ISO 8601; default now. Slots are strictly after it.")
@click.option("--count", default=10, show_default=True, type=click.IntRange(1, 10_000))
def slots(every: str, day: str | None, clock: str, zone: str, start: str | None, count: int) -> None:
    """The next instants, one ISO 8601 UTC time a line."""
    try:
        weekday = weekday_of(day or "mon") if every == "weekly" else None
        schedule = Schedule("weekly" if every == "weekly" else "daily", clock_of(clock), zone_of(zone), weekday)
        moment = datetime.fromisoformat(start) if start else now()
    except Unclear as error:
        raise click.UsageError(f"{error.values.get('word', '')}: not understood as {error.key.partition('-')[2]}") from error
    except ValueError as error:
        raise click.UsageError(f"--from {start}: write an ISO 8601 time such as 2026-03-28T12:00:00Z") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    for slot in islice(schedule.slots(moment), count):
        click.echo(f"{slot.at:%Y-%m-%dT%H:%M:%SZ}")


@click.group(invoke_without_command=True)
@click.option("--state", help="pending, sending, sent, failed, unknown or dead.")
@click.option("--json", "as_json", is_flag=True, help="One object a line.")
@account_option
@click.pass_context
def deliveries(context: click.Context, state: str | None, as_json: bool, account: str | None) -> None:
    """The ledger: every part of every digest, and what became of it."""
    if context.invoked_subcommand is not None:
        return

    async def work(app: App, store: Store, transaction: Transaction) -> list[dict[str, object]]:
        return [
            {
                "id": one.id,
                "address": str(one.address),
                "slot": f"{one.slot:%Y-%m-%dT%H:%M:%SZ}",
                "items": list(one.items),
                "state": one.state,
                "attempts": one.attempts,
                "why": one.why,
            }
            for one in await ledger.in_state(store, transaction, state)
        ]

    for row in over_all(work, account):
        click.echo(json.dumps(row) if as_json else " ".join(str(value) for value in row.values() if value != ""))


@deliveries.command()
@click.argument("id")
@click.argument("verdict", type=click.Choice(["sent", "again"]))
def settle(id: str, verdict: str) -> None:
    """Somebody looked: an unknown part did arrive (sent), or did not and is sent once more (again)."""

    async def work(app: App, store: Store, transaction: Transaction) -> None:
        found = await ledger.by_id(store, transaction, id)
        if found is None or found.state != UNKNOWN:
            raise click.UsageError(f"{id} is no part that is unknown; `deliveries --state unknown` lists them")
        await settling.looked_at(store, transaction, found, verdict == "sent", now())

    over_all(work)
