"""The HTTP side: reading calls, faults, answers."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp import web

from . import schema
from .chats import Call
from .faults import WEBHOOK, ApiError, Damage, Fault, Json, bad
from .methods import actions, unmodelled
from .profile import Profile
from .talk import Talk

BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
GARBAGE = b'{"ok":true,"result":{"message_id":1'


class BotApi(Talk):
    """A Bot API server on 127.0.0.1; use as `async with BotApi() as api`."""

    def __init__(
        self,
        token: str = "123456:TEST",
        *,
        seed: int = 0,
        clock: Callable[[], float] = time.time,
        username: str = "test_bot",
        name: str = "Test bot",
        port: int = 0,
    ) -> None:
        super().__init__(token, seed, clock, username, name)
        self.profile = Profile(name)
        self.url = ""
        self._port = port
        self._actions = actions(self, self.profile)
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> BotApi:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> BotApi:
        """Opens the port; the schema is loaded first, so that no call waits for it."""
        for method in ("getMe", "getUpdates", "sendMessage"):
            schema.method(method)
        app = web.Application(client_max_size=50 * 2**20)
        self.routes(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    def routes(self, app: web.Application) -> None:
        """Adds what the server answers."""
        app.router.add_route("*", "/bot{token}/{method}", self._handle)

    async def stop(self) -> None:
        """Closes the port at once, hanging calls included."""
        self._stopping.set()
        self.queue.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["token"] != self.token:
            return answer(ApiError(401, "Unauthorized"))
        method = request.match_info["method"]
        try:
            params = self._read(method, await read(request))
        except ApiError as error:
            return answer(error)
        fault = self._fault(method, params)
        if method != "getUpdates" and self.latency:
            await asyncio.sleep(self.latency)
        if fault is not None and fault.after is None:
            await asyncio.sleep(fault.delay)
        if fault is not None and fault.before is not None:
            return await self._damage(request, fault.before)
        if fault is not None and fault.error is not None:
            return answer(fault.error)
        response = await self._carry_out(method, params)
        if fault is not None and fault.after is not None:
            await asyncio.sleep(fault.delay)
            return await self._damage(request, fault.after)
        return response

    def _read(self, method: str, raw: Json) -> Json:
        call = Call(time.monotonic(), method, raw)
        self.calls.append(call)
        self.notify()
        params = self.schema.read(method, raw)
        if problem := unmodelled(method, params):
            raise self.schema.refuse(problem)
        raw.clear()
        raw.update(params)
        return params

    def _fault(self, method: str, params: Json) -> Fault | None:
        found = next((f for f in self.faults if f.takes(method, params.get("chat_id"), self.random)), None)
        if found is not None and found.times == 0:
            self.faults.remove(found)
        return found

    async def _carry_out(self, method: str, params: Json) -> web.Response:
        try:
            if method == "getUpdates" and self.webhook:
                raise ApiError(409, WEBHOOK)
            if method == "getUpdates":
                return answer(await self.queue.poll(params))
            result = self._actions[method](params)
            self.schema.check(method, result)
            self.notify()
            return answer(result)
        except ApiError as error:
            return answer(error)
        except Exception as error:
            self.violations.append(f"{method}: the server itself failed: {error!r}")
            raise

    async def _damage(self, request: web.Request, damage: Damage) -> web.Response:
        if damage == "502":
            return web.Response(status=502, text=BAD_GATEWAY, content_type="text/html")
        if damage == "garbage":
            return web.Response(body=GARBAGE, content_type="application/json")
        if damage == "hang":
            await self._until_gone(request)
        if request.transport is not None:
            if damage == "reset" and (sock := request.transport.get_extra_info("socket")) is not None:
                # Lingering for no time makes the kernel send RST instead of FIN.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            request.transport.abort()
        return web.Response()

    async def _until_gone(self, request: web.Request) -> None:
        while request.transport is not None and not request.transport.is_closing() and not self._stopping.is_set():
            # Nothing tells a handler that its client has gone, so it has to look.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), 0.02)


async def read(request: web.Request) -> Json:
    """Returns the parameters of a call from its query and its body, of whichever type; raises ApiError."""
    values: Json = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            raise bad("can't parse JSON object") from None
        if not isinstance(body, dict):
            raise bad("can't parse JSON object")
        return values | body
    return values | dict(await request.post())


def answer(result: Any) -> web.Response:
    """Returns the HTTP response for a result or an ApiError."""
    if not isinstance(result, ApiError):
        return web.json_response({"ok": True, "result": result})
    headers = {} if result.retry_after is None else {"Retry-After": str(result.retry_after)}
    return web.json_response(result.body(), status=result.code, headers=headers)
