"""`links`: whether the addresses of sources still lead anywhere."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path

import click

from bot.app import now, open_database, today
from bot.base import load_base, shipped_folder
from bot.commands.common import data_option, keys_of
from bot.config import Settings, read_settings
from bot.intake.child import Fetcher
from bot.intake.fetched import Link
from bot.loops.links import Check, addresses_of, checked, is_dead
from bot.spoofing import shown
from bot.store.links import know, record


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object an address.")
def links(data: Path | None, as_json: bool) -> int:
    """Check the address of every item and of the dossier, and look for archived copies. Exit 1 where one is dead."""
    settings = read_settings()
    base, _ = load_base(data or settings.data or shipped_folder(), today())
    return asyncio.run(look(settings, addresses_of(base), Fetcher().link, as_json))


async def look(settings: Settings, named: dict[str, str], check: Check, as_json: bool) -> int:
    """Print each address as it is; the exit status."""
    moment, any_dead = now(), False
    async with open_database(settings, keys_of(settings)) as store:
        await store.run(lambda transaction: know(store, transaction, list(named)))
        looks = [asyncio.ensure_future(checked(check, url)) for url in named]
        for (url, name), looking in zip(named.items(), looks, strict=True):
            link = await looking
            since = await store.run(partial(record, url=url, dead=is_dead(link), now=moment))
            day = f"{since:%Y-%m-%d}" if since else None
            any_dead = any_dead or link.state == "dead"
            click.echo(_row(name, url, link, day) if as_json else _line(name, url, link, day))
    return 1 if any_dead else 0


def _row(name: str, url: str, link: Link, since: str | None) -> str:
    moved_to = link.url if link.state == "moved" else None
    row = {"name": name, "url": url, "state": link.state, "moved_to": moved_to, "dead_since": since, "why": link.why or None}
    return json.dumps(row | {"archived": link.archived or None}, ensure_ascii=False)


def _line(name: str, url: str, link: Link, since: str | None) -> str:
    words = {
        "ok": "ok",
        "moved": f"moved to {shown(link.url)}",
        "dead": f"dead since {since}: {link.why}",
        "unclear": f"unclear: {link.why}" + (f"; dead since {since}" if since else ""),
    }
    copy = f"; archived copy {link.archived}" if link.archived else ""
    return f"{name} {shown(url)} {words.get(link.state, link.state)}{copy}"
