"""A press officer sets up a channel; the dossier's items reach it, whatever happens between."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.app import App
from bot.digests import Schedule, Subscription
from bot.messages import Address
from tests.bot_api import ApiError, BotApi, Fault
from tests.conftest import Clock
from tests.live import ROOM, app_on, buttons, live, text, with_changed, with_item

CHANNEL = -100900
SLOT = datetime(2026, 11, 24, 17, 0, 1, tzinfo=UTC)
"""A second after 18:00 in Berlin."""


def test_the_oracle_over_all_zones_one_slot_a_local_date_for_24_months() -> None:
    """No slot missed, none doubled, at the hours at which clocks change."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for name in sorted(available_timezones()):
        for at in (time(0, 0), time(2, 30), time(18, 0)):
            slots = Schedule("daily", at, name).slots(begin)
            days = [next(slots) for _ in range(730)]
            assert all(b.day - a.day == timedelta(days=1) for a, b in itertools.pairwise(days)), (name, at)
            assert all(timedelta(hours=21) < b.at - a.at < timedelta(hours=27) for a, b in itertools.pairwise(days)), (name, at)


@pytest.mark.parametrize(
    ("day", "at", "expected"),
    [
        # Europe/Berlin: 02:30 does not exist on 29 March 2026 and becomes 03:30; it comes twice on 25 October.
        (date(2026, 3, 29), time(2, 30), "2026-03-29T01:30:00+00:00"),
        (date(2026, 10, 25), time(2, 30), "2026-10-25T00:30:00+00:00"),
        (date(2026, 7, 1), time(18, 0), "2026-07-01T16:00:00+00:00"),
    ],
)
def test_a_gap_moves_forward_and_a_fold_counts_once(day: date, at: time, expected: str) -> None:
    schedule = Schedule("daily", at, "Europe/Berlin")
    before = datetime.combine(day, time(0, 0), ZoneInfo("Europe/Berlin")) - timedelta(minutes=1)
    assert next(schedule.slots(before)).at.isoformat() == expected


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(available_timezones())), st.times(), st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)))
def test_slots_begin_strictly_after_the_instant(zone: str, at: time, moment: datetime) -> None:
    after = moment.replace(tzinfo=UTC)
    slots = Schedule("weekly", at, zone, 0).slots(after)
    first, second = next(slots), next(slots)
    assert after < first.at < second.at
    assert first.day.weekday() == 0
    assert (second.day - first.day).days == 7


@pytest.mark.parametrize(
    ("moment", "wakes"),
    [
        ("2026-11-24T19:00", "2026-11-24T19:00"),
        ("2026-11-24T22:00", "2026-11-25T06:00"),
        ("2026-11-25T02:00", "2026-11-25T06:00"),
    ],
)
def test_quiet_hours_end_where_the_channel_lives(moment: str, wakes: str) -> None:
    quiet = (time(21, 0), time(7, 0))
    one = Subscription("1", Address("telegram", "-1"), Schedule("daily", time(18), "Europe/Berlin"), "de", quiet=quiet)
    assert one.wakes(datetime.fromisoformat(moment + "+00:00")) == datetime.fromisoformat(wakes + "+00:00")


@pytest.fixture
async def channel(api: BotApi) -> AsyncIterator[int]:
    api.channel(CHANNEL, "Union news", admins=[api.user(5, "Ben")])
    return CHANNEL


async def test_subscribing_confirms_with_the_next_date_and_the_newest_item(
    api: BotApi, app: App, tmp_path: Path, channel: int, clock: Clock
) -> None:
    async with live(app_on(app, api.url, tmp_path / "state")):
        api.post(channel, "/digest daily 18:00")
        await api.wait_sent(1)
        assert "Next digest: 24 November 2026, 18:00 (Europe/Berlin), daily." in text(api)
        assert "The newest item" in text(api)
        assert all(url.startswith("https://t.me/test_bot?start=") for url in buttons(api.sent[0]).values())
        api.post(channel, "/digest zone Nowhere/Town")
        await api.wait_sent(2)
        assert "is no time zone" in text(api)
        api.post(channel, "/digest weekly mon 09:30")
        await api.wait_sent(3)
        assert "Next digest: 30 November 2026, 09:30 (Europe/Berlin), weekly (Monday)." in text(api)
        assert "The newest item" not in text(api)
        api.post(channel, "/digest off")
        await api.wait_sent(4)
        assert "Nothing of this channel is stored" in text(api)


