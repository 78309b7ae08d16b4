"""`check` and `train`: for those who write the facts."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bot.app import load_model, today
from bot.base import Base, BrokenBase, load_base, shipped_folder
from bot.commands.common import data_option
from bot.config import read_settings
from bot.findings import Finding, errors_of
from bot.hardening import end_with_parent
from bot.intake.drafts import drafts_of
from bot.questions import Labelled, read_questions
from bot.search.arrays import ARRAYS, REPORT, Model, OldArrays, save
from bot.search.corpus import label_of
from bot.search.encoder import Encoder
from bot.search.large import LARGE_FROM, save_index

CONFUSED = 0.25
"""Share of a fact's variants that training gave to one other fact, from which a curator is warned."""


@click.command()
@data_option
@click.option("--strict", is_flag=True, help="Warnings count as mistakes.")
def check(data: Path | None, strict: bool) -> int:
    """Validate everything in the data folder: file, line, field and remedy of each mistake."""
    folder = data or read_settings().data or shipped_folder()
    try:
        base, findings = load_base(folder, today())
    except BrokenBase as error:
        for finding in error.findings:
            click.echo(str(finding))
        click.echo(f"{len(errors_of(error.findings))} mistakes in {folder}")
        return 1
    drafts, broken = drafts_of(folder)
    findings = (*findings, *_model_doubts(base), *broken)
    for finding in findings:
        click.echo(str(finding))
    counts = (
        f"{len(base.facts)} facts, {len(base.unknowns)} unknowns, {len(base.items)} items, "
        f"{len(base.corpus.by_variant)} question variants, {len(base.texts.phrases)} languages of phrases"
    )
    for draft in drafts.values():
        if missing := draft.missing(base):
            click.echo(f"{draft.path.relative_to(folder)}: draft: missing: {', '.join(missing)}")
    if drafts:
        ready = sum(not draft.missing(base) for draft in drafts.values())
        counts += f", {len(drafts)} drafts, {ready} of them complete"
    click.echo(f"{counts}; {len(findings)} warnings")
    return 1 if strict and findings else 0


def _model_doubts(base: Base) -> tuple[Finding, ...]:
    """What a curator should know of the last training: its age, and facts that it takes for one another."""
    model_file = f"model/{ARRAYS}"
    try:
        model, doubts = load_model(base.folder)
    except OldArrays as error:
        return (Finding(model_file, 1, "", str(error), "run `rueckspiegel train`", "warning"),)
    new = sorted({label_of(entry) for entry in base.corpus.entries()} - set(model.labels))
    if new:
        problem = f"it does not know {len(new)} entries yet, such as {new[0]}"
        doubts = (*doubts, Finding(model_file, 1, "", problem, "run `rueckspiegel train`", "warning"))
    return (*doubts, *_confusions(base))


def _confusions(base: Base) -> tuple[Finding, ...]:
    try:
        report = json.loads((base.folder / "model" / REPORT).read_text(encoding="utf-8"))
        rows = report["modes"]["encoder"]["confused"]
    except (OSError, ValueError, KeyError):
        return ()
    found = []
    for row in rows:
        if row["share"] >= CONFUSED and row["fact"] in base.facts:
            problem = f"{row['share']:.0%} of its variants are taken for {row['given_to']}, such as {row['examples'][0]!r}"
            remedy = "write variants that say what sets the two apart, or move those that fit the other better"
            topic = base.facts[row["fact"]].topic
            found.append(Finding(f"facts/{topic}.yaml", 1, row["fact"], problem, remedy, "warning"))
    return tuple(found)


