"""`rueckspiegel …`: exit status 0 done, 1 the check fell short, 2 wrong use; errors in one line on standard error."""

from __future__ import annotations

import sys
from typing import Any

import click

from bot.backups import BrokenBackup
from bot.base import BrokenBase
from bot.commands import (
    backup,
    channels,
    curate,
    doctor,
    drafts,
    feeds,
    gaps,
    ledger,
    links,
    measure,
    panic,
    privacy,
    run,
    sheet,
    status,
    talk,
    withdraw,
)  # fmt: skip
from bot.environment import BrokenSettings
from bot.findings import errors_of
from bot.intake.found import NotTaken
from bot.keys import BrokenKey
from bot.metrics import PortTaken
from bot.questions import BrokenQuestions
from bot.search.arrays import OldArrays
from bot.store import BrokenStore
from bot.store.lease import Leased

REFUSALS = (BrokenSettings, BrokenQuestions, OldArrays, BrokenBackup, BrokenKey, BrokenStore, Leased, NotTaken, PortTaken)


class _OneLineErrors(click.Group):
    """Click's errors, in one line with the way to the help."""

    def main(self, *args: Any, **extra: Any) -> Any:
        extra["standalone_mode"] = False
        try:
            status = super().main(*args, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message())
            sys.exit(2)
        except click.ClickException as error:
            path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "rueckspiegel"
            sys.exit(_fail(f"{error.format_message()} (see `{path} --help`)"))
        except click.Abort:
            sys.exit(_fail("stopped"))
        except BrokenBase as error:
            for finding in errors_of(error.findings):
                click.echo(str(finding), err=True)
            sys.exit(_fail(f"{len(errors_of(error.findings))} mistakes in the data folder, nothing was done; mend them"))
        except REFUSALS as error:
            sys.exit(_fail(str(error)))
        sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str) -> int:
    click.echo(f"rueckspiegel: {' '.join(message.split())}", err=True)
    return 2


@click.group(cls=_OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rueckspiegel")
def main() -> None:
    """Rückspiegel: sourced answers about surveillance at Amazon, in a chat."""


for command in (
    talk.chat, talk.ask, run.run, doctor.doctor, curate.check, curate.train, curate.refit, measure.evaluate,
    channels.channel, ledger.digest, ledger.deliveries, status.status, sheet.sheet, feeds.feed, links.links,
    drafts.init, drafts.import_, drafts.draft, gaps.gaps, backup.backup, backup.restore, panic.panic, privacy.privacy,
    withdraw.withdraw,
):  # fmt: skip
    main.add_command(command)
