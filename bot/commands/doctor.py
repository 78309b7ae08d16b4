"""`doctor`: everything that can be wrong before and while the bot runs, and what to do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

import click

from bot.accounts import accounts_of
from bot.app import now, open_database
from bot.base import BrokenBase
from bot.commands.common import was_begun
from bot.commands.reaching import clock_signs, matrix_signs, subscription_signs, telegram_signs
from bot.commands.signs import (
    Sign,
    account_signs,
    data_signs,
    key_signs,
    ledger_sign,
    running_sign,
    settings_signs,
    state_signs,
)
from bot.config import Settings, read_settings
from bot.environment import MAIN, BrokenSettings
from bot.findings import errors_of
from bot.keys import BrokenKey, load_keys
from bot.search.arrays import OldArrays
from bot.store import BrokenStore, chats, panic

Check = Callable[[Settings], AsyncIterator[Sign]]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One object a line.")
def doctor(as_json: bool) -> int:
    """Look at settings, data, database, keys, clock, disk, platforms and channels; say what is wrong and what to do."""
    signs = asyncio.run(_examined())
    for sign in signs:
        click.echo(json.dumps(sign.as_dict(), ensure_ascii=False) if as_json else str(sign))
    return 1 if any(sign.state == "fail" for sign in signs) else 0


async def _examined() -> list[Sign]:
    try:
        settings = read_settings()
        accounts = accounts_of(settings)
    except BrokenSettings as error:
        return [_failed("settings", error)]
    found = list(settings_signs(settings))
    shared: dict[str, Check] = {
        "data folder": data_signs,
        "key file": key_signs,
        "state folder": state_signs,
        "database": partial(_database_signs, [one.name for one in accounts]),
    }
    own: dict[str, Check] = {
        "clock": clock_signs,
        "telegram": telegram_signs,
        "matrix": matrix_signs,
        "channels": _channel_signs,
    }
    found += await _looked_at(shared, accounts[0])
    for account in accounts:
        signs = [*account_signs(account), *await _looked_at(own, account)]
        found += [sign if account.name == MAIN else replace(sign, check=f"{account.name}: {sign.check}") for sign in signs]
    return [*found, running_sign(settings.state, now())]


async def _looked_at(checks: Mapping[str, Check], settings: Settings) -> list[Sign]:
    found: list[Sign] = []
    for name, check in checks.items():
        try:
            found += [sign async for sign in check(settings)]
        except (BrokenBase, BrokenKey, BrokenSettings, BrokenStore, OldArrays, OSError) as error:
            found.append(_failed(name, error))
    return found


def _failed(check: str, error: Exception) -> Sign:
    """A check that could not be done; our own errors name the remedy behind the last semicolon."""
    if isinstance(error, BrokenBase):
        errors = errors_of(error.findings)
        return Sign(check, "fail", f"{len(errors)} mistakes, the first: {errors[0]}", "`check` lists all of them")
    says, _, remedy = " ".join(str(error).split()).rpartition("; ")
    return Sign(check, "fail", says or remedy, remedy if says else "look at what stands before this")


async def _database_signs(names: Collection[str], settings: Settings) -> AsyncIterator[Sign]:
    """The database, opened as `run` does, and what is in it; `names` are the accounts that the settings name."""
    if not settings.key_path.exists():
        yield Sign("database", "warn", "not looked at, since there is no key file", "look at the line of the key file")
        return
    if not was_begun(settings):
        yield Sign("database", "warn", f"{settings.database_file} is not there yet", "it is made at the first start")
        return
    async with open_database(settings, load_keys(settings.key_path)) as store:
        yield Sign("database", "ok", f"{store.engine.dialect.name}, intact, its schema is this version's")
        yield await ledger_sign(store)
        for name in set(await store.run(chats.accounts)) - set(names):
            remedy = f"name it in RUECKSPIEGEL_ACCOUNTS again, or `channel list --account {name}` and `channel remove`"
            yield Sign("accounts", "warn", f"{name} has channels and is in no settings, so they get nothing", remedy)
        if stopped := await store.run(panic.since):
            remedy = "look at stewards' accounts and what they published, then `rueckspiegel panic lift`"
            yield Sign("publishing", "fail", f"stopped since {stopped:%Y-%m-%dT%H:%M:%SZ}", remedy)


async def _channel_signs(settings: Settings) -> AsyncIterator[Sign]:
    """Every chat of an account; where the database cannot be opened, its own line says so."""
    if not settings.key_path.exists() or not was_begun(settings):
        return
    with suppress(BrokenStore, BrokenKey):
        async with open_database(settings, load_keys(settings.key_path)) as store:
            async for sign in subscription_signs(settings, store.of(settings.name)):
                yield sign
