"""What one steward alone writes is in no post before the others had half an hour to stop it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import App
from bot.composing import for_channels
from bot.curating.curation import HOLD
from bot.deliveries import PENDING
from bot.loops.answer import Answering
from bot.loops.stewards import Stewards
from bot.messages import Address, Message, Reply, Role
from bot.store import held, reviews
from handlers import router
from tests.ledger_world import START, World, item, started
from tests.press import CHANNEL, Press
from tests.test_curating import FACT, ITEM, written

INSULT = "Somebody is a liar."
CHANGED = f"/draft {ITEM}\ntitle en: {INSULT}\nsummary en: {INSULT}"


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with started(database_url) as made:
        yield made


@pytest.fixture
async def press(app: App, world: World, tmp_path: Path) -> Press:
    """One steward's publication, which stands in a channel."""
    made = Press(app, world, tmp_path / "own")
    await made.subscribe(CHANNEL)
    await written(made.room)
    await made.say(f"/publish {ITEM}")
    await made.post()
    assert "Cameras at the conveyor" in made.channel.seen[CHANNEL][0][2]
    return made


async def test_a_change_of_what_was_published_waits_as_the_publication_did(press: Press) -> None:
    await press.say(CHANGED)
    assert "30 minutes" in (await press.say(f"/publish {ITEM}")).text
    assert press.world.base.items[ITEM].title["en"] == INSULT  # Answers say it.
    assert await press.correct(1) == []
    assert await press.correct(28) == []
    [text] = await press.correct(2)
    assert INSULT in text


async def test_a_change_that_is_held_meanwhile_reaches_no_post(press: Press) -> None:
    await press.say(CHANGED)
    await press.say(f"/publish {ITEM}")
    await press.say(f"/hold {ITEM}")
    assert await press.correct(31) == []
    assert await press.correct(24 * 60) == []
    await press.say(f"/release {ITEM}")
    assert len(await press.correct(1)) == 1


async def test_a_withdrawal_stops_at_once_and_says_why_after_half_an_hour(press: Press) -> None:
    said = await press.say(f"/withdraw {ITEM} {INSULT}")
    assert "30 minutes" in said.text
    assert FACT not in press.world.base.corpus.facts
    [standing] = await press.correct(1)
    assert "The stewards are reviewing this item." in standing
    assert INSULT not in standing
    assert await press.correct(28) == []
    [text] = await press.correct(2)
    assert INSULT in text


async def test_the_reason_of_a_withdrawal_can_be_held_back(press: Press) -> None:
    await press.say(f"/withdraw {ITEM} {INSULT}")
    await press.correct(1)
    await press.say(f"/hold {ITEM}")
    assert await press.correct(31) == []
    assert await press.correct(24 * 60) == []


async def test_a_title_does_not_get_there_by_a_withdrawal(press: Press) -> None:
    await press.say(CHANGED)
    await press.say(f"/publish {ITEM}")
    await press.say(f"/withdraw {ITEM} {INSULT}")
    [text] = await press.correct(1)
    assert "Cameras at the conveyor" in text
    assert "reviewing" in text
    assert INSULT not in text


async def test_of_a_post_only_what_is_kept_back_stays_as_it_was(app: App, world: World, tmp_path: Path) -> None:
    press = Press(app, world, tmp_path / "own")
    await press.subscribe(CHANNEL)
    one, two = item("one"), item("two")
    world.put(one, two)
    await press.post()
    await world.store.run(lambda t: reviews.release(world.store, t, ["one"], world.now, HOLD))
    world.put(
        replace(one, summary={"en": INSULT}, outlet="liars"),
        replace(two, withdrawn=START.date(), reason={"en": "It was a mistake."}),
    )
    [text] = await press.correct(1)
    assert "What is known of one." in text
    assert INSULT not in text
    assert "liars" not in text
    assert "It was a mistake." in text
    [text] = await press.correct(31)
    assert INSULT in text


