"""`evaluate`: labelled questions against the base."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from bot.accuracy import Row, Share, Verdict, distress, table
from bot.answers import named
from bot.app import App
from bot.base import shipped_folder
from bot.commands.common import data_option, open_with
from bot.commands.talk import facts_of
from bot.questions import Labelled, read_questions
from bot.search.conversation import hear


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--test", "use_test", is_flag=True, help="The test questions instead of the dev questions.")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object.")
@click.option("--misses", is_flag=True, help="List wrong answers and answerable questions that got neither answer nor offer.")
@data_option
def evaluate(files: tuple[Path, ...], use_test: bool, as_json: bool, misses: bool, data: Path | None) -> None:
    """Labelled questions (language, ids or -, question, kind; tabs between) against the base."""
    app = open_with(data)
    if not files:
        folder = app.base.folder if (app.base.folder / "questions").is_dir() else shipped_folder()
        files = tuple(sorted((folder / "questions").glob("test-*.tsv" if use_test else "dev-*.tsv")))
    questions = [question for file in files for question in read_questions(file, frozenset(app.base.facts))]
    if not questions:
        raise click.UsageError("there are no labelled questions; name a file of them")
    verdicts = judge(app, questions)
    rows, (caught, alarms) = table(verdicts), distress(verdicts)
    if as_json:
        click.echo(json.dumps(_tree(rows, caught, alarms)))
    else:
        for line in lines(rows, caught, alarms):
            click.echo(line)
    if misses:
        for verdict in verdicts:
            if verdict.wrong or (verdict.labelled.acceptable and not (verdict.right or verdict.offered)):
                asked = verdict.labelled
                wanted = ",".join(sorted(asked.acceptable)) or "-"
                said = f"{verdict.outcome} {','.join(verdict.facts)}".strip()
                click.echo(f"{'wrong' if verdict.wrong else 'missed'}\t{asked.language}\t{asked.question}\t{wanted}\t{said}")


def judge(app: App, questions: Sequence[Labelled]) -> list[Verdict]:
    """Every question for itself, its language found as a person's would be."""
    verdicts = []
    for question in questions:
        heard = hear(app.matcher, question.question, None, None, app.base.grid.get("objects") or {})
        outcome, kind, _ = named(heard[0])
        facts = tuple(dict.fromkeys(id for one in heard for id in facts_of(one)))
        verdicts.append(Verdict(question, outcome, kind, facts))
    return verdicts


def lines(rows: Sequence[Row], caught: Share, alarms: Share) -> list[str]:
    """The table as text."""
    title = f"{'':28}{'right':>32}{'right or offered':>32}{'wrong':>32}{'unanswerable offered':>32}"
    body = [
        f"{row.name:28}{row.right!s:>32}{row.right_or_offered!s:>32}{row.wrong!s:>32}{row.unanswerable_offered!s:>32}"
        for row in rows
    ]
    tail = [f"distress caught: {caught}", f"distress false alarms: {alarms}"] if caught.whole else []
    return [title, *body, *tail]


def _tree(rows: Sequence[Row], caught: Share, alarms: Share) -> dict[str, Any]:
    return {
        "rows": [asdict(row) for row in rows],
        "distress": {"caught": asdict(caught), "false_alarms": asdict(alarms)},
    }
