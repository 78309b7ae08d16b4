"""HTTP for the Telegram library, whose own goes over all connections at every call."""

from __future__ import annotations

import asyncio
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

from bot.environment import BrokenSettings
from bot.tasks import is_cancelled

NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
"""What is raised before anything was written: there is no connection, or none comes free."""
TURNS = 3
"""Of the event loop, in which it sees which idle connections the other side has closed."""


class Http(BaseRequest):
    """Calls to one server, at most so many at once; `seconds` to get a connection, and as many for the answer to begin.

    :raises BrokenSettings: where the environment names a proxy that we cannot use.
    """

    def __init__(self, url: str, most: int, seconds: float, tls: SSLContext) -> None:
        self._most, self._seconds, self._tls, self._proxy = most, seconds, tls, proxy_for(url)
        self._session: aiohttp.ClientSession | None = None
        self._calls, self._closed = 0, False

    @property
    def read_timeout(self) -> float:
        return self._seconds

    async def initialize(self) -> None:
        """Nothing: the library begins some that it never uses. What is begun by a call is open until `shutdown`."""

    async def shutdown(self) -> None:
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def retire(self) -> None:
        """Take no new calls; what is under way comes to its end."""
        self._closed = True
        if not self._calls:
            await self.shutdown()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """See `BaseRequest`. Other times than that to read are our own, and files are never sent.

        :raises NetworkError: from one of NOT_SENT where nothing was sent; from anything else nobody can tell.
        """
        for _ in range(TURNS):
            await asyncio.sleep(0)
        if self._closed:
            raise NetworkError("closed") from aiohttp.ConnectionTimeoutError()
        read = read_timeout if isinstance(read_timeout, int | float) else self._seconds
        data = request_data.json_parameters if request_data else None
        self._calls += 1
        try:
            return await self._done(url, method, data, read)
        except TimeoutError as error:
            raise TimedOut from error
        except aiohttp.ClientError as error:
            raise NetworkError(type(error).__name__) from error
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            # Of a session that is closed whoever waits for a name or a connection is cancelled.
            raise NetworkError("closed") from aiohttp.ConnectionTimeoutError()
        finally:
            self._calls -= 1
            if self._closed and not self._calls:
                await self.shutdown()

    async def _done(self, url: str, method: str, data: dict[str, str] | None, read: float) -> tuple[int, bytes]:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._most, ssl=self._tls)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        # In all as well: what is not read by the other side would be written for ever.
        times = aiohttp.ClientTimeout(total=3 * self._seconds + read, connect=self._seconds, sock_read=read)
        async with self._session.request(
            method, url, data=data, timeout=times, allow_redirects=False, proxy=self._proxy
        ) as answer:
            return answer.status, await answer.read()


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for a URL (HTTPS_PROXY, ALL_PROXY, NO_PROXY), None without one.

    :raises BrokenSettings: where it is none of HTTP.
    """
    parts, named = urlsplit(url), getproxies()
    found = None if proxy_bypass(parts.netloc) else named.get(parts.scheme) or named.get("all")
    if not found:
        return None
    proxy = found if "://" in found else f"http://{found}"
    if urlsplit(proxy).scheme not in ("http", "https"):
        problem = "the environment names a proxy that is none of HTTP; name one, or except this host in NO_PROXY"
        raise BrokenSettings(f"{parts.scheme.upper()}_PROXY, ALL_PROXY: {problem}")
    return proxy
