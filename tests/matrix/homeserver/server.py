"""The homeserver: its process, its accounts, and its client API as anybody can call it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import secrets
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.matrix.calls import MatrixError, call, expect
from tests.matrix.homeserver.config import write_config
from tests.matrix.homeserver.installing import ensure_installed

_REGISTER = "/_synapse/admin/v1/register"
# Synapse must not outlive tests that were killed: PR_SET_PDEATHSIG is 1 on Linux.
_RUN = """
import ctypes, runpy, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
runpy.run_module("synapse.app.homeserver", run_name="__main__", alter_sys=True)
"""


class Homeserver:
    """A Synapse on a free port. No part of it is bound to an event loop: one serves a whole session of tests."""

    def __init__(self, python: Path, folder: Path, lifted: bool) -> None:
        self.folder, self.database = folder, folder / "homeserver.db"
        self._python, self._secret = python, secrets.token_hex()
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._config = write_config(folder, port, self._secret, lifted)
        self._process: subprocess.Popen[bytes] | None = None
        self._stranger: str | None = None

    @classmethod
    @asynccontextmanager
    async def start(cls, folder: Path, *, limits: bool = True) -> AsyncIterator[Homeserver]:
        """A running homeserver with all limits lifted; `limits=False` leaves Synapse's own: five logins in all."""
        folder.mkdir(parents=True, exist_ok=True)
        python = await asyncio.to_thread(ensure_installed)
        homeserver = cls(python, folder, limits)
        try:
            await homeserver.run()
            yield homeserver
        finally:
            await homeserver.stop()

    async def run(self) -> None:
        """Start the process and wait until it answers."""
        with (self.folder / "output.log").open("ab") as output:
            command = [str(self._python), "-c", _RUN, "-c", str(self._config)]
            # Not asyncio's: its processes belong to one event loop.
            self._process = subprocess.Popen(  # noqa: ASYNC220
                command, cwd=self.folder, stdout=output, stderr=output
            )
        deadline = time.monotonic() + 30
        while not await self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                await self.kill()
                raise RuntimeError(f"Synapse did not start: {(self.folder / 'output.log').read_text()[-2000:]}")
            await asyncio.sleep(0.03)

    async def stop(self) -> None:
        """SIGTERM, as an operator's restart does; nothing if it is not running."""
        if self._process is not None:
            self._process.terminate()
            if not await self._ended(10):
                await self.kill()
            self._process = None

    async def kill(self) -> None:
        """SIGKILL: what was not written is lost."""
        if self._process is not None:
            self._process.kill()
            await self._ended(10)
            self._process = None

    async def restart(self) -> None:
        """Stop and run again, at the same address with the same database."""
        await self.stop()
        await self.run()

    async def register(self, name: str, password: str, admin: bool = False, displayname: str | None = None) -> str:
        """A new account without any device; its user id."""
        nonce = expect(await self.request("GET", _REGISTER))["nonce"]
        parts = (nonce, name, password, "admin" if admin else "notadmin")
        mac = hmac.new(self._secret.encode(), "\0".join(parts).encode(), hashlib.sha1).hexdigest()
        body = {"nonce": nonce, "username": name, "password": password, "admin": admin, "mac": mac}
        body |= {"inhibit_login": True, "displayname": displayname or name}
        return str(expect(await self.request("POST", _REGISTER, json=body))["user_id"])

    async def new_user(self, prefix: str, admin: bool = False) -> tuple[str, str]:
        """An account that no other test has, with its password; shown to others as `prefix`."""
        password = secrets.token_urlsafe(12)
        return await self.register(f"{prefix}-{secrets.token_hex(4)}".lower(), password, admin, prefix), password

    async def login(self, user_id: str, password: str, device_id: str | None = None) -> str:
        """An access token; without a device id, that of a new device."""
        body: dict[str, Any] = {"type": "m.login.password", "password": password}
        body["identifier"] = {"type": "m.id.user", "user": user_id}
        if device_id is not None:
            body["device_id"] = device_id
        return str(expect(await self.request("POST", "/_matrix/client/v3/login", json=body))["access_token"])

    async def request(self, method: str, path: str, token: str | None = None, json: Any = None) -> tuple[int, Any]:
        """Status and body of one call, whatever it says."""
        return await call(self.url, method, path, token, json)

    async def keys(self, user_id: str) -> dict[str, Any]:
        """What a stranger learns about an account's devices and cross-signing keys (/keys/query)."""
        if self._stranger is None:
            self._stranger = await self.login(*await self.new_user("stranger"))
        body: dict[str, Any] = {"device_keys": {user_id: []}}
        answer: dict[str, Any] = expect(await self.request("POST", "/_matrix/client/v3/keys/query", self._stranger, body))
        return answer

    async def _answers(self) -> bool:
        with contextlib.suppress(aiohttp.ClientError, MatrixError, OSError):
            return (await self.request("GET", "/_matrix/client/versions"))[0] == 200
        return False

    async def _ended(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self._process is not None and self._process.poll() is None:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.01)
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
