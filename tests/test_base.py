"""The shipped base has what was asked of it."""

from __future__ import annotations

from bot.app import App

OTHERS = ("fr", "es", "it", "nl", "pl", "ro", "tr", "ar", "ru", "uk", "bg")


def test_every_fact_has_variants_enough_in_every_language(app: App) -> None:
    assert len(app.base.facts) == 45
    assert len(app.base.items) == 8
    for fact in app.base.facts.values():
        assert min(len(fact.questions["de"]), len(fact.questions["en"])) >= 24, fact.id
        assert all(len(fact.questions[language]) >= 3 for language in OTHERS), fact.id


def test_every_unknown_has_an_answer_and_variants(app: App) -> None:
    assert len(app.base.unknowns) >= 150
    for unknown in app.base.unknowns.values():
        assert min(len(unknown.questions["de"]), len(unknown.questions["en"])) >= 4, unknown.id
        assert all(unknown.questions.get(language) for language in OTHERS), unknown.id
