"""Subscriptions, digests and the ledger from the command line, also while the bot runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import click

from bot.app import App, now
from bot.commands.common import account_option, address_of, in_transaction, over_all, subscribed
from bot.digests import Subscription, is_out
from bot.store import Store, Transaction, subscriptions
from bot.store.chats import accounts
from bot.subscribing import Known, Unclear, changed, schedule_of, zone_of

Value = TypeVar("Value")
Work = Callable[[App, Store, Transaction], Awaitable[Value]]


@click.group()
def channel() -> None:
    """Who gets digests: list, add, pause, resume, remove."""


@channel.command("list")
@account_option
def listed(account: str | None) -> None:
    """One line each, address first; without --account those of all accounts. `id` is what notes to stewards call it."""

    async def work(app: App, store: Store, transaction: Transaction) -> list[str]:
        names = [account] if account else await accounts(transaction)
        found = [(name, await subscriptions.all_subscriptions(store.of(name), transaction)) for name in names]
        own = names == [app.settings.name]
        return [f"{_line(one)}{'' if own else f' account={name}'} id={one.id}" for name, some in found for one in some]

    for line in over_all(work, account):
        click.echo(line)


@channel.command()
@click.argument("address")
@click.argument("rhythm", nargs=-1, required=True)
@click.option("--zone", help="Such as Europe/Berlin; default RUECKSPIEGEL_TIMEZONE.")
@click.option("--language", help="Two letters; default RUECKSPIEGEL_LANGUAGE.")
@click.option("--topics", help="Ids, commas between; default all.")
@click.option("--countries", help="Codes such as DE,US; default all.")
@click.option("--quiet", help="Such as 21:00-07:00.")
@click.option("--silent", is_flag=True, help="Phones do not ring.")
@account_option
def add(
    address: str, rhythm: tuple[str, ...], silent: bool, zone: str | None, account: str | None, **filters: str | None
) -> None:
    """Subscribe a chat: RHYTHM is `daily HH:MM` or `weekly DAY HH:MM`. What is published already counts as known."""
    where = address_of(address)

    async def work(app: App, store: Store, transaction: Transaction) -> str:
        if await subscriptions.subscription_of(store, transaction, where) is not None:
            raise click.UsageError(f"{address} gets digests already; `channel remove` it first, or change it in the chat")
        settings, known = app.settings, Known(app.base.topics, tuple(app.base.texts.phrases))
        try:
            schedule = schedule_of([word.casefold() for word in rhythm], zone_of(zone) if zone else settings.timezone)
            wanted = Subscription("", where, schedule, settings.language, silent=silent)
            for name, value in filters.items():
                wanted = changed(wanted, [name, *value.split()], known) if value else wanted
        except Unclear as error:
            raise click.UsageError(app.base.texts.say("en", error.key, **error.values)) from error
        made = await subscriptions.subscribe(store, transaction, wanted, now(), _published(app))
        return _line(made)

    click.echo(in_transaction(work, account, begins=True))


@channel.command()
@click.argument("address")
@account_option
def pause(address: str, account: str | None) -> None:
    """Send nothing there until it is resumed."""
    _change(address, account, lambda found: replace(found, paused="asked"))


@channel.command()
@click.argument("address")
@account_option
def resume(address: str, account: str | None) -> None:
    """Send there again, from the next slot on."""
    _change(address, account, lambda found: replace(found, paused=""))


@channel.command()
@click.argument("address")
@account_option
def remove(address: str, account: str | None) -> None:
    """End a subscription and erase all that is kept of the chat."""

    async def work(app: App, store: Store, transaction: Transaction) -> None:
        await subscriptions.end(transaction, await subscribed(store, transaction, address))

    in_transaction(work, account)


def _change(address: str, account: str | None, how: Callable[[Subscription], Subscription]) -> None:
    async def work(app: App, store: Store, transaction: Transaction) -> str:
        new = how(await subscribed(store, transaction, address))
        await subscriptions.change(transaction, new, now())
        return _line(new)

    click.echo(in_transaction(work, account))


def _published(app: App) -> list[str]:
    zone = app.desk(now()).today()
    return [item.id for item in app.base.items.values() if is_out(item, zone)]


def _line(one: Subscription) -> str:
    schedule = one.schedule
    day = "" if schedule.weekday is None else f" {('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun')[schedule.weekday]}"
    words = [str(one.address), f"{schedule.every}{day} {schedule.at:%H:%M} {schedule.zone} {one.language}"]
    words += [f"topics={','.join(sorted(one.topics))}"] if one.topics else []
    words += [f"countries={','.join(sorted(one.countries))}"] if one.countries else []
    words += [f"quiet={one.quiet[0]:%H:%M}-{one.quiet[1]:%H:%M}"] if one.quiet else []
    words += ["silent"] if one.silent else []
    words += [f"paused={one.paused}"] if one.paused else []
    return " ".join(words)
