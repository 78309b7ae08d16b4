"""What must be true of the ledger and of what stands in the chats, whatever happened."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import time, timedelta
from zoneinfo import ZoneInfo

from bot.deliveries import FAILED, PENDING, UNKNOWN, Delivery
from bot.digests import CATCH_UP, MOST_PARTS, Schedule, Subscription, is_out
from bot.messages import parse_address
from bot.store import subscriptions
from tests.ledger_world import HOME, World

BERLIN, QUIET = "Europe/Berlin", (time(21), time(7))
WANTED = {
    "telegram:-100100": (Schedule("daily", time(18), BERLIN), QUIET),
    "telegram:-100200/42": (Schedule("daily", time(9), "America/New_York"), None),
    "matrix:!room": (Schedule("daily", time(21, 30), BERLIN), QUIET),
    "matrix:!other": (Schedule("weekly", time(2, 30), "Australia/Lord_Howe", 0), None),
}


@dataclass
class Channel:
    """What is known of one: its settings; what it need not get; what a steward ordered once more; the order of calls."""

    name: str
    subscription: Subscription
    spared: set[str] = field(default_factory=set)
    settled: set[str] = field(default_factory=set)
    again: Counter[str] = field(default_factory=Counter)
    looked_at: Counter[str] = field(default_factory=Counter)
    keys: list[str] = field(default_factory=list)
    addresses: set[str] = field(default_factory=set)


class Model:
    """Beside the world; `check_…` raise AssertionError where a promise is broken."""

    def __init__(self, world: World) -> None:
        self.world, self.channels = world, dict[str, Channel]()
        self.held: set[str] = set()
        self.planned: dict[str, Delivery] = {}
        self.settled: set[str] = set()

    def out(self) -> set[str]:
        today = self.world.now.astimezone(ZoneInfo(HOME)).date()
        return {one.id for one in self.world.base.items.values() if is_out(one, today)}

    def channel(self, chat: str) -> Channel:
        return next(channel for channel in self.channels.values() if channel.subscription.id == chat)

    async def subscribe(self, name: str) -> None:
        schedule, quiet = WANTED[name]
        one = Subscription("", parse_address(name), schedule, "en", quiet=quiet)
        store, known = self.world.store, self.out()
        made = await store.run(lambda t: subscriptions.subscribe(store, t, one, self.world.now, known))
        self.channels[name] = Channel(name, made, set(known), addresses={name})

    def until_next_slot(self) -> timedelta:
        schedules = [channel.subscription.schedule for channel in self.channels.values()]
        return min(next(schedule.slots(self.world.now)).at for schedule in schedules) - self.world.now

    async def tick(self) -> None:
        """Plan, and hold what was planned against the promises."""
        await self.world.planner.tick(self.world.now)
        out = self.out()
        for channel in self.channels.values():
            channel.spared |= {id for id in out if not channel.subscription.takes(self.world.base.items[id])}
        fresh = [part for part in await self.world.parts() if part.id not in self.planned]
        self.planned |= {part.id: part for part in fresh}
        for part in fresh:
            self._check_planned(part, out)
        slots = Counter((part.chat, part.slot) for part in fresh)
        assert max(slots.values(), default=0) <= MOST_PARTS, "five parts a slot at most"
        planned = Counter((part.chat, part.slot, part.part) for part in self.planned.values() if part.part)
        assert max(planned.values(), default=0) <= 1, "one digest a slot"

    def _check_planned(self, part: Delivery, out: set[str]) -> None:
        one = self.channel(part.chat).subscription
        assert not one.paused
        assert timedelta(0) <= self.world.now - part.slot <= CATCH_UP, "not before its slot, and not long after"
        assert part.due == one.wakes(self.world.now), "not in quiet hours"
        assert set(part.items) <= out - self.held, "held, withdrawn or not yet published"
        again = part.reply.text.startswith("↻")
        assert again or all(one.takes(self.world.base.items[id]) for id in part.items), "filtered"

    async def deliver(self) -> None:
        """Let the platforms have what is due, and look at what they got."""
        before = {name: len(platform.calls) for name, platform in self.world.platforms.items()}
        await self.world.deliver()
        for name, platform in self.world.platforms.items():
            for at, address, key in platform.calls[before[name] :]:
                assert at >= self.planned[key].due
                channel = self.channel(self.planned[key].chat)
                channel.addresses.add(address)
                self._check_order(channel, key)
        self._check_copies()
        await self._check_paused()

    def _check_order(self, channel: Channel, key: str) -> None:
        """Of one chat a part is begun when all before it are done with, and none is taken up again after that."""
        if channel.keys[-1:] == [key] or key in self.settled:
            return
        places = [(self.planned[other].slot, self.planned[other].part) for other in channel.keys if other not in self.settled]
        assert (self.planned[key].slot, self.planned[key].part) > max(places, default=(self.planned[key].slot, 0))
        channel.keys.append(key)

    def copies(self, channel: Channel) -> tuple[Counter[str], Counter[str]]:
        plain, marked = Counter[str](), Counter[str]()
        platform = self.world.platforms[channel.subscription.address.platform]
        for address in channel.addresses:
            one, other = platform.copies(address)
            plain, marked = plain + one, marked + other
        return plain, marked

    def _check_copies(self) -> None:
        for channel in self.channels.values():
            plain, marked = self.copies(channel)
            for id in plain | marked:
                assert plain[id] <= 1 + channel.again[id], f"{channel.name}: {id} repeated without a word"
                assert marked[id] <= 1 + 2 * channel.looked_at[id], f"{channel.name}: {id} a third time"

    async def _check_paused(self) -> None:
        """A chat that is gone rests; the model learns that."""
        for one in await self.world.store.run(lambda t: subscriptions.all_subscriptions(self.world.store, t)):
            channel = self.channel(one.id)
            if one.paused == "gone":
                platform = self.world.platforms[one.address.platform]
                assert str(one.address) in platform.gone
            channel.subscription = one

    async def check_nothing_lost(self) -> None:
        """Long after all was put right."""
        parts = await self.world.parts()
        assert not [part for part in parts if part.state in (PENDING, "sending")]
        for channel in self.channels.values():
            own = [part for part in parts if part.chat == channel.subscription.id]
            uncertain = Counter(id for part in own if part.state == UNKNOWN for id in part.items)
            refused = {id for part in own if part.state == FAILED and part.why == "refused" for id in part.items}
            spared = (
                channel.spared | channel.settled | self.held | refused | {id for id, times in uncertain.items() if times > 1}
            )
            plain, marked = self.copies(channel)
            owed = {id for id in self.out() if channel.subscription.takes(self.world.base.items[id])} - spared
            assert channel.subscription.paused or owed <= set(plain + marked), f"{channel.name} never saw {owed - set(plain)}"
