"""The words with which a digest is set up."""

from __future__ import annotations

from datetime import time

import pytest

from bot.app import App
from bot.digests import Schedule, Subscription
from bot.messages import Address
from bot.subscribing import Known, Unclear, changed, schedule_of
from bot.texts import placeholders

DAILY = Schedule("daily", time(18), "Europe/Berlin")
ONE = Subscription("1", Address("telegram", "-1"), DAILY, "en")


@pytest.fixture(scope="session")
def known(app: App) -> Known:
    return Known(app.base.topics, tuple(app.base.texts.phrases))


DAYS = (
    ("mon tue wed thu fri sat sun", "en"),
    ("monday tuesday wednesday thursday friday saturday sunday", "en"),
    ("mo di mi do fr sa so", "de"),
    ("montag dienstag mittwoch donnerstag freitag samstag sonntag", "de"),
    ("Mon Tues WED. thurs Fri Sat Sun", "tr"),
    ("lundi mardi mercredi jeudi vendredi samedi dimanche", "fr"),
)


@pytest.mark.parametrize(("names", "language"), DAYS)
def test_every_day_by_its_name(names: str, language: str) -> None:
    found = [schedule_of(["weekly", name, "18:00"], "UTC", language).weekday for name in names.split()]
    assert found == list(range(7))


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("18:00", time(18)),
        ("8:05", time(8, 5)),
        ("18.30", time(18, 30)),
        ("18h00", time(18)),
        ("00:00", time(0)),
        ("23:59", time(23, 59)),
    ],
)
def test_hours(clock: str, expected: time) -> None:
    assert schedule_of(["daily", clock], "Europe/Berlin") == Schedule("daily", expected, "Europe/Berlin")


CHANGES: tuple[tuple[str, dict[str, object]], ...] = (
    ("daily 07:15", {"schedule": Schedule("daily", time(7, 15), "Europe/Berlin")}),
    ("weekly mon 18:00", {"schedule": Schedule("weekly", time(18), "Europe/Berlin", 0)}),
    ("topics ring, van-cameras", {"topics": frozenset({"ring", "van-cameras"})}),
    ("topics all", {"topics": frozenset()}),
    ("topics alle", {"topics": frozenset()}),
    ("countries de, us", {"countries": frozenset({"DE", "US"})}),
    ("countries DE", {"countries": frozenset({"DE"})}),
    ("countries all", {"countries": frozenset()}),
    ("language de", {"language": "de"}),
    ("language EN", {"language": "en"}),
    ("zone europe/paris", {"schedule": Schedule("daily", time(18), "Europe/Paris")}),
    ("zone America/New York", {"schedule": Schedule("daily", time(18), "America/New_York")}),
    ("quiet 21:00-07:00", {"quiet": (time(21), time(7))}),
    ("quiet 21:00 – 07:00", {"quiet": (time(21), time(7))}),
    ("quiet off", {"quiet": None}),
    ("quiet aus", {"quiet": None}),
    ("silent on", {"silent": True}),
    ("silent an", {"silent": True}),
    ("silent off", {"silent": False}),
)


@pytest.mark.parametrize(("words", "expected"), CHANGES)
def test_every_word_of_the_public_face(known: Known, words: str, expected: dict[str, object]) -> None:
    new = changed(ONE, words.split(), known)
    assert {name: getattr(new, name) for name in expected} == expected
    others = {"schedule", "language", "topics", "countries", "quiet", "silent", "paused", "id", "address"} - set(expected)
    assert all(getattr(new, name) == getattr(ONE, name) for name in others)


def test_topics_are_known_by_their_names_too(known: Known) -> None:
    for id, names in known.topics.items():
        for name in names.values():
            if "," not in name:
                assert id in changed(ONE, ["topics", *name.split()], known).topics


BAD = (
    ("daily", "digest.how"), ("daily 25:00", "digest.no-clock"), ("daily 18", "digest.no-clock"),
    ("daily 18:60", "digest.no-clock"), ("daily 18:00 now", "digest.how"), ("weekly 18:00", "digest.how"),
    ("weekly m 18:00", "digest.no-day"), ("weekly someday 18:00", "digest.no-day"), ("weekly mon late", "digest.no-clock"),
    ("hourly 18:00", "digest.how"), ("topics ring, nonsense", "digest.no-topic"), ("countries XX", "digest.no-country"),
    ("countries germany!", "digest.no-country"), ("language xx", "digest.no-language"), ("language", "digest.no-language"),
    ("zone Nowhere/Town", "digest.no-zone"), ("zone", "digest.no-zone"), ("zone ../../etc/passwd", "digest.no-zone"),
    ("quiet", "digest.no-quiet"), ("quiet 21:00", "digest.no-quiet"), ("quiet 21:00-21:00", "digest.no-quiet"),
    ("quiet 21:00-late", "digest.no-clock"), ("silent", "digest.no-switch"), ("silent perhaps", "digest.no-switch"),
    ("{0}", "digest.how"), ("zone {word}", "digest.no-zone"),
)  # fmt: skip


@pytest.mark.parametrize(("words", "key"), BAD)
def test_what_cannot_be_understood_is_said_so_in_every_curated_language(app: App, known: Known, words: str, key: str) -> None:
    with pytest.raises(Unclear) as raised:
        changed(ONE, words.split(), known)
    assert raised.value.key == key
    for language in ("en", "de"):
        phrase = app.base.texts.phrases[language][key]
        assert placeholders(phrase) <= set(raised.value.values)
        assert app.base.texts.say(language, key, **raised.value.values)


@pytest.mark.parametrize("word", ["*", "-"])
def test_the_signs_for_no_filter(known: Known, word: str) -> None:
    assert changed(ONE, ["topics", word], known).topics == frozenset()
