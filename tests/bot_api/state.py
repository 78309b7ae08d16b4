"""What the server knows: messages, what was sent, what was called; and waiting for it to change."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

from .chats import Call, Chat, User, public
from .faults import Fault, Json
from .schema import Schema
from .updates import UpdateQueue


class State:
    """The base of the server: its records, its clock, and waiting for either to change."""

    def __init__(self, token: str, seed: int, clock: Callable[[], float], username: str, name: str) -> None:
        self.token, self.clock, self.random = token, clock, random.Random(seed)
        self.me = User(int(token.partition(":")[0]), name, username=username, is_bot=True)
        self.can_read_all_group_messages, self.mentions_arrive = False, True
        self.latency, self.query_lifetime = 0.0, 150.0
        self.webhook = ""
        self.users: dict[int, User] = {}
        self.chats: dict[int, Chat] = {}
        self.sent: list[Json] = []
        self.edits: list[Json] = []
        self.calls: list[Call] = []
        self.answered_queries: list[Json] = []
        self.violations: list[str] = []
        self.previews: list[Json] = []
        self.faults: list[Fault] = []
        self.queries: dict[str, float] = {}
        self.schema = Schema(self.violations)
        self.queue = UpdateQueue(self.now, self.random)
        self.queue.on_confirm = self.notify
        self._advanced, self._last_id = 0.0, self.random.randrange(100, 10_000)
        self._waiters: set[asyncio.Future[None]] = set()

    def now(self) -> float:
        """Returns the server's time in seconds since 1970."""
        return self.clock() + self._advanced

    def advance(self, seconds: float) -> None:
        """Puts the server's clock forward."""
        self._advanced += seconds

    def renumber(self, first: int | None = None) -> None:
        """Restarts update ids at a random number (or `first`); raises RuntimeError while updates wait."""
        self.queue.renumber(first)

    @property
    def pending(self) -> list[Json]:
        """The updates queued and not confirmed."""
        return [queued.update for queued in self.queue.waiting]

    def messages(self, chat_id: int) -> list[Json]:
        """Returns the messages that stand in a chat, people's and the bot's, oldest first."""
        return list(self.chats[chat_id].messages.values())

    def sent_to(self, chat_id: int) -> list[Json]:
        """Returns the bot's messages to a chat, deleted ones too (they carry `_deleted`)."""
        return [message for message in self.sent if message["chat"]["id"] == chat_id]

    def keep(self, chat: Chat, message: Json, message_id: int | None = None) -> Json:
        """Numbers a message, stores it and returns it."""
        if message_id is not None:
            chat.last_id = max(chat.last_id, message_id)
        elif chat.kind in ("supergroup", "channel"):
            message_id = chat.last_id = chat.last_id + 1
        else:
            # Private chats and basic groups of an account share one numbering.
            message_id = self._last_id = self._last_id + 1
        message = {"message_id": message_id, "_at": time.monotonic()} | message
        chat.messages[message_id] = message
        return message

    def compose(self, chat: Chat, sender: Json, thread: int | None, reply_to: Json | None, **content: Any) -> Json:
        """Returns an unnumbered message with the thread fields and the reply as Telegram would set them."""
        message: Json = {"date": int(self.now()), "chat": chat.brief()} | sender
        topic = chat.topics.get(thread or 0)
        if chat.is_forum and topic is not None and topic.id != 1:
            message |= {"message_thread_id": topic.id, "is_topic_message": True}
            reply_to = reply_to or topic.opening
        elif chat.kind == "supergroup" and not chat.is_forum and reply_to is not None:
            # A plain reply chain carries the id of its root and is no topic.
            message["message_thread_id"] = reply_to.get("message_thread_id", reply_to["message_id"])
        if reply_to is not None:
            message["reply_to_message"] = public(reply_to, nested=False)
        return message | content

    def notify(self) -> None:
        """Wakes everything that waits for a change."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    async def wait_for(self, done: Callable[[], bool], timeout: float = 20.0, what: str = "") -> None:  # noqa: ASYNC109 - it says what was missing
        """Waits until done() is true; raises TimeoutError saying what was missing."""
        until = time.monotonic() + timeout
        while not done():
            if (left := until - time.monotonic()) <= 0:
                raise TimeoutError(f"{what or 'condition'} not met in {timeout} s: {self._summary()}")
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            await asyncio.wait([waiter], timeout=left)
            self._waiters.discard(waiter)

    async def wait_sent(self, n: int, timeout: float = 20.0) -> list[Json]:  # noqa: ASYNC109 - it says what was missing
        """Waits until the bot has sent n messages in all and returns them; raises TimeoutError."""
        await self.wait_for(lambda: len(self.sent) >= n, timeout, f"{n} messages sent")
        return self.sent

    async def wait_calls(self, method: str, n: int = 1, timeout: float = 20.0) -> list[Call]:  # noqa: ASYNC109 - it says what was missing
        """Waits until a method was called n times in all and returns those calls; raises TimeoutError."""
        await self.wait_for(lambda: len(self.calls_of(method)) >= n, timeout, f"{n} calls of {method}")
        return self.calls_of(method)

    async def wait_drained(self, timeout: float = 20.0) -> None:  # noqa: ASYNC109 - it says what was missing
        """Waits until every queued update is confirmed; raises TimeoutError."""
        await self.wait_for(lambda: not self.queue.waiting, timeout, "all updates confirmed")

    def calls_of(self, method: str) -> list[Call]:
        """Returns the calls of one method."""
        return [call for call in self.calls if call.method == method]

    def _summary(self) -> str:
        texts = [message.get("text") for message in self.sent[-5:]]
        called = [call.method for call in self.calls[-10:]]
        return f"{len(self.sent)} sent, last {texts}; last calls {called}; violations {self.violations[-5:]}"
