"""Updates under way. The platform is told of an update only once it is done, so that a crash makes it deliver it again.

Nothing of an update is on disk. In a chat one after the other, all chats at once; where several people write in a chat, each
gets a turn before anybody gets another, and what one of them says stays in order. What its own chat holds up is set free:
it lives on in memory, and no longer keeps the platform from hearing that later ones are done.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.logs import Event, fail, warn
from bot.tasks import is_cancelled

Work = Callable[[], Awaitable[None]]
PATIENCE = 10.0
"""Seconds after which an update is set free."""
MOST_WAITING = 60
"""Updates of one chat that wait; of more the last is lost, which is one of whoever floods."""


@dataclass(slots=True)
class _Update:
    key: int
    chat: str
    work: Work
    since: float
    sender: bytes = b""
    turn: int = 0
    open: bool = True


@dataclass
class Inbox:
    """`held_up(chat)` says for how many seconds the chat itself cannot be answered, `all_held_up()` whether nobody can.

    `waits(chat)`: whether its call still waits for its turn. `heard` is when the platform last answered, `turned` when
    the loop that fills the inbox last came round, None while none does.
    """

    held_up: Callable[[str], float]
    all_held_up: Callable[[], float]
    clock: Callable[[], float] = time.monotonic
    waits: Callable[[str], bool] = lambda chat: True
    most_waiting: int = MOST_WAITING
    set_free: int = 0
    shed: int = 0
    lost: int = 0
    heard: float | None = None
    turned: float | None = None
    _window: dict[int, _Update] = field(default_factory=dict)
    _chats: dict[str, deque[_Update]] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    def knows(self, key: int) -> bool:
        """Whether an update is under way, or done and not yet confirmed."""
        return key in self._window

    def take(self, key: int, chat: str, work: Work, sender: bytes = b"") -> bool:
        """Do the work of an update when its turn in its chat comes; False where whoever sent it floods, and it never will.

        `sender` is a mark of whoever sent it; what came without one counts as of one sender.
        """
        update = self._window[key] = _Update(key, chat, work, self.clock(), sender)
        waiting = self._chats.get(chat)
        if waiting is None:
            self._chats[chat] = deque([update])
            self._tasks[chat] = asyncio.create_task(self._serve(chat))
            return True
        own = max((other.turn + 1 for other in waiting if other.sender == sender), default=0)
        update.turn = max(waiting[0].turn, own)
        waiting.insert(sum(other.turn <= update.turn for other in waiting), update)
        if len(waiting) <= self.most_waiting:
            return True
        last = waiting.pop()
        self.shed += 1
        self._close(last)
        _drop(last)
        warn(Event.UPDATE_SHED, count=self.shed)
        return last is not update

    def skip(self, key: int) -> None:
        """Nothing is to be done for this update."""
        update = self._window[key] = _Update(key, "", _nothing, self.clock())
        self._close(update)

    def offset(self) -> int | None:
        """The first update that is not done, else the one after the last; None where nothing was taken."""
        last = None
        for key in list(self._window):
            if self._window[key].open:
                return key
            last = key
            if len(self._window) > 1:
                del self._window[key]
        return None if last is None else last + 1

    def turn(self) -> None:
        """The loop that fills the inbox came round."""
        self.turned = self.clock()

    def hear(self) -> None:
        """The platform answered."""
        self.heard = self.clock()

    def confirmed(self) -> None:
        """The platform knows that all is done."""
        if not self.open():
            self._window.clear()

    def open(self) -> int:
        """How many are not done and not set free."""
        return sum(update.open for update in self._window.values())

    def under_way(self) -> int:
        """How many wait or are worked on, also those set free."""
        return sum(len(waiting) for waiting in self._chats.values())

    def sweep(self, *, full: bool = False) -> None:
        """Set free what took too long, and what surely will; with a full window all that waits for its own chat.

        A full window hides whatever comes after it, so that a chat which floods would silence the others.
        """
        if self.all_held_up():
            return
        now = self.clock()
        for update in self._window.values():
            if not update.open:
                continue
            age, held_up = now - update.since, self.held_up(update.chat)
            behind = self._chats[update.chat][0] is not update
            if age + held_up >= PATIENCE or (full and (held_up > 0 or behind)):
                self.set_free += 1
                warn(Event.UPDATE_SET_FREE, count=self.set_free)
                self._close(update)

    async def moved(self, seconds: float) -> bool:
        """Whether the offset moved within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._moved.wait()
        except TimeoutError:
            return False
        finally:
            self._moved.clear()
        return True

    async def drain(self, seconds: float) -> int | None:
        """Let what is under way come to its end; what is not done by then is dropped, and counted if it was set free.

        What only waits and was not set free is dropped at once: the platform will deliver it again. The first update that
        did not come to its end, None where all did.
        """
        for chat, waiting in self._chats.items():
            first, *rest = waiting
            waiting.clear()
            waiting.extend([first, *(update for update in rest if not update.open)])
            # Only what has not left yet: a call that is cut off may have arrived, and would be repeated.
            if self.held_up(chat) > seconds and self.waits(chat):
                self._tasks[chat].cancel()
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        lost = sum(not update.open for waiting in self._chats.values() for update in waiting)
        self.lost, self.turned = self.lost + lost, None
        if lost:
            fail(Event.UPDATE_LOST, count=lost)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        left = [key for key, update in self._window.items() if update.open]
        left += [update.key for waiting in self._chats.values() for update in waiting]
        # Whoever listens again takes anew what the platform delivers again.
        self._chats.clear()
        self._window.clear()
        return min(left, default=None)

    async def _serve(self, chat: str) -> None:
        waiting = self._chats[chat]
        try:
            while waiting:
                try:
                    await waiting[0].work()
                except asyncio.CancelledError as error:
                    if is_cancelled():
                        raise
                    fail(Event.ANSWER_FAILED, exception=error)
                except Exception as error:  # Whatever fails in one update must not stop the next.
                    fail(Event.ANSWER_FAILED, exception=error)
                self._close(waiting[0])
                _drop(waiting.popleft())
        finally:
            del self._tasks[chat]
            if not waiting:
                del self._chats[chat]

    def _close(self, update: _Update) -> None:
        if update.open:
            update.open = False
            self._moved.set()


def _drop(update: _Update) -> None:
    """Its number stays until the platform knows that it is done; of what was said and by whom nothing does."""
    update.chat, update.work, update.sender = "", _nothing, b""


async def _nothing() -> None:
    """The work of an update that asks for nothing."""
