"""Whatever happens in whatever order: no item is lost, and none is repeated without saying so."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from bot.deliveries import PENDING, SENT, UNKNOWN
from bot.store import held, settling, subscriptions
from tests.ledger_model import WANTED, Model
from tests.ledger_world import HOME, OUTCOMES, UNSURE, World, item
from tests.postgres import Postgres

Value = TypeVar("Value")
NAMES = st.sampled_from(sorted(WANTED))
DELAYS = st.sampled_from([timedelta(minutes=n) for n in (0, 0, 0, 1, 7, 60, 11 * 60, 13 * 60, 72 * 60)])
"""None at all: until the next slot of any channel."""
FATES = st.sampled_from((*UNSURE, *UNSURE, *OUTCOMES, "ok", "refused", "flood"))


class Digests(RuleBasedStateMachine):
    """The world, what may happen to it, and the model that watches."""

    server: Postgres | None = None

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rs-ledger-"))
        self.loop = asyncio.new_event_loop()
        self.world = World(self.server.database() if self.server else f"sqlite+aiosqlite:///{self.folder}/a.db")
        self.model = Model(self.world)
        self.do(self.world.start())
        self.subscribe("telegram:-100100")
        self.subscribe("matrix:!room")
        self.publish("van-cameras", "US", 0, 5)

    def do(self, work: Coroutine[Any, Any, Value]) -> Value:
        return self.loop.run_until_complete(work)

    @rule(name=NAMES)
    def subscribe(self, name: str) -> None:
        if name not in self.model.channels:
            self.do(self.model.subscribe(name))

    @rule(
        topic=st.sampled_from(("van-cameras", "ring")),
        country=st.sampled_from(("US", "DE")),
        later=st.integers(0, 1),
        count=st.integers(1, 12),
    )
    def publish(self, topic: str, country: str, later: int, count: int) -> None:
        day = self.world.now.astimezone(ZoneInfo(HOME)).date() + timedelta(days=later)
        first = len(self.world.base.items)
        self.world.put(*(item(f"item-{first + n:03}", topic, published=day, country=country) for n in range(count)))

    @precondition(lambda self: self.world.base.items)
    @rule(data=st.data(), what=st.sampled_from(("withdraw", "hold", "release")))
    def decide(self, data: st.DataObject, what: str) -> None:
        chosen = data.draw(st.sampled_from(sorted(self.world.base.items)))
        if what == "withdraw":
            self.world.put(replace(self.world.base.items[chosen], withdrawn=self.world.now.date()))
            return
        (self.model.held.add if what == "hold" else self.model.held.discard)(chosen)
        state, store = held.HELD if what == "hold" else held.SHOWN, self.world.store
        self.do(store.run(lambda t: held.decide(store, t, [chosen], state)))

    @rule(
        name=NAMES,
        topics=st.sampled_from((frozenset[str](), frozenset({"ring"}))),
        countries=st.sampled_from((frozenset[str](), frozenset({"DE"}))),
        paused=st.sampled_from(("", "", "asked")),
    )
    def change(self, name: str, topics: frozenset[str], countries: frozenset[str], paused: str) -> None:
        """Filters, pause and resume; whoever resumes has let the bot in again."""
        channel = self.model.channels.get(name)
        if channel is None:
            return
        if not paused:
            self.world.platforms[name.partition(":")[0]].gone -= channel.addresses | {str(channel.subscription.address)}
        new = replace(channel.subscription, topics=topics, countries=countries, paused=paused)
        channel.subscription = new
        self.do(self.world.store.run(lambda t: subscriptions.change(t, new, self.world.now)))

    @rule(name=NAMES)
    def backlog(self, name: str) -> None:
        channel = self.model.channels.get(name)
        if channel is not None:
            chat = channel.subscription.id
            self.do(self.world.store.run(lambda t: subscriptions.forget_known(t, chat)))
            channel.spared.clear()

    @rule(rounds=st.lists(st.tuples(DELAYS, st.lists(FATES, min_size=1, max_size=4)), min_size=2, max_size=8))
    def work(self, rounds: list[tuple[timedelta, list[str]]]) -> None:
        """Time passes, a tick, and the platforms take what is due or do not; again and again."""
        for delay, fates in rounds:
            self.publish("ring", "DE", 0, len(fates) // 2)
            self.world.now += delay or self.model.until_next_slot()
            for platform in self.world.platforms.values():
                platform.next.extend(fates)
            self.do(self.model.tick())
            self.do(self.model.deliver())

    @rule()
    def tick(self) -> None:
        self.do(self.model.tick())

    @rule(delay=DELAYS)
    def outage(self, delay: timedelta) -> None:
        self.do(self.world.outage(delay))

    @rule(data=st.data(), verdict=st.sampled_from((SENT, PENDING)))
    def settle(self, data: st.DataObject, verdict: str) -> None:
        """As `deliveries settle` does it."""
        unknown = self.do(self.world.parts(UNKNOWN))
        if not unknown:
            return
        part, store = data.draw(st.sampled_from(unknown)), self.world.store
        self.do(store.run(lambda t: settling.looked_at(store, t, part, verdict == SENT, self.world.now)))
        channel = self.model.channel(part.chat)
        self.model.settled.add(part.id)
        channel.settled |= set(part.items)
        channel.looked_at.update(part.items)
        channel.again.update(part.items if verdict == PENDING else ())

    def teardown(self) -> None:
        """All is put right; long after, nothing may be missing."""
        if not hasattr(self, "world"):
            return
        try:
            for platform in self.world.platforms.values():
                platform.next.clear()
            # Forty items a slot at most, and one slot more for what is said again.
            days = (7 if "matrix:!other" in self.model.channels else 1) * (2 + len(self.world.base.items) // 40) + 1
            for _ in range(days * 24 // 11 + 1):
                self.world.now += timedelta(hours=11)
                self.do(self.model.tick())
                self.do(self.model.deliver())
            self.do(self.model.check_nothing_lost())
        finally:
            self.do(self.world.stop())
            self.loop.close()
            shutil.rmtree(self.folder)


def _run(server: Postgres | None, examples: int, steps: int) -> None:
    Digests.server = server
    chosen = settings(max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Digests, settings=chosen)


def test_nothing_is_lost_or_silently_repeated_whatever_happens() -> None:
    _run(None, 6, 20)


def test_the_same_on_postgresql(postgres_server: Postgres) -> None:
    _run(postgres_server, 2, 12)


@pytest.mark.promises
def test_the_same_in_many_longer_lives() -> None:
    _run(None, 60, 40)


@pytest.mark.promises
def test_the_same_in_longer_lives_on_postgresql(postgres_server: Postgres) -> None:
    _run(postgres_server, 15, 40)
