"""The server in a process of its own, and the helper that starts and steers it."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import aiohttp

from .control import ControlledApi
from .faults import Fault, Json

ROOT = Path(__file__).resolve().parents[2]


class RemoteBotApi:
    """Starts the server as a subprocess; users and chats are given by id, messages as they were told.

    Every call raises TimeoutError or RuntimeError when the server refuses it.
    """

    def __init__(self, token: str = "123456:TEST", seed: int = 0) -> None:
        self.token, self.seed = token, seed
        self.url = ""
        self.process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> RemoteBotApi:
        command = ["-m", f"{__package__}.process", "--port", "0", "--token", self.token, "--seed", str(self.seed)]
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, *command, "--while-stdin", cwd=ROOT, stdin=pipe, stdout=pipe
        )
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), 60)
        self.url = json.loads(line)["url"]
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.communicate()

    async def call(self, name: str, /, **arguments: Any) -> Any:
        """Calls /control/{name} and returns its result."""
        assert self._session is not None
        async with self._session.post(f"{self.url}/control/{name}", json=arguments) as response:
            body = await response.json()
        if "error" in body:
            raise (TimeoutError if body["kind"] == "TimeoutError" else RuntimeError)(f"{body['kind']}: {body['error']}")
        return body["result"]

    async def user(self, id: int, name: str = "Ana", language_code: str | None = None) -> Json:
        """Makes a user who has started the bot."""
        result: Json = await self.call("user", id=id, name=name, language_code=language_code)
        return result

    async def say(self, user: int, text: str, **more: Any) -> Json:
        """Writes a text and returns the message."""
        result: Json = await self.call("say", user=user, text=text, **more)
        return result

    async def click(self, user: int, message: Json, data_or_index: str | int, **more: Any) -> str:
        """Taps a button and returns the id of the query."""
        result: str = await self.call("click", user=user, message=message, data_or_index=data_or_index, **more)
        return result

    async def add_fault(self, *faults: Fault) -> int:
        """Adds faults and returns how many are left in all."""
        result: int = await self.call("faults", faults=[asdict(fault) for fault in faults])
        return result

    async def set_latency(self, seconds: float) -> None:
        """Sets the seconds added to each call but getUpdates."""
        await self.call("latency", seconds=seconds)

    async def sent(self, since: int = 0) -> list[Json]:
        """Returns the messages sent, as they now stand."""
        result: list[Json] = await self.call("sent", since=since)
        return result

    async def texts(self, since: int = 0) -> list[str]:
        """Returns the texts of the messages sent."""
        return [message["text"] for message in await self.sent(since)]

    async def calls(self, method: str | None = None) -> list[list[Any]]:
        """Returns calls as [time, method, params]."""
        result: list[list[Any]] = await self.call("calls", method=method)
        return result

    async def state(self) -> Json:
        """Returns counts (sent, edits, calls, pending, faults), violations and previews."""
        result: Json = await self.call("state")
        return result

    async def violations(self) -> list[str]:
        """Returns the violations."""
        result: list[str] = (await self.state())["violations"]
        return result

    async def reset(self) -> None:
        """Forgets what happened, not who is there."""
        await self.call("reset")

    async def wait_sent(self, n: int, timeout: float = 20.0) -> list[Json]:  # noqa: ASYNC109 - the server waits
        """Waits until the bot has sent n messages in all and returns them."""
        result: list[Json] = await self.call("wait_sent", n=n, timeout=timeout)
        return result

    async def wait_drained(self, timeout: float = 20.0) -> None:  # noqa: ASYNC109 - the server waits
        """Waits until every queued update is confirmed."""
        await self.call("wait_drained", timeout=timeout)

    async def load(self, users: int, texts: list[str], rate: float, count: int, **more: Any) -> Json:
        """Lets users write and returns the report of Load."""
        result: Json = await self.call("load", users=users, texts=texts, rate=rate, count=count, **more)
        return result


async def serve(port: int, token: str, seed: int, while_stdin: bool) -> None:
    """Runs the server until SIGTERM, SIGINT or, if asked for, the end of stdin."""
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    async with ControlledApi(token, seed=seed, port=port) as api:
        print(json.dumps({"url": api.url}), flush=True)
        if while_stdin:
            # Whoever started the server may be killed: it must not outlive them.
            loop.add_reader(0, lambda: None if os.read(0, 1) else done.set())
        await done.wait()


def main() -> None:
    """Reads the command line and serves."""
    parser = argparse.ArgumentParser(prog="python -m tests.bot_api.process")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default="123456:TEST")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--while-stdin", action="store_true", help="stop when standard input ends")
    known = parser.parse_args()
    asyncio.run(serve(known.port, known.token, known.seed, known.while_stdin))


if __name__ == "__main__":
    main()