async def test_a_proof_that_did_not_arrive_is_owed(api: BotApi, app: App, tmp_path: Path, channel: int, clock: Clock) -> None:
    opened = app_on(app, api.url, tmp_path / "state")
    async with live(opened):
        refused = ApiError(400, "Bad Request: wrong in some way")
        api.faults.append(Fault("sendMessage", chat_id=channel, error=refused, times=2))
        api.post(channel, "/digest daily 18:00")
        await api.wait_calls("sendMessage", 2)
        await api.wait_drained(5)
        clock.now = SLOT
        await api.wait_sent(1)
    newest = max(app.base.items.values(), key=lambda item: (item.published or date.min, item.date, item.id))
    assert str(newest.title["en"]) in text(api)
    assert sum(str(item.title["en"]) in text(api) for item in app.base.items.values()) == 1


async def test_new_items_come_at_the_slot_and_what_was_before_only_as_backlog(
    api: BotApi, app: App, tmp_path: Path, channel: int, clock: Clock
) -> None:
    opened = app_on(app, api.url, tmp_path / "state")
    async with live(opened):
        api.post(channel, "/digest daily 18:00")
        await api.wait_sent(1)
        opened.base = with_item(opened, "brand-new")
        clock.now = SLOT
        await api.wait_sent(2)
        assert "New in the dossier, 24 November 2026" in text(api)
        assert "Title of brand-new" in text(api)
        api.post(channel, "/digest backlog")
        await api.wait_sent(3)
        clock.now += timedelta(days=1)
        await api.wait_for(lambda: sum("New in the dossier" in str(m["text"]) for m in api.sent) == 2, 10, "the backlog")
        clock.now += timedelta(days=1)
    told = " ".join(str(message["text"]) for message in api.sent)
    for item in app.base.items.values():
        assert told.count(str(item.title["en"])) == 1
    assert told.count("Title of brand-new") == 1


async def test_an_hour_that_is_changed_after_the_days_digest_is_kept_on_the_same_day(
    api: BotApi, app: App, tmp_path: Path, channel: int, clock: Clock
) -> None:
    opened = app_on(app, api.url, tmp_path / "state")
    async with live(opened):
        api.post(channel, "/digest daily 18:00")
        await api.wait_sent(1)
        opened.base = with_item(opened, "brand-new")
        clock.now = SLOT
        await api.wait_sent(2)
        api.post(channel, "/digest daily 18:30")
        await api.wait_sent(3)
        assert "24 November 2026, 18:30" in text(api)
        opened.base = with_item(opened, "newer-still")
        clock.now = SLOT + timedelta(minutes=30)
        await api.wait_sent(4)
        assert "Title of newer-still" in text(api)
        assert "Title of brand-new" not in text(api)


async def test_a_changed_item_is_put_right_where_it_was_posted_and_a_withdrawn_one_says_so(
    api: BotApi, app: App, tmp_path: Path, channel: int, clock: Clock
) -> None:
    opened = app_on(app, api.url, tmp_path / "state")
    async with live(opened):
        api.post(channel, "/digest daily 18:00")
        await api.wait_sent(1)
        opened.base = with_item(opened, "brand-new")
        clock.now = SLOT
        await api.wait_sent(2)
        item = opened.base.items["brand-new"]
        opened.base = with_changed(opened, replace(item, summary={"en": "What is said now."}))
        await api.wait_for(lambda: "What is said now." in text(api, 1), 10, "the edit")
        gone = replace(item, withdrawn=date(2026, 11, 24), reason={"en": "The source took it back."})
        opened.base = with_changed(opened, gone)
        await api.wait_for(lambda: "The source took it back." in text(api, 1), 10, "the withdrawal")
        api.say(api.user(1, "Ana", language_code="en"), "/news")
        await api.wait_sent(3)
        assert "brand-new" not in text(api)
    assert text(api, 1).startswith("New in the dossier, 24 November 2026")
    assert len(api.calls_of("editMessageText")) == 2


