"""What is suggested to who writes a fact: cautious, with its reasons, and never what stands already."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app import App
from bot.base import Base
from bot.curating.advice import advice
from bot.facts import Talk
from bot.intake.claims import claim_tree
from bot.intake.drafts import Draft
from bot.intake.hedging import CAUTIOUS, Hedge, status_of
from bot.intake.suggest import MOST_VARIANTS, Collision, collisions, guesses, near, variants
from bot.search.fold import fold
from bot.speaker import Speaker


@pytest.mark.parametrize(
    ("passage", "language", "status", "seen"),
    [
        ("Auf Reddit sollen sich Aufnahmen häufen.", "de", "reported", "sollen"),
        ("Laut Amazon-Beschäftigten filmt sie alles.", "de", "reported", "Laut"),
        ("Amazon erklärte, es gehe um Sicherheit.", "de", "company-statement", "Amazon erklärte"),
        ("Es diene der Sicherheit, so das Fazit einer Aussage von Amazon.", "de", "company-statement", "Aussage von Amazon"),
        ("Die EFF bezeichnet Ring als Überwachungsapparat.", "de", "opinion", "bezeichnet"),
        ("Das Open Markets Institute kritisiert Amazon.", "de", "opinion", "kritisiert"),
        ("Amazon bestreitet, dass Ton aufgenommen wird.", "de", "disputed", "bestreitet"),
        ("Ein Gericht hat das rechtskräftig entschieden.", "de", "confirmed", "rechtskräftig"),
        ("Das wurde bislang nicht unabhängig bestätigt.", "de", "reported", None),
        ("Amazon bestätigte das nicht.", "de", "reported", None),
        ("According to the report, drivers are filmed.", "en", "reported", "According to"),
        ("According to Amazon workers, it never sleeps.", "en", "reported", "According to"),
        ("According to Amazon, it is for safety.", "en", "company-statement", "According to Amazon"),
        ("A spokesperson said nothing is stored.", "en", "company-statement", "spokesperson"),
        ("The EFF calls Ring the largest surveillance apparatus.", "en", "opinion", "calls Ring the"),
        ("Amazon denied the report.", "en", "disputed", "denied"),
        ("A court ruled so in 2021.", "en", "confirmed", "court ruled"),
        ("That is unconfirmed.", "en", "reported", None),
        ("Les caméras auraient été installées.", "fr", "reported", "auraient"),
        ("Amazon a déclaré que non.", "fr", "company-statement", "Amazon a déclaré"),
        ("La CGT dénonce ce dispositif.", "fr", "opinion", "dénonce"),
        ("Amazon échoue à les installer.", "fr", "reported", None),
        ("La direzione avrebbe detto altro.", "it", "reported", None),
        ("", "", "reported", None),
    ],
)
def test_hedging_words_suggest_a_status(passage: str, language: str, status: str, seen: str | None) -> None:
    first = status_of(passage, language)[0]
    assert first.status == status
    assert first.seen[:1] == (() if seen is None else (seen,))


def test_all_that_was_seen_is_told_and_the_most_cautious_first() -> None:
    passage = "Amazon sagt, es sei erlaubt; der Bericht nennt es verboten. Ein Gericht hat es bestätigt, Amazon bestritt das."
    assert [hedge.status for hedge in status_of(passage, "de")] == list(CAUTIOUS)


def test_without_a_language_all_three_are_looked_through() -> None:
    assert status_of("Les drones auraient filmé.", "")[0] == Hedge("reported", ("auraient",))


def test_other_companies_can_be_named() -> None:
    assert status_of("Netradyne says it is safe.", "en")[0].status == "reported"
    assert status_of("Netradyne says it is safe.", "en", ("Netradyne",))[0].status == "company-statement"


def test_no_shipped_claim_is_taken_for_confirmed(app: App) -> None:
    claims = [text for fact in app.base.facts.values() for text in fact.claim.values()]
    assert all(status_of(text, "")[0].status != "confirmed" for text in claims)


@given(st.text(max_size=300), st.sampled_from(["de", "en", "fr", "es", ""]))
def test_any_passage_gets_a_status_and_the_words_stand_in_it(passage: str, language: str) -> None:
    hedges = status_of(passage, language)
    assert [hedge.status for hedge in hedges] == [status for status in CAUTIOUS if status in {h.status for h in hedges}]
    assert hedges[-1].seen or hedges == (Hedge("reported"),)


def test_the_same_side_of_an_object_comes_first_with_place_and_date(app: App) -> None:
    claim = "In Deutschland zahlt Amazon im Shopper Panel seit 2026 fünf Euro im Monat."
    found = near(app.base, claim, "shopper-panel", "pay", ["AT"], date(2023, 4, 25))
    assert (found[0].entry.id, found[0].reason) == ("shopper-panel-pay-germany", "same-side")
    assert (found[0].elsewhere, found[0].days) == (True, 1)
    here = near(app.base, claim, "shopper-panel", "pay", ["DE"])
    assert (here[0].elsewhere, here[0].days) == (False, None)


def test_an_unknown_that_the_new_fact_answers_is_near(app: App) -> None:
    found = near(app.base, "The van camera records sound.", "van-camera", "sound")
    assert (found[0].entry.id, found[0].reason) == ("van-camera-sound", "same-side")


def test_a_claim_in_other_words_is_found_without_an_object(app: App) -> None:
    fact = app.base.facts["ring-car-cam-price"]
    found = near(app.base, "Die Dashcam von Ring kostet nach dem Bericht nun etwa 300 US-Dollar.", "", "")
    assert fact.id in [one.entry.id for one in found]
    assert all(one.reason == "same-words" for one in found)
    assert near(app.base, "Der Himmel über dem Hafen war grau.", "", "") == ()


def test_what_is_superseded_withdrawn_or_the_fact_itself_is_not_near(app: App) -> None:
    old = app.base.facts["shopper-panel-not-in-germany-2022"]
    assert old.id not in [one.entry.id for one in near(app.base, old.claim["de"], old.object, old.aspect)]
    fact = app.base.facts["van-camera-maker"]
    assert fact.id in ids(app.base, fact.claim["de"], fact.object)
    assert fact.id not in [one.entry.id for one in near(app.base, fact.claim["de"], fact.object, fact.aspect, own_id=fact.id)]
    assert fact.id not in ids(withdrawn(app.base, "van-videos-online"), fact.claim["de"], fact.object)


def ids(base: Base, text: str, object: str) -> list[str]:
    return [one.entry.id for one in near(base, text, object, "")]


def withdrawn(base: Base, item: str) -> Base:
    return replace(base, items={**base.items, item: replace(base.items[item], withdrawn=date(2026, 11, 1))})


@pytest.mark.parametrize("language", ["de", "en", "fr"])
@pytest.mark.parametrize("aspect", ["retention", "price", "launch", "sound", "fine", "nothing-like-it"])
def test_variants_are_new_and_name_the_object(app: App, aspect: str, language: str) -> None:
    found = variants(app.base, "van-camera", aspect, language)
    assert len(found) == len({fold(text) for text in found}) <= MOST_VARIANTS
    assert collisions(app.base, found, "") == ()
    names = app.base.grid["objects"]["van-camera"][language]
    own = [word for name in names for word in fold(name).split() if len(word) > 3]
    assert all(any(word in fold(text) for word in own) for text in found)


def test_variants_of_other_objects_are_asked_of_this_one(app: App) -> None:
    assert "what does the Shopper Panel actually film" in variants(app.base, "shopper-panel", "records", "en")
    assert "wie lange werden Daten von der Kamera im Lieferwagen aufgehoben" in variants(
        app.base, "van-camera", "retention", "de"
    )
    assert variants(app.base, "no-such-object", "records", "en") == ()
    assert all("smart badge" in text for text in variants(app.base, "no-such-object", "records", "en", ["the smart badge"]))


def test_collisions_name_whose_a_variant_is(app: App) -> None:
    base = replace(app.base, talk={**app.base.talk, "extra": Talk("extra", "greeting", {"en": ("ahoy there matey",)})})
    fact, unknown = base.facts["van-camera-records"], base.unknowns["van-camera-sound"]
    other = base.facts["ring-car-cam-price"]
    variant, asked, miss = fact.questions["de"][0], unknown.questions["de"][0], other.near_misses["de"][0]
    said = ("Ahoy,  THERE matey!", variant.upper() + "??", asked, miss, "etwas ganz und gar Neues")
    assert collisions(base, said, "new-fact") == (
        Collision(said[0], "extra", "talk"),
        Collision(said[1], fact.id, "fact"),
        Collision(asked, unknown.id, "unknown"),
        Collision(miss, other.id, "near-miss"),
    )
    assert collisions(base, [variant], fact.id) == ()


def test_a_withdrawn_fact_keeps_its_variants(app: App) -> None:
    fact = app.base.facts["van-camera-records"]
    variant = fact.questions["en"][0]
    found = collisions(withdrawn(app.base, "van-videos-online"), [variant], "new-fact")
    assert found == (Collision(variant, fact.id, "fact"),)


def test_what_is_said_of_something_known_is_guessed_by_its_words(app: App) -> None:
    said = "Amazon soll im Lieferwagen neue Kameras von Netradyne verbauen, die Tempo und Standort aufzeichnen."
    assert guesses(app.base, said)[0].object == "van-camera"
    assert guesses(app.base, "Der Himmel über dem Hafen war grau.") == ()


def test_a_draft_that_has_no_object_yet_gets_questions_proposed(app: App) -> None:
    passage = "Amazon soll im Lieferwagen neue Kameras von Netradyne verbauen, die Tempo und Standort aufzeichnen."
    tree = claim_tree("new-cameras-1", "new-cameras", "2026-11-01", ["DE"], passage)
    lines = advice(Draft("fact", Path("new-cameras-1.yaml"), tree), Speaker(app.base, "en", "de"))
    assert all(line.startswith("Suggestion: ") for line in lines)
    assert any("object: van-camera" in line for line in lines)
    assert {"de", "en"} <= {line.split()[2].rstrip(":") for line in lines if line.startswith("Suggestion: question")}
