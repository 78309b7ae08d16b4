"""`withdraw`: say something no more, also while stewards are stopped."""

from __future__ import annotations

import asyncio

import click

from bot.accounts import accounts_of
from bot.app import App, now, open_app, open_database
from bot.commands.common import keys_of
from bot.commands.drafts import own_folder
from bot.config import read_settings
from bot.curating.bundles import Refused, Withdrawn
from bot.curating.curation import Curation
from bot.intake.found import NotTaken, Publication

OPERATOR = "operator"
"""The pseudonym under which it stands in the history."""
LONGEST = 600


@click.command()
@click.argument("id")
@click.argument("reason", nargs=-1)
def withdraw(id: str, reason: tuple[str, ...]) -> None:
    """Say a publication, fact or unknown no more, as /withdraw does it; also while the bot runs, and while it is stopped.

    A publication needs a REASON, which posts will name.
    """
    own_folder(None)
    accounts = accounts_of(read_settings())
    app, two = open_app(accounts[0]), any(one.two_stewards for one in accounts)
    why = " ".join(reason).strip()[:LONGEST]
    if id in app.base.items and not why:
        raise click.UsageError(f"{id} is a publication; write a reason, which posts will name too")
    try:
        done = asyncio.run(_withdrawn(app, id, why, two))
    except Refused as error:
        raise click.UsageError(app.base.texts.say("en", error.key, **error.values)) from error
    click.echo(_told(id, done))


async def _withdrawn(app: App, id: str, why: str, two: bool) -> Withdrawn:
    base, settings, moment = app.base, app.settings, now()
    reviewing = {language: base.texts.say(language, "withdraw.reviewing") for language in base.languages}
    async with open_database(settings, keys_of(settings)) as store:
        curation = Curation(base.folder, store, lambda: base, lambda: None, two, _none)
        day = app.desk(moment).today()
        return await curation.withdraw(id, {settings.language: why}, reviewing, OPERATOR, moment, day)


async def _none(url: str) -> Publication:
    raise NotTaken(f"{url} is not read here", "use `rueckspiegel draft URL`")


def _told(id: str, done: Withdrawn) -> str:
    if not done.reviewed:
        return f"{id} is withdrawn; posts name the reason once a steward says the same: /withdraw {id} REASON"
    if done.held:
        minutes = int(done.held.total_seconds() // 60)
        return f"{id} is withdrawn; posts say that it is reviewed, and in {minutes} minutes why"
    return f"{id} is withdrawn"