@click.command()
@data_option
def train(data: Path | None) -> None:
    """Fit heads and thresholds to the base and write them with the figures they were chosen by."""
    from bot.search.encoder import load_encoder
    from bot.training.samples import samples_of
    from bot.training.train import Dev
    from bot.training.train import train as fit
    from bot.vectors import vectors_of

    settings = read_settings()
    settings = replace(settings, data=data) if data else settings
    base, _ = load_base(settings.data or shipped_folder(), today())
    encoder = load_encoder(threads=2)
    if len(base.corpus.facts) >= LARGE_FROM:
        _train_large(base, encoder, settings.state)
        return
    samples = samples_of(base.corpus, base.grid)
    questions = _dev_questions(base)
    click.echo(f"{len(samples)} texts, {len(questions)} questions to choose thresholds by", err=True)
    vectors = vectors_of([sample.text for sample in samples], encoder, settings.state) if encoder else None
    asked = vectors_of([q.question for q in questions], encoder, None) if encoder else None
    trained = fit(base.corpus, samples, vectors, Dev(questions, asked), _before(base))
    save(trained.model, base.folder / "model", trained.report)
    click.echo(_summary(trained.report))


@click.command(hidden=True)
@click.option("--data", type=click.Path(path_type=Path), required=True)
@click.option("--into", type=click.Path(path_type=Path), required=True)
def refit(data: Path, into: Path) -> None:
    """Fit only the heads to a changed base; thresholds stay. What `run` starts beside itself."""
    from bot.search.encoder import load_encoder
    from bot.training.fitting import refit as fit
    from bot.training.samples import samples_of
    from bot.vectors import vectors_of

    os.nice(10)
    end_with_parent()
    base, _ = load_base(data, today())
    before, _ = load_model(base.folder)
    encoder = load_encoder()
    samples = samples_of(base.corpus, base.grid)
    vectors = vectors_of([sample.text for sample in samples], encoder, read_settings().state) if encoder else None
    save(fit(samples, vectors, before), into, {"samples": len(samples)})


def _train_large(base: Base, encoder: Encoder | None, state: Path) -> None:
    """Many facts: centroids and a line over them; talk and unknowns keep the heads that they have."""
    import numpy as np

    from bot.search.corpus import texts_of
    from bot.training.large import fit_line
    from bot.vectors import vectors_of

    if encoder is None:
        raise click.ClickException(f"a base of {LARGE_FROM} facts and more needs the encoder, which is not on this machine")
    model, _ = load_model(base.folder)
    facts = list(base.corpus.facts.values())
    texts = [(owner, text) for owner, fact in enumerate(facts) for _, text in texts_of(fact)]
    click.echo(f"{len(texts)} texts of {len(facts)} facts", err=True)
    rows = model.centred(vectors_of([text for _, text in texts], encoder, state))
    index, line = fit_line(facts, rows, np.asarray([owner for owner, _ in texts]))
    save(model, base.folder / "model", {"facts": len(facts), "texts": len(texts)})
    save_index(base.folder / "model", index, line)
    click.echo(f"{len(facts)} facts: answer from {line.answer:.2f}, offer from {line.offer:.2f}")


def _dev_questions(base: Base) -> list[Labelled]:
    folder = base.folder if (base.folder / "questions").is_dir() else shipped_folder()
    known = frozenset(base.facts)
    found = []
    for file in sorted((folder / "questions").glob("dev-*.tsv")):
        shipped_ids = known if folder == base.folder else None
        found += [q for q in read_questions(file, shipped_ids) if q.acceptable <= known]
    return found


def _before(base: Base) -> Model | None:
    try:
        return load_model(base.folder)[0]
    except OldArrays:
        return None


def _summary(report: Any) -> str:
    lines = [f"{report['samples']} texts, {report['labels']} labels"]
    for mode, figures in report["modes"].items():
        for name in ("de", "other"):
            row = figures[name]
            title = "German and English" if name == "de" else "other languages"
            lines.append(
                f"{mode}, {title}: right {row['right']:.1%}, right or offered {row['right_or_offered']:.1%}, "
                f"wrong {row['wrong']:.2%}, unanswerable offered {row['unanswerable_offered']:.1%} of {row['questions']}"
            )
    return "\n".join(lines)
