"""Where place or year is the very thing asked, a fact from elsewhere or earlier is not the answer."""

from __future__ import annotations

from bot.app import App
from bot.search.matcher import Answer, Decline
from bot.search.names import years


def test_names_of_countries_are_found_with_their_endings(app: App) -> None:
    names = app.base.names
    for text in ("und in Deutschland?", "в Германии", "w Niemczech", "Almanya'da", "في ألمانيا", "en Allemagne"):
        assert names.places(text) == {"DE"}, text
    assert names.places("tell us about the cameras") == frozenset()
    assert names.places("ist das in den USA so") == {"US"}


def test_other_companies_are_found_and_words_that_look_alike_are_not(app: App) -> None:
    names = app.base.names
    assert names.companies("hat DHL kameras") == ("dhl",)
    assert names.companies("was weißt du über amazon") == ()


def test_years_are_found() -> None:
    assert years("war das 2022 so, und 2024?") == (2022, 2024)


def test_a_price_of_a_later_year_is_declined_as_older(app: App) -> None:
    fact = app.base.facts["ring-car-cam-price"]
    outcome = app.matcher.said(fact, "was kostet die ring dashcam 2026", 1.0)
    assert isinstance(outcome, Decline)
    assert outcome.kind == "older"
    assert outcome.facts == (fact,)


def test_a_launch_in_another_country_is_declined_as_country(app: App) -> None:
    outcome = app.matcher.said(app.base.facts["ring-car-cam-launch"], "wann kommt sie nach frankreich", 1.0)
    assert isinstance(outcome, Decline)
    assert outcome.kind == "country"


def test_what_is_documented_elsewhere_is_an_answer_that_says_so(app: App) -> None:
    outcome = app.matcher.said(app.base.facts["van-camera-records"], "what do they record in germany", 1.0)
    assert isinstance(outcome, Answer)
    assert outcome.kind == "country"
    later = app.matcher.said(app.base.facts["van-camera-records"], "what do they record in 2026", 1.0)
    assert isinstance(later, Answer)
    assert later.kind == "older"
