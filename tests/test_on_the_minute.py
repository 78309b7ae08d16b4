"""A channel, a group, a topic and an encrypted room get the items on the minute from a bot that was killed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from bot.digests import Schedule, Subscription
from bot.messages import Address
from bot.store import subscriptions
from tests.bot_api import BotApi
from tests.chaos_digests import data_of, ids_of, store_at
from tests.matrix import Homeserver, Person
from tests.matrix_runs import DEADLINE, Account

pytestmark = pytest.mark.promises

SLOT = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
BEFORE = timedelta(seconds=20)
"""So long before the slot the bot starts again."""
CHANNEL, GROUP, FORUM, TOPIC = -1001000000001, -1001000000002, -1001000000003, 42


async def test_on_the_minute(api: BotApi, hs: Homeserver, anna: Person, tmp_path: Path) -> None:
    account, data = await Account.make(hs, tmp_path / "bot" / "state"), data_of(tmp_path / "data", 8)
    api.channel(CHANNEL, "Union news", admins=[])
    api.group(GROUP, "Depot 7")
    api.topic(api.group(FORUM, "Depot 8", forum=True), TOPIC)
    url = f"sqlite+aiosqlite:///{account.state}/rueckspiegel.db"
    more = {"RUECKSPIEGEL_DATA": str(data), "RUECKSPIEGEL_DATABASE": url, "RUECKSPIEGEL_TELEGRAM_TOKEN": "123456:TEST"}
    more |= {"RUECKSPIEGEL_TELEGRAM_API_URL": api.url, "module": "tests.timeshift"}

    async with account.apart(**more, TEST_SHIFT=_shift(SLOT - timedelta(hours=3))) as process:
        await account.ready()
        room = await anna.room("Depot 9", [account.user])
        await anna.wait_member(room, account.user, timeout=DEADLINE)
        chats = [Address("telegram", str(id)) for id in (CHANNEL, GROUP)]
        chats += [Address("telegram", str(FORUM), str(TOPIC)), Address("matrix", room)]
        async with store_at(url, account.state) as store:
            for chat in chats:
                wanted = Subscription("", chat, Schedule("daily", time(18), "Europe/Berlin"), "en")
                since = SLOT - timedelta(hours=3)
                await store.run(lambda t, one=wanted: subscriptions.subscribe(store, t, one, since, ()))
        process.kill()
        await process.wait()

    def said() -> list[str]:
        telegram = [
            " ".join(str(m["text"]) for m in api.sent if m["chat"]["id"] == id and m.get("message_thread_id") == topic)
            for id, topic in ((CHANNEL, None), (GROUP, None), (FORUM, TOPIC))
        ]
        return [*telegram, " ".join(seen.body for seen in anna.seen(room, account.user))]

    def complete() -> bool:
        return all(f"#{id}#" in text for text in said() for id in ids_of(data))

    shift = _shift(SLOT - BEFORE)
    async with account.apart(**more, TEST_SHIFT=shift) as process:
        begun, done = await _when(lambda: any(said()), shift), await _when(complete, shift)
        process.terminate()
        await process.wait()
    assert SLOT <= begun <= done < SLOT + timedelta(minutes=1)
    assert [text.count(f"#{id}#") for text in said() for id in ids_of(data)] == [1] * 4 * 8
    assert anna.unreadable(room) == []


def _shift(moment: datetime) -> str:
    """What makes it this moment now."""
    return str((moment - datetime.now(UTC)).total_seconds())


async def _when(true: Callable[[], bool], shift: str) -> datetime:
    """The moment, on the bot's clock, from which something is so."""
    async with asyncio.timeout(120):
        while not true():
            await asyncio.sleep(0.05)
    return datetime.now(UTC) + timedelta(seconds=float(shift))
