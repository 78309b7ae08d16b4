"""A reverse proxy in front of the homeserver: notes what passes, and breaks what it is told to break."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import random
import socket
import struct
import time
from collections.abc import Coroutine
from typing import Any, NamedTuple, NoReturn, Self

import aiohttp
from aiohttp import web
from yarl import URL

from tests.matrix.faults import Deed, Fault, made_up

__all__ = ["Fault", "Passed", "Proxy"]

# The proxy's own connection and lengths; everything else passes unchanged.
_OWN_HEADERS = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date", "server"}
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: closing sends RST


class Passed(NamedTuple):
    """One request; status 0 if no answer left the proxy."""

    time: float
    method: str
    path: str
    status: int


class Proxy:
    """`async with Proxy(hs.url) as proxy`; clients go to `proxy.url`. Paths are decoded and without query."""

    def __init__(self, target: str, seed: int = 0) -> None:
        self.requests: list[Passed] = []
        self.faults: list[Fault] = []
        self.url = ""
        self._target, self._dice, self._down = target, random.Random(seed), False
        self._transports: set[asyncio.Transport] = set()
        self._at_work: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        # Nothing of a client's request may hang on the number of connections or on the proxy's patience.
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        )
        self._web = web.Server(self._handle, handler_cancellation=True, access_log=None)
        self._server = await asyncio.get_running_loop().create_server(self._connection, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self._reset_all()
        for task in self._at_work:
            task.cancel()
        await asyncio.gather(*self._at_work, return_exceptions=True)
        await self._web.shutdown(timeout=0)
        await self._session.close()
        await self._server.wait_closed()

    @property
    def down(self) -> bool:
        """While true every connection is reset, those that are open included."""
        return self._down

    @down.setter
    def down(self, down: bool) -> None:
        self._down = down
        if down:
            self._reset_all()

    def _connection(self) -> asyncio.Protocol:
        return _Refusal() if self._down else self._web()

    def _reset_all(self) -> None:
        for connection in list(self._web.connections):
            _reset(connection.transport)

    def _to_the_end(self, work: Coroutine[Any, Any, Any]) -> asyncio.Future[Any]:
        """Goes on when whoever waits for it is cancelled, because the client hung up."""
        task = asyncio.create_task(work)
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)
        return asyncio.shield(task)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        arrived, path, status = time.monotonic(), request.path, 0
        work = self._answer(request)
        try:
            # A client that hangs up stops a long poll. What changes something goes on: it has reached the homeserver.
            response = await (work if request.method == "GET" else self._to_the_end(work))
            if response is None:
                _reset(request.transport)
                await _never()  # the lost connection cancels this
            status = response.status
            return response
        finally:
            self.requests.append(Passed(arrived, request.method, path, status))

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse | None:
        """None: no answer, the connection is to be reset."""
        body = await request.read()
        fault = next((fault for fault in self.faults if fault.strikes(request.method, request.path, self._dice)), None)
        if fault is None:
            return await self._pass(request, body)
        if fault.before is not None:
            return await _strike(fault.before, fault)
        response = await self._pass(request, body)
        if response.status >= 300:  # refused: there is no "after acceptance"
            fault.struck -= 1
            return response
        if callable(fault.after):
            await self._to_the_end(_do(fault.after))
            return response
        return response if fault.after is None else await _strike(fault.after, fault)

    async def _pass(self, request: web.BaseRequest, body: bytes) -> web.Response:
        url = URL(self._target + request.raw_path, encoded=True)
        try:
            async with self._session.request(
                request.method, url, headers=_passing(request.headers), data=body or None, allow_redirects=False
            ) as answer:
                return web.Response(status=answer.status, headers=_passing(answer.headers), body=await answer.read())
        except aiohttp.ClientError:
            return made_up("502")  # as a reverse proxy says it when the homeserver is away


class _Refusal(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        _reset(transport)


async def _do(deed: Deed) -> None:
    done = deed()
    if inspect.isawaitable(done):
        await done


async def _never() -> NoReturn:
    await asyncio.get_running_loop().create_future()
    raise AssertionError


async def _strike(kind: str, fault: Fault) -> web.Response | None:
    if kind == "reset":
        return None
    if kind == "hang":
        await _never()
    return made_up(kind, fault.retry_after_ms)


def _passing(headers: Any) -> Any:
    kept = headers.copy()
    for name in _OWN_HEADERS & {name.lower() for name in headers}:
        with contextlib.suppress(KeyError):
            kept.popall(name)
    return kept


def _reset(transport: asyncio.BaseTransport | None) -> None:
    if isinstance(transport, asyncio.Transport):
        connection = transport.get_extra_info("socket")
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
