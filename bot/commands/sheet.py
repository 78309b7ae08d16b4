"""`sheet`: evidence for a works council, as a text or a PDF."""

from __future__ import annotations

from pathlib import Path

import click

from bot.app import today
from bot.base import load_base, shipped_folder
from bot.commands.common import data_option
from bot.config import read_settings
from bot.printing import NoTypesetting, printed
from bot.sheet import NoSheet, sheet_of, told
from bot.speaker import Speaker
from bot.unseen import clean


@click.command()
@click.argument("fact_id", nargs=-1, required=True)
@click.option("--language", metavar="XX", help="A language of the base, such as de or en; else RUECKSPIEGEL_LANGUAGE.")
@click.option("--pdf", type=click.Path(dir_okay=False, path_type=Path), help="Write a PDF (A4) to this file instead.")
@data_option
def sheet(fact_id: tuple[str, ...], language: str | None, pdf: Path | None, data: Path | None) -> None:
    """Make an evidence sheet of facts: claims, sources, and what is not known."""
    settings = read_settings()
    base, _ = load_base(data or settings.data or shipped_folder(), today())
    if language is not None and language not in base.languages:
        raise click.BadParameter(f"the base is written in {', '.join(base.languages)}", param_hint="--language")
    try:
        made = sheet_of(fact_id, Speaker(base, language or settings.language, settings.language), today())
    except NoSheet as error:
        raise click.UsageError(str(error)) from error
    if pdf is None:
        click.echo(clean(told(made).text))
        return
    try:
        page = printed(made)
        pdf.write_bytes(page.pdf)
    except NoTypesetting as error:
        raise click.UsageError(f"--pdf: {error}") from error
    except OSError as error:
        problem = f"--pdf: {pdf} cannot be written ({error.strerror}); name a file in a folder that this process may use"
        raise click.UsageError(problem) from error
    click.echo(f"{pdf}: {page.pages} page" + ("" if page.pages == 1 else f"s, since {len(made.rows)} claims do not fit on one"))
