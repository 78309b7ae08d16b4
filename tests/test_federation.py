"""Several accounts over two federations in this process: shares, moves, a lost lease, and answers of its own for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from bot import federation, seat
from bot.app import App
from bot.config import Settings
from bot.federation import Federation
from bot.keys import Keys
from bot.running import LONGEST_END
from bot.store import open_store
from bot.store.lease import Leased
from tests.bot_api import BotApi
from tests.live import with_item
from tests.postgres import Postgres

KEYS = Keys(b"k" * 32)


@pytest.fixture
async def apis(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[BotApi]]:
    """Four Bot API servers, a bot each."""
    monkeypatch.setattr(federation, "LOOK_SECONDS", 0.2)
    # What does not end in time takes its process along, which here is that of the tests.
    monkeypatch.setattr(seat.os, "_exit", lambda status: pytest.fail(f"an account did not end within {LONGEST_END} s"))
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(BotApi(f"{1001 + number}:TEST")) for number in range(4)]


@pytest.fixture
def accounts(app: App, apis: Sequence[BotApi], postgres_server: Postgres, tmp_path: Path) -> list[Settings]:
    """An account on each server, over one database."""
    shared = replace(app.settings, database=postgres_server.database(), state=tmp_path / "state", language="en")
    return [
        replace(shared, name=f"union-{n}", contact=f"office {n}", telegram_token=api.token, telegram_api_url=api.url)
        for n, api in enumerate(apis)
    ]


@asynccontextmanager
async def _process(app: App, accounts: Sequence[Settings], most: int | None = None) -> AsyncIterator[Federation]:
    """What a process would run; stopped in an orderly way at the end."""
    own = replace(app, settings=replace(accounts[0], most_accounts=most))
    own.__dict__.update(matcher=app.matcher, encoder=app.encoder, executor=app.executor)
    async with open_store(str(accounts[0].database), KEYS) as store:
        made = Federation(own, accounts, store, KEYS)
        task = asyncio.create_task(made.run())
        try:
            yield made
        finally:
            made.stop()
            await asyncio.wait_for(task, 25)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.05)


async def test_accounts_are_shared_out_and_move_to_who_is_left(app: App, accounts: list[Settings], apis: list[BotApi]) -> None:
    async with _process(app, accounts) as one:
        await _until(lambda: len(one.served) == 4)
        async with _process(app, accounts) as other:
            await _until(lambda: len(one.served) == len(other.served) == 2)
            assert not one.served & other.served
            for number, api in enumerate(apis):
                api.say(api.user(1, "Ana", "en"), "what should I do if they fire me?")
                [said] = await api.wait_sent(1, 30)
                assert f"office {number}" in said["text"]
            one.app.take(with_item(app, "brand-new"), app.model)
            assert all("brand-new" in seat.app.base.items for seat in one._seats.values())
        await _until(lambda: len(one.served) == 4)
        for api in apis:
            api.say(1, "hello")
            await api.wait_sent(2, 30)
            await api.wait_drained(30)
    assert [len(api.sent) for api in apis] == [2] * 4
    assert [api.violations for api in apis] == [[]] * 4


@pytest.mark.promises
async def test_a_process_takes_no_more_than_it_may(app: App, accounts: list[Settings], apis: list[BotApi]) -> None:
    async with _process(app, accounts, most=1) as small, _process(app, accounts) as large:
        await _until(lambda: len(small.served) == 1 and len(large.served) == 3)
        apis[0].say(apis[0].user(1, "Ana", "en"), "hello")
        await apis[0].wait_sent(1, 30)
        assert (len(small.served), len(large.served)) == (1, 3)


@pytest.mark.promises
async def test_lost_leases_end_the_accounts_which_are_then_taken_anew(
    app: App, accounts: list[Settings], apis: list[BotApi], postgres_server: Postgres
) -> None:
    async with _process(app, accounts) as one:
        await _until(lambda: len(one.served) == 4)
        before = set(one._seats.values())
        with psycopg.connect(postgres_server.uri, autocommit=True) as connection:
            held = "SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 7283766 AND objsubid = 2"
            connection.execute(f"SELECT pg_terminate_backend(pid) FROM ({held}) AS holders")
        await _until(lambda: len(one.served) == 4 and not before & set(one._seats.values()))
        apis[3].say(apis[3].user(1, "Ana", "en"), "hello")
        await apis[3].wait_sent(1, 30)


async def test_an_account_that_cannot_be_served_stops_no_other(app: App, accounts: list[Settings], apis: list[BotApi]) -> None:
    wrong = [replace(accounts[0], telegram_token="1001:WRONG"), *accounts[1:]]
    async with _process(app, wrong) as one:
        for api in apis[1:]:
            api.say(api.user(1, "Ana", "en"), "hello")
            await api.wait_sent(1, 30)
        await _until(lambda: one.served == {"union-1", "union-2", "union-3"})
        beating = one.shared.operating
        await beating._beat(0.0)
        assert beating.latest is not None
        assert beating.latest.platforms["union-0/telegram"].state == "ended"
        assert beating.latest.platforms["union-1/telegram"].state == "listening"
        await _until(beating.alive)


async def test_a_process_with_another_key_file_serves_nothing(app: App, accounts: list[Settings], apis: list[BotApi]) -> None:
    async with _process(app, accounts) as one:
        await _until(lambda: len(one.served) == 4)
        async with open_store(str(accounts[0].database), Keys(b"o" * 32)) as store:
            with pytest.raises(Leased, match="RUECKSPIEGEL_KEY_FILE"):
                await Federation(replace(app, settings=accounts[0]), accounts, store, Keys(b"o" * 32)).run()
        assert len(one.served) == 4
