"""`backup` and `restore`: all that is kept, in one file that SQLite and PostgreSQL restore from each other."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from bot.app import backups_of, now, today
from bot.backups import SUFFIX, Backups, dated, new_identity, read_backup, sealed, write_backup
from bot.base import load_base, shipped_folder
from bot.commands.common import keys_of, was_begun
from bot.config import Settings, read_settings
from bot.keys import Keys
from bot.store.dumping import Dump, dump
from bot.store.engine import connected
from bot.store.lease import unserved
from bot.store.restoring import Restored, is_empty
from bot.store.restoring import restore as put_back

_file = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", type=_file, required=False)
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), help="A folder for a dated file; old ones there go.")
@click.option("--recipient", help="A public key of age (age1…); default RUECKSPIEGEL_BACKUP_TO, else the key file.")
@click.option("--unencrypted", is_flag=True, help="Anybody may read it.")
@click.option("--new-key", type=_file, help="Only make a key pair of age: the secret half into this file.")
def backup(file: Path | None, into: Path | None, recipient: str | None, unencrypted: bool, new_key: Path | None) -> None:
    """Write everything in the database to FILE, encrypted, also while the bot runs. The key file is not in it."""
    if [file, into, new_key].count(None) != 2:
        raise click.UsageError("name either a FILE, a folder (--into) or a file for a new key (--new-key)")
    if recipient and unencrypted:
        raise click.UsageError("--recipient and --unencrypted contradict each other; leave one out")
    os.umask(0o077)
    if new_key is not None:
        click.echo(f"RUECKSPIEGEL_BACKUP_TO={new_identity(new_key)}")
        return
    settings, moment = read_settings(), now()
    path = into / f"{dated(moment)}{SUFFIX}" if into else file
    assert path is not None
    if path.exists():
        raise click.UsageError(f"{path}: there is such a file already; name another, nothing is written over")
    if not was_begun(settings):
        raise click.UsageError(f"nothing was kept yet: there is no database {settings.database_file}; check RUECKSPIEGEL_STATE")
    keys, public = keys_of(settings), recipient or settings.backup_to
    made = asyncio.run(_dumped(settings, keys))
    write_backup(path, made.content if unencrypted else sealed(made.content, keys, public))
    if into:
        Backups(into, days=settings.backup_days).sweep(moment)
    how = "NOT encrypted" if unencrypted else f"encrypted to {public or f'the key file {settings.key_path}'}"
    click.echo(f"{path}: {made.rows} rows, {how}")


async def _dumped(settings: Settings, keys: Keys) -> Dump:
    async with connected(settings.database_url, keys) as store:
        return await dump(store)


@click.command()
@click.argument("file", type=_file)
@click.option("--identity", type=_file, help="The secret half of the key it was made for, a file of age.")
@click.option("--replace", is_flag=True, help="Also over a database that is not empty; a backup of that is made first.")
@click.option("--without-addresses", is_flag=True, help="Give subscriptions up, where the key file is lost.")
def restore(file: Path, identity: Path | None, replace: bool, without_addresses: bool) -> None:
    """Put a backup into the settings' database, all of it or nothing. Stop the bot first."""
    os.umask(0o077)
    settings = read_settings()
    is_lost = not settings.key_path.exists()
    if is_lost and not without_addresses:
        remedy = "put the copy there that you kept, or give the subscriptions up (--without-addresses)"
        raise click.UsageError(f"RUECKSPIEGEL_KEY_FILE: there is no key file {settings.key_path}; {remedy}")
    content = read_backup(file, None if is_lost else keys_of(settings), identity)
    done = asyncio.run(_restored(settings, content, file, replace, not without_addresses, now()))
    click.echo(f"{file}: {done.rows} rows restored")
    if done.parts or done.channels:
        doubts = f"{done.parts} parts and the slots of {done.channels} channels may have gone out since"
        click.echo(f"{doubts}; their items come once more, marked as perhaps a repeat (`deliveries --state unknown`)")
    if done.stopped:
        click.echo("All publishing is stopped, as it was before or in the backup; `rueckspiegel panic lift` ends it")
    if not without_addresses:
        click.echo("Subscriptions are as they were then: look at `channel list`, and remove those that ended since.")


async def _restored(
    settings: Settings, content: bytes, file: Path, replace: bool, addresses: bool, moment: datetime
) -> Restored:
    base, _ = load_base(settings.data or shipped_folder(), today())
    keys = keys_of(settings)
    async with connected(settings.database_url, keys) as store, unserved(store, settings.state):
        if replace and not await is_empty(store):
            kept = backups_of(settings).keep((await dump(store)).content, f"replaced-{dated(moment)}", keys)
            click.echo(f"{kept}: what was in the database until now")
        day = moment.astimezone(ZoneInfo(settings.timezone)).date()
        items = tuple(base.items.values())
        return await put_back(store, content, str(file), items, moment, day, addresses=addresses, replace=replace)
