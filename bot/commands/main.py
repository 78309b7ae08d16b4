"""`rueckspiegel …`: exit status 0 done, 1 the check fell short, 2 wrong use; errors in one line on standard error."""

from __future__ import annotations

import errno
import sys
from importlib import import_module
from typing import Any

import click

from bot.base import BrokenBase
from bot.findings import errors_of
from bot.refusal import Refusal

COMMANDS = {
    "ask": "talk.ask",
    "backup": "backup.backup",
    "channel": "channels.channel",
    "chat": "talk.chat",
    "check": "curate.check",
    "deliveries": "ledger.deliveries",
    "digest": "ledger.digest",
    "doctor": "doctor.doctor",
    "draft": "drafts.draft",
    "evaluate": "measure.evaluate",
    "feed": "feeds.feed",
    "gaps": "gaps.gaps",
    "import": "drafts.import_",
    "init": "drafts.init",
    "links": "links.links",
    "panic": "panic.panic",
    "privacy": "privacy.privacy",
    "refit": "curate.refit",
    "restore": "backup.restore",
    "run": "run.run",
    "sheet": "sheet.sheet",
    "status": "status.status",
    "train": "curate.train",
    "withdraw": "withdraw.withdraw",
}
"""Where each is. Only the one that is asked for is loaded, since all of them together make a start slow and large."""

_REFUSED = {
    errno.EACCES: "name a place that this process may use, or give it that one",
    errno.EPERM: "name a place that this process may use, or give it that one",
    errno.EROFS: "name a place that can be written to",
    errno.ENAMETOOLONG: "write a shorter name",
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
}
"""What the machine refuses of files, and what to do; any other error of it is ours."""


class _Commands(click.Group):
    """Commands loaded when they are asked for, and click's errors in one line with the way to the help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(".")
        found: click.Command = getattr(import_module(f"bot.commands.{module}"), name)
        return found

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
        except Refusal as error:
            sys.exit(_fail(str(error)))
        except OSError as error:
            if error.errno not in _REFUSED:
                raise
            # Only what is written into a file that was opened before has no name: that lies in the state folder.
            where = error.filename or "RUECKSPIEGEL_STATE"
            sys.exit(_fail(f"{where}: {error.strerror}; {_REFUSED[error.errno]}"))
        sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str) -> int:
    click.echo(f"rueckspiegel: {' '.join(message.split())}", err=True)
    return 2


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rueckspiegel")
def main() -> None:
    """Rückspiegel: sourced answers about surveillance at Amazon, in a chat."""
