"""Model and data: trained together, or apart, and still honest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bot.vectors
from bot.app import App, load_model, open_app
from bot.base import load_base, shipped_folder
from bot.config import Settings
from bot.facts import Fact
from bot.search.arrays import ARRAYS, Model, OldArrays, load
from bot.search.corpus import Corpus, label_of, texts_of
from bot.search.encoder import Vector
from bot.search.large import Index, LargeMatcher, load_index, save_index
from bot.search.matcher import Answer, Matcher
from bot.training.fitting import refit
from bot.training.large import fit_line
from bot.training.samples import Sample, folds_of, samples_of
from bot.vectors import vectors_of
from tests.conftest import TODAY
from tests.synthetic import large_matcher


def test_the_shipped_model_knows_every_entry_and_is_small(app: App) -> None:
    assert {label_of(entry) for entry in app.base.corpus.entries()} <= set(app.model.labels)
    size = sum(file.stat().st_size for file in (shipped_folder() / "model").iterdir())
    assert size <= 8 * 2**20


def test_a_curated_variant_is_answered_by_its_entry(app: App) -> None:
    for fact in app.base.corpus.facts.values():
        for asked in (fact.questions["de"][0], *fact.asks.values()):
            outcome = app.matcher.find(asked.upper() + "???").outcome
            assert isinstance(outcome, Answer) or fact.aspect in app.base.asked_by_place, fact.id
            if isinstance(outcome, Answer):
                assert outcome.fact.id == fact.id


def test_a_new_fact_is_found_by_its_variants_before_any_training(folder: Path) -> None:
    (folder / "facts" / "new.yaml").write_text(
        "topic: new\nfacts:\n  - id: brand-new\n    claim: {de: Neu., en: New.}\n    status: reported\n"
        "    object: thing\n    aspect: side\n    place: [DE]\n    as_of: 2024-01-01\n    item: null\n"
        "    questions: {de: [was ist mit dem neuen ding], en: [what about the new thing]}\n",
        encoding="utf-8",
    )
    app = open_app(Settings(data=folder))
    outcome = app.matcher.find("Was ist mit dem neuen Ding?").outcome
    assert isinstance(outcome, Answer)
    assert outcome.fact.id == "brand-new"


def test_what_was_withdrawn_is_never_said(folder: Path) -> None:
    item = folder / "dossier" / "2023-01-06-ring-car-cam.yaml"
    text = item.read_text(encoding="utf-8")
    reason = "withdrawn: {date: 2026-11-24, reason: {de: Falsch, en: Wrong}}"
    item.write_text(text.replace("withdrawn: null", reason), encoding="utf-8")
    app = open_app(Settings(data=folder))
    gone = {fact.id for fact in app.base.facts.values() if fact.item == "ring-car-cam"}
    assert gone
    assert not gone & set(app.base.corpus.facts)
    for question in ("Was kostet die Ring Dashcam?", "does ring work with the police", "ring dashcam price"):
        outcome = app.matcher.find(question).outcome
        said = [outcome.fact.id] if isinstance(outcome, Answer) else [fact.id for fact in getattr(outcome, "facts", ())]
        assert not gone & set(said), question


def test_a_folder_without_model_uses_the_shipped_one_and_says_so(folder: Path) -> None:
    model, doubts = load_model(folder)
    assert model.labels
    assert [doubt.level for doubt in doubts] == ["warning"]


def test_arrays_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / ARRAYS).write_bytes(b"no arrays")
    with pytest.raises(OldArrays, match=r"arrays\.npz"):
        load(tmp_path)


def test_without_the_encoder_the_characters_answer_with_thresholds_of_their_own(app: App) -> None:
    matcher = Matcher(app.base.corpus, app.model, None)
    outcome = matcher.find("welche firma stellt diese netradyne kameras im lieferwagen eigentlich her").outcome
    assert isinstance(outcome, Answer)
    assert outcome.fact.id == "van-camera-maker"


def test_a_changed_base_is_refitted_with_its_thresholds_kept(app: App, tmp_path: Path) -> None:
    ring = {id: fact for id, fact in app.base.facts.items() if fact.object == "ring-dashcam"}
    corpus = replace(app.base.corpus, facts=ring, unknowns={}, talk=app.base.talk)
    samples = [s for s in samples_of(corpus, {}) if s.language in ("de", "en")][::3]
    encoder = app.encoder
    assert encoder is not None
    vectors = vectors_of([sample.text for sample in samples], encoder, tmp_path)
    model = refit(samples, vectors, app.model)
    assert model.settings == app.model.settings
    outcome = Matcher(corpus, model, encoder).find("Für wie viel Geld bekommt man so eine Ring Dashcam").outcome
    assert "ring-car-cam-price" in str(outcome)


class Counting:
    """An encoder that counts what it is asked."""

    name, dimensions = "counting", 4

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: list[str]) -> Vector:
        self.asked.extend(texts)
        return np.ones((len(texts), 4), dtype=np.float32)


def test_only_what_changed_is_embedded_again(tmp_path: Path) -> None:
    encoder = Counting()
    vectors_of(["one", "two"], encoder, tmp_path)
    rows = vectors_of(["two", "three", "one"], encoder, tmp_path)
    assert encoder.asked == ["one", "two", "three"]
    assert rows.shape == (3, 4)


def test_what_was_embedded_before_a_stop_is_not_embedded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(Counting):
        def encode(self, texts: list[str]) -> Vector:
            if len(self.asked) >= 6:
                raise KeyboardInterrupt
            return super().encode(texts)

    monkeypatch.setattr(bot.vectors, "_BATCH", 1)
    monkeypatch.setattr(bot.vectors, "_KEPT", 2)
    texts = [str(number) for number in range(8)]
    with pytest.raises(KeyboardInterrupt):
        vectors_of(texts, Stopped(), tmp_path)
    encoder = Counting()
    assert vectors_of(texts, encoder, tmp_path).shape == (8, 4)
    assert encoder.asked == texts[6:]


def test_near_copies_and_whole_topics_share_a_fold() -> None:
    samples = [
        Sample("was kostet die kamera im wagen", "de", "fact:a"),
        Sample("die kamera im wagen was kostet", "de", "fact:a"),
        *(Sample(f"ganz andere frage nummer {n} wort{n}", "de", "fact:a") for n in range(8)),
        *(Sample(f"variante {n} eins{n}", "de", "unknown:topic-1") for n in range(6)),
        *(Sample(f"variante {n} zwei{n}", "de", "unknown:topic-2") for n in range(6)),
    ]
    folds = folds_of(samples, None, 5)
    assert folds[0] == folds[1]
    assert len(set(folds[:10])) == 5
    whole = [len(set(folds[start : start + 6])) for start in (10, 16)]
    assert all(count in (1, 5) for count in whole)


def test_training_is_reproducible(app: App) -> None:
    samples = [s for s in samples_of(app.base.corpus, {}) if s.label in ("fact:ring-car-cam-price", "fact:dsp-employer")]
    first, again = (refit(samples, None, app.model) for _ in range(2))
    assert np.array_equal(first.character_weights, again.character_weights)


def test_the_report_holds_the_figures_that_the_thresholds_were_chosen_by() -> None:
    import json

    report = json.loads((shipped_folder() / "model" / "report.json").read_text(encoding="utf-8"))
    for mode in ("encoder", "characters"):
        for name in ("de", "other"):
            assert {"right", "right_or_offered", "wrong", "unanswerable_offered"} <= set(report["modes"][mode][name])
            assert {"answer", "suggest"} <= set(report["thresholds"][mode][name])


def test_a_large_base_finds_by_centroids_and_full_text(app: App, tmp_path: Path) -> None:
    matcher = large_matcher(app, 2_000)
    fact = matcher.index.facts[1_234]
    row = matcher.index.rows[1_234]
    found, _ = matcher.index.ranked(fact.questions["en"][0], row)
    assert matcher.index.facts[found[0]].id == fact.id
    assert len(found) <= 64
    save_index(tmp_path, matcher.index, matcher.line)
    index, line = load_index(tmp_path, replace_facts(matcher.corpus, without=fact))
    assert line == matcher.line
    assert fact.id not in {one.id for one in index.facts}
    assert isinstance(matcher, LargeMatcher)


def replace_facts(corpus: Corpus, without: Fact) -> Corpus:
    return replace(corpus, facts={id: fact for id, fact in corpus.facts.items() if id != without.id})


@pytest.mark.promises
def test_the_line_of_a_large_base_is_fitted_on_texts_left_out(app: App) -> None:
    facts = list(app.base.corpus.facts.values())[:12]
    texts = [(owner, text) for owner, fact in enumerate(facts) for language, text in texts_of(fact) if language == "en"]
    slim = [replace(fact, questions={"en": fact.questions["en"]}, claim={"en": fact.claim["en"]}) for fact in facts]
    encoder = app.encoder
    assert encoder is not None
    model: Model = app.model
    rows = model.centred(vectors_of([text for _, text in texts], encoder, None))
    index, line = fit_line(slim, rows, np.asarray([owner for owner, _ in texts]))
    assert isinstance(index, Index)
    assert 0 < line.offer <= line.answer


def test_the_shipped_folder_loads_without_findings() -> None:
    assert load_base(shipped_folder(), TODAY)[1] == ()