async def test_a_correction_that_follows_waits_and_keeps_no_digest_waiting(press: Press) -> None:
    press.channel.frozen = True
    await press.say(CHANGED)
    await press.say(f"/publish {ITEM}")
    press.world.now += timedelta(minutes=31)
    await press.corrector.tick(press.world.now)
    await press.say(f"/hold {ITEM}")
    press.world.base = replace(press.world.base, items={**press.world.base.items, "next": item("next")})
    await press.world.days(1)
    assert [part.part for part in await press.world.parts(PENDING)] == [0]
    posts = [text for _, _, text in press.channel.seen[CHANNEL]]
    assert "#next#" in posts[-1]
    assert not [text for text in posts if INSULT in text]
    await press.world.store.run(lambda t: held.decide(press.world.store, t, [ITEM], held.SHOWN))
    press.world.now += timedelta(minutes=6)
    await press.world.deliver()
    assert INSULT in press.channel.seen[CHANNEL][-1][2]


async def test_a_claim_of_one_alone_is_on_no_button_and_names_no_topic(press: Press) -> None:
    base = press.world.base
    assert FACT in base.facts
    seen = for_channels(base, {FACT}, ())
    assert FACT not in seen.corpus.facts
    assert "conveyor" not in seen.topics
    assert for_channels(base, {ITEM}, {ITEM}) is base


async def test_every_act_counts_into_the_hour(press: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    """The publication and its claim are two; a draft that is put aside has a claim too."""
    press.world.now += timedelta(hours=2)
    monkeypatch.setattr("bot.curating.limit.MOST_AN_HOUR", 5)
    for acts, words in (
        (1, CHANGED),
        (1, f"/publish {ITEM}"),
        (2, f"/drop {ITEM}"),
        (3, f"/release {ITEM}"),
        (4, f"/withdraw {ITEM} x"),
        (5, f"/withdraw {FACT} x"),
    ):
        assert "more than 5" not in (await press.say(words)).text, (acts, words)
    await press.say("/draft One more")
    for words in (f"/drop {ITEM}", f"/withdraw {ITEM} y", "/withdraw one-more", f"/publish {ITEM}"):
        before = await press.world.store.run(held.states), press.world.base.items[ITEM]
        said = (await press.say(words)).text
        assert "more than 5" in said or "no" in said.casefold()
        assert (await press.world.store.run(held.states), press.world.base.items[ITEM]) == before
    assert "held back" in (await press.say(f"/hold {ITEM}")).text  # To hold back is never too much.
    assert "more than 5" not in (await press.say(f"/drop {ITEM}", "ben")).text


async def test_the_same_entry_again_and_again_is_too_much_too(press: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    press.world.now += timedelta(hours=2)
    monkeypatch.setattr("bot.curating.limit.MOST_AN_HOUR", 3)
    for number in range(3):
        await press.say(f"{CHANGED} {number}")
        assert (await press.say(f"/publish {ITEM}")).text.startswith("Published")
    await press.say(CHANGED)
    assert "more than 3" in (await press.say(f"/publish {ITEM}")).text


async def test_what_a_steward_does_elsewhere_the_room_hears_once(press: Press) -> None:
    room, told = Address("telegram", "-100555"), list[str]()

    class Told(Stewards):
        def tell(self, note: Reply) -> None:
            told.append(note.text)

    async def role_of(_: Message) -> Role:
        return Role.STEWARD

    class Routed:
        commands = router.commands

        async def route(self, message: Message, desk: object, role: object) -> Reply:
            return await press.say(message.text, message.steward or "")

    answering = Answering(Routed(), lambda: press.room.app.desk(START), {}, Told({}, room))  # type: ignore[arg-type]
    for words in (
        f"/hold {ITEM}", f"/hold {ITEM}", f"/drop {ITEM}", f"/release {ITEM}", f"/draft {ITEM}",
        f"/publish {ITEM}", f"/draft {ITEM}", f"/withdraw {ITEM}", f"/withdraw {ITEM} It /panic was wrong", "/panic", "/panic",
    ):  # fmt: skip
        for where in (Address("telegram", "7"), room):
            await answering.receive(Message("1", where, words, "en", steward="anna"), role_of)
    assert all(ITEM in one or "Stopped" in one for one in told)
    assert all(one.startswith("anna said elsewhere") for one in told)
    assert [one.splitlines()[1].partition(":")[0].partition(".")[0] for one in told] == [
        ITEM,
        ITEM,
        ITEM,
        "Published",
        "Put aside",
        "Withdrawn",
        "Stopped",
    ]
    assert "/panic" not in told[5]
    assert "panic was wrong" in told[5]