async def test_where_a_post_can_no_longer_be_edited_a_correction_follows(
    api: BotApi, app: App, tmp_path: Path, channel: int, clock: Clock
) -> None:
    opened = app_on(app, api.url, tmp_path / "state")
    async with live(opened):
        api.post(channel, "/digest daily 18:00")
        await api.wait_sent(1)
        opened.base = with_item(opened, "brand-new")
        clock.now = SLOT
        await api.wait_sent(2)
        api.faults.append(Fault("editMessageText", error=ApiError(400, "Bad Request: message can't be edited")))
        opened.base = with_changed(opened, replace(opened.base.items["brand-new"], summary={"en": "What is said now."}))
        await api.wait_sent(3, 10)
    assert text(api).startswith("Correcting what was said here before")


async def test_stewards_see_a_preview_and_may_hold_an_item_back(
    api: BotApi, app: App, tmp_path: Path, channel: int, clock: Clock
) -> None:
    anna = api.user(7, "Anna", language_code="en")
    room = api.group(-100555, "Stewards", members=[anna])
    clock.now = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
    opened = app_on(app, api.url, tmp_path / "state", room=ROOM, stewards={"telegram:7": "anna"})
    async with live(opened):
        api.post(channel, "/digest daily 18:00")
        await api.wait_sent(1)
        opened.base = with_item(opened, "brand-new")
        clock.now = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
        await api.wait_sent(2)
        assert "Goes to the channels soon" in text(api)
        api.say(api.user(1, "Ana", language_code="en"), "/hold brand-new")
        await api.wait_sent(3)
        assert "Only who runs" in text(api)
        api.click(anna, api.sent[1], "1n/hold brand-new")
        await api.wait_sent(4)
        assert api.sent[3]["chat"]["id"] == room.id
        clock.now = SLOT
        await asyncio.sleep(1)
        api.say(anna, "/release brand-new")
        await api.wait_sent(6)
        assert sum("anna said elsewhere" in str(m["text"]) for m in api.sent if m["chat"]["id"] == room.id) == 1
        clock.now += timedelta(days=1)
        await api.wait_sent(7)
    assert "Title of brand-new" in text(api)
    assert sum("Title of brand-new" in str(m["text"]) and m["chat"]["id"] == channel for m in api.sent) == 1


async def test_a_wrong_clock_holds_publishing(api: BotApi, app: App, tmp_path: Path, clock: Clock) -> None:
    from bot.loops.clock import Clock as Watch

    told: list[str] = []

    async def tell(key: str, values: object) -> None:
        told.append(key)

    clock.now = datetime(2020, 1, 1, tzinfo=UTC)
    watch = Watch([api.url], clock, tell)
    await watch.look()
    await watch.look()
    assert (watch.may(), told) == (False, ["steward.clock"])
    clock.now = datetime.now(UTC)
    await watch.look()
    assert watch.may()


async def test_a_private_chat_is_pointed_to_the_channel_and_a_member_may_not(api: BotApi, app: App, tmp_path: Path) -> None:
    ana = api.user(1, "Ana", language_code="en")
    group = api.group(-100200, "Depot 7", members=[ana])
    async with live(app_on(app, api.url, tmp_path / "state")):
        api.say(ana, "/digest daily 18:00")
        await api.wait_sent(1)
        assert "not to single people" in text(api)
        api.say(ana, "/digest daily 18:00", chat=group)
        await api.wait_sent(2)
        assert "Only who runs this chat" in text(api)


async def test_removed_from_a_channel_its_subscription_rests_and_the_stewards_hear_of_it_once(
    api: BotApi, app: App, tmp_path: Path, channel: int, clock: Clock
) -> None:
    api.group(-100555, "Stewards")
    async with live(app_on(app, api.url, tmp_path / "state", room=ROOM)):
        api.post(channel, "/digest daily 18:00")
        await api.wait_sent(1)
        api.set_status(channel, "kicked")
        await api.wait_sent(2)
        assert "Can no longer be reached: channel " in text(api)
        assert "100900" not in text(api)
        clock.now += timedelta(days=2)
        api.set_status(channel, "administrator")
        api.post(channel, "/digest resume")
        await api.wait_sent(3)
        assert "Next digest: 26 November 2026" in text(api)
    assert [message["chat"]["id"] for message in api.sent] == [channel, -100555, channel]
