"""What the commands share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import click

from bot.accounts import accounts_of
from bot.app import App, open_app, open_database
from bot.config import Settings, read_settings
from bot.digests import Subscription
from bot.keys import SIZE, BrokenKey, Keys, load_keys
from bot.messages import Address, parse_address
from bot.store import Store, Transaction, chats, open_store, subscriptions

Value = TypeVar("Value")
Work = Callable[[App, Store, Transaction], Awaitable[Value]]

data_option = click.option(
    "--data", type=click.Path(path_type=Path), help="Another data folder than RUECKSPIEGEL_DATA or the shipped one."
)


def open_with(data: Path | None) -> App:
    """The app of the settings, with another data folder where one is given."""
    settings = read_settings()
    return open_app(replace(settings, data=data) if data else settings)


account_option = click.option(
    "--account", help="The bot account, by its name in the file RUECKSPIEGEL_ACCOUNTS; needed where that names several."
)


def in_transaction(work: Work[Value], account: str | None = None, *, begins: bool = False) -> Value:
    """Do the work on the settings' database, in one transaction, as the account of that name or the only one.

    Where nothing was kept yet, only what `begins` something makes a key file and a database.
    """
    return _in_transaction(work, _settings_of(account), begins=begins)


def over_all(work: Work[Value], account: str | None = None, *, begins: bool = False) -> Value:
    """The same, but without a name for what all accounts have, also those that are in no file any more."""
    settings = _settings_of(account) if account else accounts_of(read_settings())[0]
    return _in_transaction(work, settings, everywhere=not account, begins=begins)


def _settings_of(account: str | None) -> Settings:
    accounts = {one.name: one for one in accounts_of(read_settings())}
    if account is None and len(accounts) == 1:
        return next(iter(accounts.values()))
    if account is not None and account not in accounts and account in _kept(next(iter(accounts.values()))):
        # It was taken out of the file; its channels can be looked at and removed all the same.
        return replace(next(iter(accounts.values())), name=account)
    if account not in accounts:
        problem = f"there is no account {account}" if account else "there are several accounts"
        raise click.UsageError(f"{problem}; write --account and one of {', '.join(accounts)}")
    return accounts[account]


def _kept(settings: Settings) -> Collection[str]:
    """The names of the accounts that have channels."""

    async def read() -> Collection[str]:
        async with opened(settings) as store:
            return await store.run(chats.accounts)

    return asyncio.run(read())


def _in_transaction(work: Work[Value], settings: Settings, *, everywhere: bool = False, begins: bool = False) -> Value:
    app = open_app(settings)

    async def whole() -> Value:
        async with opened(app.settings, begins=begins) as whole_store:
            store = whole_store.of(None if everywhere else settings.name)
            return await store.run(lambda transaction: work(app, store, transaction))

    return asyncio.run(whole())


@asynccontextmanager
async def opened(settings: Settings, *, begins: bool = False) -> AsyncIterator[Store]:
    """The settings' database; where nothing was kept yet one in memory, which says the same, unless the work `begins`.

    :raises BrokenKey: where the key file is missing or is none.
    :raises BrokenStore: where the database cannot be opened.
    """
    if begins or was_begun(settings):
        async with open_database(settings, keys_of(settings)) as store:
            yield store
        return
    missing = [f"database {settings.database_file}"]
    missing += [] if settings.key_path.exists() else [f"key file {settings.key_path}"]
    click.echo(
        f"Nothing was kept yet: there is no {' and no '.join(missing)}. The first start makes what is missing.", err=True
    )
    async with open_store("sqlite+aiosqlite://", Keys(bytes(SIZE))) as store:
        yield store


def was_begun(settings: Settings) -> bool:
    """Whether there is a database; PostgreSQL counts as one, whatever is in it.

    :raises BrokenKey: where there is one without its key file, before a new one is made that does not open it.
    """
    file, key = settings.database_file, settings.key_path
    if file is not None and not file.exists():
        return False
    if not key.exists():
        remedy = "put back the copy that you kept, or start the bot, which makes one, where nothing was kept yet"
        raise BrokenKey(f"RUECKSPIEGEL_KEY_FILE: there is no key file {key}; {remedy}")
    return True


def keys_of(settings: Settings) -> Keys:
    """The keys of the settings' key file; whoever makes it says where it is and why to keep a copy.

    :raises BrokenKey: where it cannot be made or read.
    """
    path = settings.key_path
    is_new = not path.exists()
    keys = load_keys(path)
    if is_new:
        why = "without it no backup gives subscriptions back, and on Matrix the bot's identity is lost"
        click.echo(f"The key file {path} was made. Keep a copy of it elsewhere, apart from backups: {why}.", err=True)
    return keys


async def subscribed(store: Store, transaction: Transaction, address: str) -> Subscription:
    """The subscription of an address.

    :raises UsageError: where it has none.
    """
    found = await subscriptions.subscription_of(store, transaction, address_of(address))
    if found is None:
        raise click.UsageError(f"{address} gets no digests; `channel list` names those that do")
    return found


def address_of(text: str) -> Address:
    """The address that was written.

    :raises UsageError: where it is none.
    """
    try:
        return parse_address(text)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
