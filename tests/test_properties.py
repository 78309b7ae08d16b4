"""What holds for any text: folding, length of what is said, loading."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.answers import answer, chain, render
from bot.app import App
from bot.commands.talk import answered
from bot.facts import Fact
from bot.search.arrays import load, save
from bot.search.conversation import hear
from bot.search.fold import fold, readable
from bot.search.matcher import Answer, NotKnown, Suggest
from bot.speaker import Speaker

LONGEST = 650
"""Characters of an answer on a phone."""
LANGUAGES = ("de", "en", "fr", "es", "it", "nl", "pl", "ro", "tr", "ar", "ru", "uk", "bg")


@given(st.text(max_size=200))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(max_size=200))
def test_case_punctuation_and_invisible_characters_make_no_other_question(text: str) -> None:
    assert fold(f"\u200b{text}?! ") == fold(text)


@given(st.text(max_size=2_000))
def test_a_readable_question_is_one_short_line_without_control_characters(text: str) -> None:
    seen = readable(text)
    assert len(seen) <= 400
    assert "\n" not in seen
    assert "\u202e" not in seen


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=300))
def test_any_text_gets_a_short_reply_and_never_an_exception(app: App, text: str) -> None:
    said = str(answered(app, text, None)["text"])
    assert said
    assert len(said) <= LONGEST or "\n\n" in said


def test_every_answer_fits_a_phone_in_every_language(app: App) -> None:
    for language in LANGUAGES:
        speaker = Speaker(app.base, language, "de", "hilfe@example.org")
        for fact in app.base.corpus.facts.values():
            for kind in (None, "country", "older"):
                said = answer(Answer(fact, 1.0, kind, frozenset({"DE"})), speaker).text  # type: ignore[arg-type]
                assert len(said) <= LONGEST, (language, fact.id, kind, len(said))
            assert "{" not in chain(fact, speaker)


def test_every_unknown_and_every_offer_fits_a_phone(app: App) -> None:
    facts: list[Fact] = list(app.base.corpus.facts.values())
    heard = hear(app.matcher, "hallo", "de", None, {})[0]
    for language in ("de", "en", "tr"):
        speaker = Speaker(app.base, language, "de")
        for unknown in app.base.unknowns.values():
            assert len(render(_with(heard, NotKnown(unknown, 1.0)), speaker).text) <= LONGEST
        for start in range(len(facts) - 3):
            offer = render(_with(heard, Suggest(tuple(facts[start : start + 3]), 0.5)), speaker)
            assert len(offer.text) <= LONGEST
            assert len(offer.buttons) == 3


def _with(heard: object, outcome: object) -> object:
    from dataclasses import replace

    return replace(heard, outcome=outcome)  # type: ignore[type-var]


def test_claims_do_not_say_you(app: App) -> None:
    for fact in app.base.facts.values():
        german, english = fact.claim["de"].split(), fold(fact.claim["en"]).split()
        assert not {"du", "dich", "dein", "deine", "euch", "Ihnen", "Ihr", "Ihre"} & set(german), fact.id
        assert not {"you", "your"} & set(english), fact.id


def test_a_saved_model_is_the_same_model(app: App, tmp_path_factory: object) -> None:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        save(app.model, Path(folder), {})
        again = load(Path(folder))
        first = (Path(folder) / "arrays.npz").read_bytes()
        save(again, Path(folder), {})
        assert (Path(folder) / "arrays.npz").read_bytes() == first
    assert again.labels == app.model.labels
    assert np.array_equal(again.character_weights, app.model.character_weights)
