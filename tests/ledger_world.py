"""Planner, deliverer and store on a clock that is moved, against platforms whose next outcomes are chosen."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from bot.base import Base, load_base, shipped_folder
from bot.deliveries import Delivery, Gone, Later, Missing, Moved, Outcome, Refused, Sent, Unsure, Withheld
from bot.facts import Item
from bot.keys import Keys
from bot.loops.deliver import Deliverer
from bot.loops.plan import Planner
from bot.loops.ready import Ready
from bot.messages import Address, Reply
from bot.store import Store, ledger, open_store
from bot.transports import May, always

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOME = "Europe/Berlin"
DAY = timedelta(days=1)
SURE, UNSURE = ("ok", "refused", "flood", "gone", "content"), ("arrived", "vanished", "dies before", "dies after")
OUTCOMES = (*SURE, *UNSURE, "moved")


@lru_cache(maxsize=1)
def shipped() -> Base:
    """The shipped base without items and facts of its own."""
    return replace(load_base(shipped_folder(), START.date())[0], items={}, facts={}, unknowns={})


def item(id: str, topic: str = "van-cameras", *, published: date = START.date(), country: str = "US") -> Item:
    """One whose title can be found in a text."""
    title, summary = {"en": f"#{id}#"}, {"en": f"What is known of {id}."}
    return Item(id, published, title, summary, "outlet", "author", country=(country,), topics=(topic,), published=published)


@dataclass
class Platform:
    """The network's far side. `seen` is what stands in a chat: when, under which key, what it says."""

    platform: str
    now: Callable[[], datetime]
    next: deque[str] = field(default_factory=deque)
    seen: dict[str, list[tuple[datetime, str, str]]] = field(default_factory=lambda: defaultdict(list))
    calls: list[tuple[datetime, str, str]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    moved: dict[str, Address] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    window: timedelta = DAY
    died: bool = False
    begun: datetime | None = None
    queue: asyncio.Event | None = None
    edits: list[tuple[str, str]] = field(default_factory=list)
    after_edit: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    frozen: bool = False

    def since(self) -> datetime | None:
        """When its device began."""
        return self.begun

    async def post(self, address: Address, reply: Reply, key: str, *, silent: bool = False, may: May = always) -> Outcome:
        """What was chosen, once it is let go; CancelledError is the end of the process."""
        if self.queue is not None:
            await self.queue.wait()
        if not await may():
            return Withheld()
        if self.died:
            raise asyncio.CancelledError
        self.calls.append((self.now(), str(address), key))
        if str(address) in self.moved:
            return Moved(self.moved[str(address)])
        if str(address) in self.gone:
            return Gone()
        chosen = self.next.popleft() if self.next else "ok"
        if chosen in ("ok", "arrived", "dies after"):
            self._arrive(str(address), reply, key)
        self.died = chosen.startswith("dies")
        if self.died:
            raise asyncio.CancelledError
        return self._told(chosen, address, key)

    async def edit(self, address: Address, id: str, reply: Reply, key: str, *, may: May = always) -> Outcome:
        """What stands there now, where it may."""
        if not await may():
            return Withheld()
        self.edits.append((str(address), reply.text))
        for follow in self.after_edit:
            await follow()
        return Missing() if self.frozen else Sent(id)

    def _arrive(self, where: str, reply: Reply, key: str) -> None:
        known = [at for at, other, _ in self.seen[where] if other == key]
        if self.platform == "telegram" or not known or self.now() - max(known) >= self.window:
            self.seen[where].append((self.now(), key, reply.text))

    def _told(self, chosen: str, address: Address, key: str) -> Outcome:
        match chosen:
            case "ok":
                return Sent(f"{len(self.seen[str(address)])}")
            case "moved" if self.platform == "telegram":
                self.moved[str(address)] = replace(address, chat=f"{int(address.chat) - 1}")
                return Moved(self.moved[str(address)])
            case "refused":
                return Later()
            case "flood" | "moved":
                return Later(30.0)
            case "gone":
                self.gone.add(str(address))
                return Gone()
            case "content":
                self.refused.add(key)
                return Refused()
        return Unsure()

    def copies(self, where: str) -> tuple[Counter[str], Counter[str]]:
        """How often each item stands in a chat, plain and behind ↻."""
        plain: Counter[str] = Counter()
        marked: Counter[str] = Counter()
        for _, _, text in self.seen[where]:
            (marked if text.startswith("↻") else plain).update(text.split("#")[1::2])
        return plain, marked


class World:
    """One database and the process on it, which may die and start again."""

    def __init__(self, url: str) -> None:
        self.url, self.now, self.base = url, START, shipped()
        self.platforms = {name: Platform(name, lambda: self.now) for name in ("telegram", "matrix")}
        self.told: list[str] = []
        self.notes: list[tuple[str, Mapping[str, str]]] = []
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        """A process, which finds what an earlier one left."""
        self.store: Store = await self._stack.enter_async_context(open_store(self.url, Keys(b"k" * 32)))
        self.planner = Planner(self.store, lambda: self.base, HOME, "en", self._tell)
        ready = Ready(lambda: self.base, HOME, "en")
        self.deliverer = Deliverer(self.store, self.platforms, lambda: self.now, lambda: True, self._tell, ready)  # type: ignore[arg-type]
        for platform in self.platforms.values():
            platform.died = False
        await self.deliverer.recover()

    async def stop(self) -> None:
        await self._stack.aclose()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def _tell(self, key: str, values: Mapping[str, str]) -> None:
        self.told.append(key)
        self.notes.append((key, values))

    def put(self, *items: Item) -> None:
        """A changed data folder was taken."""
        self.base = replace(self.base, items={**self.base.items, **{one.id: one for one in items}})

    async def deliver(self) -> None:
        """Until nothing is due any more, or the process dies and starts again."""
        delivering = asyncio.create_task(self.deliverer.deliver_for_ever())
        while await self._due() and not self._died():
            self.deliverer.wake()
            await asyncio.sleep(0.001)
        delivering.cancel()
        await asyncio.gather(delivering, return_exceptions=True)
        await self.deliverer.stop()
        if self._died():
            await self.restart()

    async def outage(self, delay: timedelta) -> None:
        """The process dies, and is started again so much later."""
        self.now += delay
        await self.restart()

    def _died(self) -> bool:
        return any(platform.died for platform in self.platforms.values())

    async def parts(self, state: str | None = None) -> list[Delivery]:
        """The ledger, oldest slot first."""
        return await self.store.run(lambda transaction: ledger.in_state(self.store, transaction, state))

    async def _due(self) -> bool:
        first: dict[str, Delivery] = {}
        for part in await self.parts():
            rests = part.part == 0 and part.due > self.now
            if part.state in ("pending", "sending") and not rests:
                first.setdefault(part.chat, part)
        return any(part.state == "sending" or part.due <= self.now for part in first.values())

    async def days(self, number: int, hours: int = 11) -> None:
        """Time passes, and the process does its work."""
        until = self.now + timedelta(days=number)
        while self.now < until:
            self.now += timedelta(hours=hours)
            await self.planner.tick(self.now)
            await self.deliver()


@asynccontextmanager
async def started(url: str) -> AsyncIterator[World]:
    """A world on a database, whose process runs until the end."""
    made = World(url)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
