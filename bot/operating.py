"""What whoever operates the bot sees of it, put together: the heartbeat, its file, its metrics, and systemd's watchdog."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from time import monotonic

from bot.app import App, now
from bot.environment import MAIN
from bot.heartbeat import Heartbeat, Pulse, forget
from bot.logs import Event, fail
from bot.loops.rounds import WITHIN_SECONDS, Rounds
from bot.loops.serve import Service
from bot.loops.tally import Tally
from bot.store import Store, Transaction, ledger, subscriptions
from bot.systemd import WATCHDOG, notify, watchdog_seconds
from bot.transports import Transport

BEAT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Served:
    """A bot account that this process serves. `held` says why digests wait, `rounds` when planning last came round."""

    service: Service
    held: Callable[[], Sequence[str]]
    rounds: Rounds


class Operating:
    """The search, the store and the platforms of all `served` accounts it asks. `latest` is the last heartbeat.

    `ended` are accounts that could not be served and are tried again; `names` those of this installation.
    """

    def __init__(self, app: App, store: Store, tally: Tally, names: Collection[str]) -> None:
        self._app, self._store, self._tally, self._names = app, store, tally, names
        self._since = now()
        self._rounds = Rounds()
        self._probe: asyncio.Future[None] | None = None
        self.served: dict[str, Served] = {}
        self.ended: dict[str, Served] = {}
        self.latest: Heartbeat | None = None

    async def beat_for_ever(self) -> None:
        """Until cancelled. Whoever watches from outside hears nothing once a loop hangs."""
        wanted = watchdog_seconds()
        pause, lag = min(BEAT_SECONDS, wanted / 3) if wanted else BEAT_SECONDS, 0.0
        try:
            while True:
                self._ask_search()
                await self._beat(lag)
                if self.alive():
                    notify(WATCHDOG)
                due = monotonic() + pause
                await asyncio.sleep(pause)
                lag = max(0.0, monotonic() - due)
        finally:
            forget(self._app.settings.state)

    async def _beat(self, lag: float) -> None:
        try:
            self.latest = await self._heartbeat(lag)
            self.latest.written(self._app.settings.state)
        except Exception as error:  # The database is busy, or the disk is full: the next beat tries again.
            fail(Event.NO_HEARTBEAT, exception=error)

    def alive(self) -> bool:
        """Whether planning, the search and each platform that listens completed a round of late."""
        return self._rounds.all_came(("search",)) and all(map(_moves, self.served.values()))

    def _ask_search(self) -> None:
        """A question waits for the search's one thread, so it is that thread which must be seen to move."""
        if self._probe is None or self._probe.done():
            self._probe = asyncio.get_running_loop().run_in_executor(self._app.executor, _nothing)
            self._probe.add_done_callback(lambda _: self._rounds.came("search"))

    async def _heartbeat(self, lag: float) -> Heartbeat:
        moment, base = now(), self._app.base

        async def read(transaction: Transaction) -> tuple[tuple[int, int], tuple[int, int], dict[str, int]]:
            counted = await subscriptions.counts(transaction)
            return counted, await ledger.overdue(transaction, moment, self._names), await ledger.counts(transaction)

        (channels, paused), (due, overdue), deliveries = await self._store.run(read)
        return Heartbeat(
            at=int(moment.timestamp()),
            since=int(self._since.timestamp()),
            version=version("rueckspiegel"),
            platforms=self._pulses(moment.timestamp()),
            lag=round(lag, 3),
            held=tuple(dict.fromkeys(reason for one in self.served.values() for reason in one.held())),
            channels=channels,
            paused=paused,
            due=due,
            overdue=overdue,
            deliveries=deliveries,
            base=base.version,
            facts=len(base.facts),
            unknowns=len(base.unknowns),
            items=len(base.items),
            questions=self._tally.shown(),
        )

    def _pulses(self, moment: float) -> dict[str, Pulse]:
        """By platform; of accounts that have a name, by both."""
        return {
            transport.platform if name == MAIN else f"{name}/{transport.platform}": _pulse(one.service, transport, moment)
            for name, one in {**self.ended, **self.served}.items()
            for transport in one.service.transports
        }


def _moves(one: Served) -> bool:
    listening = [each.inbox for each in one.service.transports if _state(one.service, each) == "listening"]
    turned = all(inbox.clock() - (inbox.turned or 0.0) <= WITHIN_SECONDS for inbox in listening)
    return turned and one.rounds.all_came(("plan",))


def _state(service: Service, transport: Transport) -> str:
    if service.is_down(transport.platform):
        return "ended"
    return "starting" if transport.inbox.turned is None else "listening"


def _pulse(service: Service, transport: Transport, moment: float) -> Pulse:
    inbox = transport.inbox
    # To the minute: a poll that ends at another second than its own is one that brought a question.
    heard = None if inbox.heard is None else int(moment - (inbox.clock() - inbox.heard)) // 60 * 60
    return Pulse(
        state=_state(service, transport),
        contact=heard,
        waiting=inbox.under_way(),
        set_free=inbox.set_free,
        lost=inbox.lost,
        shed=inbox.shed,
        restarts=service.restarts[transport.platform],
    )


def _nothing() -> None:
    pass
