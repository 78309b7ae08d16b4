"""`feed`: which feeds are watched for new publications."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from bot.app import today
from bot.base import load_base, shipped_folder
from bot.commands.common import data_option, opened
from bot.config import Settings, read_settings
from bot.intake import feedlist
from bot.intake.child import Fetcher
from bot.intake.found import NotTaken
from bot.spoofing import shown
from bot.store.feeds import Watched, standing


@click.group()
def feed() -> None:
    """Feeds that are watched for new publications: add, list, remove."""


@feed.command()
@click.argument("url")
@click.option("--name", help="What stewards call it; default its host.")
@data_option
def add(url: str, name: str | None, data: Path | None) -> None:
    """Watch a feed. It is read once, to say whether that works; it stays on the list where it does not."""
    try:
        feedlist.add(_own(data), url, name)
    except NotTaken as error:
        raise click.UsageError(str(error)) from error
    try:
        news = asyncio.run(Fetcher().feed(url))
        click.echo(f"{shown(url)}: {len(news.entries) if news else 0} entries")
    except NotTaken as error:
        click.echo(f"{shown(url)} is on the list, but could not be read just now: {error}", err=True)


@feed.command("list")
@data_option
def listed(data: Path | None) -> None:
    """One line each, address first."""
    settings = read_settings()
    base, _ = load_base(data or settings.data or shipped_folder(), today())
    known = asyncio.run(_standing(settings)) if base.feeds else {}
    for one in base.feeds:
        click.echo(" ".join([shown(one.url), one.name, *_words(known.get(one.url))]))


@feed.command()
@click.argument("url")
@data_option
def remove(url: str, data: Path | None) -> None:
    """Watch a feed no more; drafts that were made of it stay."""
    try:
        feedlist.remove(_own(data), url)
    except NotTaken as error:
        raise click.UsageError(str(error)) from error


def _own(data: Path | None) -> Path:
    folder = data or read_settings().data
    if folder is None:
        raise click.UsageError(
            "there is no data folder of your own; `rueckspiegel init FOLDER`, then name it in RUECKSPIEGEL_DATA"
        )
    return folder


async def _standing(settings: Settings) -> dict[str, Watched]:
    async with opened(settings) as store:
        return await store.run(standing)


def _words(watched: Watched | None) -> list[str]:
    if watched is None:
        return []
    words = [f"read={watched.read:%Y-%m-%d}"] if watched.read else []
    return words + ([f"failing={watched.failing:%Y-%m-%d}"] if watched.failing else [])
