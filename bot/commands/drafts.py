"""`init`, `import`, `draft`: a union's own folder, and drafts in it. For stewards at a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click

from bot.app import now, today
from bot.base import Base, load_base, shipped_folder
from bot.commands.common import data_option
from bot.config import read_settings
from bot.curating.advice import advice
from bot.facts import DOSSIER
from bot.intake.beginning import KEPT, Upgrade, import_shipped
from bot.intake.beginning import init as begin
from bot.intake.child import Fetcher
from bot.intake.dossier import read_dossier
from bot.intake.drafts import Draft, drafts_of, facts_for
from bot.intake.found import Found, NotTaken, Publication
from bot.intake.importing import Imported, Importer, start
from bot.intake.lines import Line
from bot.intake.page import read_page
from bot.speaker import Speaker
from bot.spoofing import host_of


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Make a data folder of the union's own, from the shipped one, under git."""
    begin(folder, shipped_folder(), now())
    click.echo(f"{folder} is a copy of the shipped base, under git. Set RUECKSPIEGEL_DATA={folder.absolute()} and write there.")


@click.command("import")
@click.argument("source")
@click.option("--elsewhere", is_flag=True, help="It is not the page of the dossier in base.yaml, nor saved from there.")
@data_option
def import_(source: str, elsewhere: bool, data: Path | None) -> None:
    """Draft what a dossier page (FILE or URL) or the newer `shipped` base has that this folder lacks."""
    folder = own_folder(data)
    base = _base(folder)
    if source == "shipped":
        _report_upgrade(import_shipped(folder, shipped_folder()), folder)
        return
    lines, url = _page(source)
    collected = None if elsewhere else collected_at(url, base)
    imported = Importer(folder, base, collected).take(_found(lines, base))
    _report(imported, folder, base)
    if imported.new and collected:
        who = f"{base.dossier['name']} (`dossier` in base.yaml)"
        click.echo(f"Answers from what is new will name {who} as who collected it; where it did not, `--elsewhere`")


@click.command()
@click.argument("url", required=False)
@click.option("--title", default="", help="What it is about, where there is no address to read it from.")
@data_option
def draft(url: str | None, title: str, data: Path | None) -> None:
    """Begin a draft, of the article at URL or of nothing yet; name what is missing in it, and suggest what may help."""
    folder = own_folder(data)
    base = _base(folder)
    publication = asyncio.run(Fetcher().article(url)) if url else Publication(title, language=read_settings().language)
    made = start(folder, base, publication)
    drafts, _ = drafts_of(folder)
    speaker = Speaker(base, "en", read_settings().language)
    for one in (made, *facts_for(made, drafts)):
        _say(one, folder, base)
        for line in advice(one, speaker):
            click.echo(f"    {line}")


def own_folder(data: Path | None) -> Path:
    """The folder that is written to.

    :raises NotTaken: where none is named: the shipped one is replaced by every upgrade.
    """
    folder = data or read_settings().data
    if folder is None:
        raise NotTaken(
            "drafts need a data folder of the union's own", "run `rueckspiegel init FOLDER` and set RUECKSPIEGEL_DATA"
        )
    if not folder.is_dir():
        raise NotTaken(f"there is no folder {folder}", "run `rueckspiegel init` with it, or name another")
    return folder


def _base(folder: Path) -> Base:
    return load_base(folder, today())[0]


def _page(source: str) -> tuple[Sequence[Line], str]:
    """The lines of a file or an address, and the address at which they were found, empty for a file.

    :raises NotTaken: where it cannot be read.
    """
    if "://" in source:
        page = asyncio.run(Fetcher().page(source))
        return read_page(page.body, page.content_type, page.url), page.url
    try:
        return read_page(Path(source).read_bytes()), ""
    except OSError as error:
        raise NotTaken(f"{source} cannot be read ({error.strerror})", "name a file or an address") from error


def collected_at(url: str, base: Base) -> str | None:
    """`DOSSIER` for a page that the folder's dossier published: on its own site, or a file, which its page is saved to.

    The host decides, since a page is often read under another address of it than base.yaml names.
    """
    if not base.dossier:
        return None
    hosts = {host_of(one).removeprefix("www.") for one in (url or base.dossier["url"], base.dossier["url"])}
    return DOSSIER if len(hosts) == 1 else None


def _found(lines: Sequence[Line], base: Base) -> Found:
    """What a page lists.

    :raises NotTaken: where it is no dossier.
    """
    items = base.items.values()
    outlets = {item.outlet for item in items} | {cited for item in items for cited in item.cites}
    return read_dossier(lines, {item.author for item in items}, outlets, base.names.places, today())


def _report_upgrade(upgrade: Upgrade, folder: Path) -> None:
    click.echo(f"{len(upgrade.drafts)} drafts of what is new or changed in the shipped base")
    for id in upgrade.drafts:
        click.echo(f"  {id}")
    if upgrade.gone:
        click.echo(f"{len(upgrade.gone)} are shipped no more and stay here; withdraw what no longer holds:")
    for id in upgrade.gone:
        click.echo(f"  {id}")
    if upgrade.differing:
        click.echo(f"{len(upgrade.differing)} files differ from the shipped ones and stay; compare, and take over by hand:")
    for path in upgrade.differing:
        click.echo(f"  diff {folder / path} {folder / KEPT / path}")


def _report(imported: Imported, folder: Path, base: Base) -> None:
    drafts, _ = drafts_of(folder)
    items = [id for id in (*imported.new, *imported.changed) if drafts[id].kind == "item"]
    claims = len(imported.new) + len(imported.changed) - len(items)
    click.echo(f"{len(items)} publications and {claims} claims drafted, {imported.known} publications known and unchanged")
    for id in items:
        _say(drafts[id], folder, base)
    for id, doubt in imported.doubts:
        click.echo(f"  {id}: please check: {doubt}")
    if imported.leftover:
        click.echo(f"{len(imported.leftover)} lines that belong to no publication:")
    for left in imported.leftover:
        click.echo(f"  line {left.line}: {left.text[:100]}")


def _say(one: Draft, folder: Path, base: Base) -> None:
    missing = ", ".join(one.missing(base)) or "nothing"
    click.echo(f"  {one.path.relative_to(folder)}: missing: {missing}")
