"""What becomes of items: five messages at most, each one message on either platform, nothing dropped."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from bot.app import App
from bot.composing import Composed, compose
from bot.digests import MOST_PARTS, Owed, Schedule, Subscription, owed
from bot.facts import Item
from bot.messages import Address, Reply
from bot.speaker import Speaker
from bot.transports.markup import parts
from bot.transports.matrix.answering import invitation
from bot.transports.matrix.rendering import content_of
from bot.transports.numbered import with_numbers

DAILY = Schedule("daily", time(18), "Europe/Berlin")
ONE = Subscription("1", Address("telegram", "-1"), DAILY, "en")
BEGIN = datetime(2026, 11, 24, tzinfo=UTC)
LANGUAGES = ("de", "en", "tr", "ar", "ru", "uk", "pl")


def _item(number: int, topics: list[str], length: int = 300) -> Item:
    day = date(2026, 1, 1) + timedelta(days=number % 300)
    text = {"en": f"#{number:03}# " + "what was said of it " * (length // 20)}
    topic = (topics[number % len(topics)],)
    return Item(
        f"i{number:03}", day, {"en": f"Title {number:03}"}, text, "outlet", "author", ("A", "B"), None, ("US",), topic, day
    )


def _slots(app: App, items: list[Item], language: str = "en") -> list[Composed]:
    """Every digest until nothing is owed any more; what went out counts as sent."""
    speaker, seen = Speaker(app.base, language, "en", private=False), dict[str, str]()
    made = []
    for number in range(100):
        slot = next(DAILY.slots(BEGIN + timedelta(days=number)))
        found = compose(owed(items, ONE, seen, frozenset(), slot.day), ONE, slot, speaker)
        if not found.parts:
            return made
        made.append(found)
        seen |= {id: "sent" for ids, _ in found.parts for id in ids}
    raise AssertionError("never at an end")


def _messages(reply: Reply) -> int:
    """The most messages that a part becomes on either platform."""
    listed, _ = with_numbers(reply, invitation("@bot:example.org", reply, lambda key, language: "Ask in private"))
    on_matrix = parts(listed.spans)
    assert all(content_of(part, ("digest",))["msgtype"] == "m.notice" for part in on_matrix)
    return max(len(parts(reply.spans)), len(on_matrix))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("length", [20, 300, 1000])
def test_two_hundred_items_come_over_several_slots_each_once(app: App, language: str, length: int) -> None:
    items = [_item(number, list(app.base.topics), length) for number in range(200)]
    made = _slots(app, items, language)
    assert len(made) > 1
    told = [text for one in made for _, reply in one.parts for text in reply.text.split("#")[1::2]]
    assert sorted(told) == [f"{number:03}" for number in range(200)]
    for one in made:
        assert len(one.parts) <= MOST_PARTS
        assert [_messages(reply) for _, reply in one.parts] == [1] * len(one.parts)
        assert not one.left or str(len(one.left)) in one.parts[-1][1].text.splitlines()[-1]


def test_the_shipped_items_with_their_buttons_are_one_message_a_part_in_every_language(app: App) -> None:
    items = list(app.base.items.values())
    for language in app.base.texts.phrases:
        for one in _slots(app, items, language):
            assert {_messages(reply) for _, reply in one.parts} == {1}, language


def test_what_may_be_a_repeat_comes_first_marked_and_apart_from_what_is_new(app: App) -> None:
    items = [_item(number, list(app.base.topics)) for number in range(30)]
    seen = {f"i{number:03}": "unsure" for number in range(0, 30, 3)} | {"i001": "sent", "i002": "twice", "i004": "failed"}
    slot = next(DAILY.slots(BEGIN))
    found = compose(
        owed(items, ONE, seen, frozenset({"i005"}), slot.day), ONE, slot, Speaker(app.base, "en", "en", private=False)
    )
    marked = [reply.text.startswith("↻ Perhaps sent before") for _, reply in found.parts]
    assert marked == sorted(marked, reverse=True)
    again = {id for (ids, _), is_again in zip(found.parts, marked) if is_again for id in ids}
    new = {id for (ids, _), is_again in zip(found.parts, marked) if not is_again for id in ids}
    assert again == {id for id, state in seen.items() if state == "unsure"}
    assert new | {item.id for item in found.left} == {item.id for item in items} - set(seen) - {"i005"}


def test_many_repeats_leave_what_is_new_for_later_and_drop_nothing(app: App) -> None:
    items = [_item(number, list(app.base.topics)) for number in range(200)]
    seen = {item.id: "unsure" for item in items[:100]}
    slot = next(DAILY.slots(BEGIN))
    found = compose(owed(items, ONE, seen, frozenset(), slot.day), ONE, slot, Speaker(app.base, "en", "en", private=False))
    assert len(found.parts) == MOST_PARTS
    assert all(reply.text.startswith("↻") for _, reply in found.parts)
    assert {item.id for item in found.left} == {item.id for item in items[100:]}
    assert Owed((), (), ()) == owed(items, ONE, {item.id: "sent" for item in items}, frozenset(), slot.day)


@pytest.mark.parametrize("summary", ["\U0001f4f7" * 2500, "word " * 1000])
def test_a_long_summary_is_no_reason_to_lose_a_part(app: App, summary: str) -> None:
    one = _item(1, list(app.base.topics))
    slot, long = next(DAILY.slots(BEGIN)), replace(one, summary={"en": summary})
    found = compose(Owed((long,), (), ()), ONE, slot, Speaker(app.base, "en", "en", private=False))
    assert [_messages(reply) for _, reply in found.parts] == [1]


def test_where_there_is_more_the_oldest_go_first(app: App) -> None:
    items = [_item(number, list(app.base.topics), 1000) for number in range(200)]
    first, *_ = _slots(app, items)
    gone = {id for ids, _ in first.parts for id in ids}
    assert gone == {item.id for item in sorted(items, key=lambda item: (item.date, item.id))[: len(gone)]}
