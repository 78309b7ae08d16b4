"""The labelled questions measure something: enough of them, and none is a variant of the base or a near copy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from bot.app import App
from bot.base import shipped_folder
from bot.questions import Labelled, read_questions
from bot.search.corpus import texts_of
from bot.search.fold import fold

LANGUAGES = ("fr", "es", "it", "nl", "pl", "ro", "tr", "ar", "ru", "uk", "bg")


def labelled(app: App, pattern: str = "*.tsv") -> list[Labelled]:
    files = sorted((shipped_folder() / "questions").glob(pattern))
    return list(chain.from_iterable(read_questions(file, frozenset(app.base.facts)) for file in files))


def trigrams(text: str) -> frozenset[str]:
    """Of the content words in alphabetical order, so that another order is no other question."""
    joined = " ".join(sorted(word for word in fold(text).split() if len(word) > 2))
    return frozenset(joined[i : i + 3] for i in range(len(joined) - 2))


def test_there_are_enough_in_every_language(app: App) -> None:
    messages = ("distress", "danger", "angry", "greeting")
    questions = [q for q in labelled(app) if q.kind not in messages]
    count = Counter(q.language for q in questions)
    assert count["de"] + count["en"] >= 600
    assert all(count[language] >= 60 for language in LANGUAGES), count
    unanswerable = [q for q in questions if not q.acceptable]
    assert 0.3 <= len(unanswerable) / len(questions) <= 0.37
    assert sum(q.kind == "nearmiss" for q in unanswerable) > len(unanswerable) / 2


def test_there_are_enough_messages_of_distress(app: App) -> None:
    count = Counter(q.language for q in labelled(app) if q.kind in ("distress", "danger"))
    assert count["de"] >= 40
    assert count["en"] >= 40
    assert all(count[language] >= 10 for language in LANGUAGES), count


ALIKE = 0.7


def test_no_labelled_question_is_a_variant_or_a_near_copy_of_one(app: App) -> None:
    texts = [text for entry in app.base.corpus.entries() for _, text in texts_of(entry)]
    texts += [text for fact in app.base.facts.values() for some in fact.near_misses.values() for text in some]
    texts += [text for fact in app.base.facts.values() for text in fact.asks.values()]
    # Two words alone ("Netradyne?") can be said in one way only.
    questions = [one.question for one in labelled(app) if len(trigrams(one.question)) >= 12]
    assert near_copies(questions, texts) == []


def test_a_near_copy_is_found_in_another_order_too() -> None:
    said, other = "Was nimmt die Kamera im Lieferwagen auf?", "Wie lange bleiben die Aufnahmen gespeichert?"
    assert near_copies([said], [other, "Die Kamera im Lieferwagen, was nimmt die auf"]) == [(said, 1)]


def near_copies(questions: Sequence[str], texts: Sequence[str]) -> list[tuple[str, int]]:
    """Questions with the position of a text that they share that much with."""
    words = CountVectorizer(analyzer=trigrams, binary=True, dtype=np.int32)
    known = words.fit_transform(texts)
    asked = words.transform(questions)
    shared = (asked @ known.T).tocoo()
    sizes = [np.asarray([len(trigrams(text)) for text in some]) for some in (questions, texts)]
    either = sizes[0][shared.row] + sizes[1][shared.col] - shared.data
    alike = shared.data >= ALIKE * either
    return [(questions[row], int(column)) for row, column in zip(shared.row[alike], shared.col[alike])]


def test_dev_and_test_share_no_question(app: App) -> None:
    dev = {fold(q.question) for q in labelled(app, "dev-*.tsv")}
    test = {fold(q.question) for q in labelled(app, "test-*.tsv")}
    assert not dev & test
