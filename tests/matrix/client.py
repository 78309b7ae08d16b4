"""A human's client: nio, syncing in the background as apps do."""
# ruff: noqa: ASYNC109 - the error of a wait says what did not come

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import nio

from tests.matrix.calls import MatrixError
from tests.matrix.content import Seen, seen_of

_POLL = 20_000  # milliseconds
_DEADLINE = 30  # seconds for a login or a send
_FILTER = {"room": {"timeline": {"limit": 100}}, "presence": {"types": []}}  # the default is ten events a room
_Response = TypeVar("_Response")


class Client:
    """One device. What came is in `seen`, `redacted`, `unreadable` and `nio.rooms`; `until` waits for more."""

    def __init__(self, url: str, user_id: str, device_id: str | None, folder: Path, encrypted: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # People wait out 429s, as apps do; a connection that breaks is an error for the test to see.
        config = nio.AsyncClientConfig(encryption_enabled=encrypted, max_timeouts=0, request_timeout=30)
        self.nio = nio.AsyncClient(url, user_id, device_id or "", str(folder), config)
        self.seen: defaultdict[str, dict[str, Seen]] = defaultdict(dict)
        self.redacted: defaultdict[str, set[str]] = defaultdict(set)
        self.unreadable: defaultdict[str, dict[str, nio.MegolmEvent]] = defaultdict(dict)
        self._known: set[str] = set()
        self._turn, self._news = asyncio.Lock(), asyncio.Condition()
        self._poll: asyncio.Task[Any] | None = None  # the background's, which may be cut short
        self._background: asyncio.Task[None] | None = None
        self._failure: Exception | None = None

    async def open(self, password: str) -> None:
        """Log in, sync once, go on syncing."""
        async with asyncio.timeout(_DEADLINE):  # with Synapse's own limits the sixth login waits for minutes
            expect(await self.nio.login(password, "a person's device"), nio.LoginResponse)
        await self.sync_once()
        self._background = asyncio.create_task(self._sync_on())

    async def close(self) -> None:
        if self._background is not None:
            self._background.cancel()
            await asyncio.gather(self._background, return_exceptions=True)
        await self.nio.close()
        if self.nio.store is not None:
            self.nio.store.database.close()

    async def sync_once(self) -> None:
        """Everything that is at the homeserver now; cuts the background's long poll short."""
        if self._poll is not None:
            self._poll.cancel()
        async with self._turn:
            before = None
            while before != self.nio.next_batch:  # Synapse may repeat an old response for two minutes
                before = self.nio.next_batch
                await self._take_turn(asyncio.create_task(self._sync(0)))

    async def until(self, done: Callable[[], bool], what: str, timeout: float) -> None:
        """Wait for what syncing brings."""
        try:
            async with asyncio.timeout(timeout), self._news:
                await self._news.wait_for(lambda: done() or self._failure is not None)
        except TimeoutError:
            raise TimeoutError(f"not within {timeout} s: {what}") from None
        if not done() and self._failure is not None:
            raise self._failure

    async def send(self, room: str, kind: str, content: dict[str, Any], tx_id: str | None = None) -> str:
        """The event id. Who is in the room, and with which devices, is looked up first."""
        await self.sync_once()
        try:
            async with asyncio.timeout(_DEADLINE):
                response = await self.nio.room_send(room, kind, content, tx_id, ignore_unverified_devices=True)
        except BaseException:
            self.nio.sharing_session.pop(room, None)  # nio would let every later send to this room wait for ever
            raise
        return str(expect(response, nio.RoomSendResponse).event_id)

    async def _sync_on(self) -> None:
        while True:
            try:
                async with self._turn:
                    self._poll = asyncio.create_task(self._sync(_POLL))
                    await self._take_turn(self._poll)
            except (MatrixError, aiohttp.ClientError, TimeoutError, OSError):
                await asyncio.sleep(0.2)  # the homeserver is away, or restarts
            except Exception as error:
                self._failure = error  # raised to whoever waits
                await self._tell()
                raise

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _sync(self, poll: int) -> Any:
        first = self.nio.next_batch is None
        return await self.nio.sync(poll, _FILTER, full_state=True if first else None)

    async def _take_turn(self, sync: asyncio.Task[Any]) -> None:
        """One sync, and what nio wants to send after it."""
        before = self.nio.next_batch
        try:
            await asyncio.wait([sync])
        finally:
            sync.cancel()
        if sync.cancelled():
            return
        response = expect(sync.result(), nio.SyncResponse)
        if self.nio.olm is not None:
            await self._care_for_keys(response)
        if response.next_batch != before:
            self._take(response)
        await self._tell()

    async def _care_for_keys(self, response: nio.SyncResponse) -> None:
        if response.device_key_count.signed_curve25519 == 0:
            self.nio.olm.uploaded_key_count = 0  # nio takes nought for unknown, and would never upload again
        if self.nio.should_upload_keys:
            expect(await self.nio.keys_upload(), nio.KeysUploadResponse)
        if self.nio.should_query_keys:
            expect(await self.nio.keys_query(), nio.KeysQueryResponse)
        if self.nio.should_claim_keys:
            expect(await self.nio.keys_claim(self.nio.get_users_for_key_claiming()), nio.KeysClaimResponse)
        await self.nio.send_to_device_messages()

    def _take(self, response: nio.SyncResponse) -> None:
        for room, joined in response.rooms.join.items():
            if joined.timeline.limited and room in self._known:
                raise RuntimeError("more messages came at once than this client takes: it would lose some")
            self._known.add(room)
            for event in joined.timeline.events:
                self._take_event(room, event)
        for room, waiting in self.unreadable.items():  # keys may come after the message
            for event in list(waiting.values()):
                with contextlib.suppress(nio.EncryptionError):
                    self._take_event(room, self.nio.decrypt_event(event))

    def _take_event(self, room: str, event: Any) -> None:
        if isinstance(event, nio.UnknownBadEvent):
            return  # has no event id
        self.unreadable[room].pop(event.event_id, None)
        if isinstance(event, nio.MegolmEvent):
            self.unreadable[room][event.event_id] = event
        elif isinstance(event, nio.RedactionEvent):
            self.redacted[room].add(event.redacts)
        elif isinstance(event, nio.RedactedEvent):
            self.redacted[room].add(event.event_id)
        elif event.source.get("type") == "m.room.message":
            self.seen[room].setdefault(event.event_id, seen_of(event))


def expect(response: Any, wanted: type[_Response]) -> _Response:
    """The response, unless it is one of the errors that nio returns instead of raising."""
    if isinstance(response, wanted):
        return response
    status = getattr(getattr(response, "transport_response", None), "status", None)
    code, text = getattr(response, "status_code", None), getattr(response, "message", type(response).__name__)
    raise MatrixError(status, str(code or ""), str(text))
