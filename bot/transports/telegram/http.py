"""HTTP for the Telegram library. Its own goes over all connections at every call, which is most of what an answer costs."""

from __future__ import annotations

from ssl import SSLContext
from typing import Any

import aiohttp
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""What is raised before anything was written: there is no connection, or none comes free."""
NO_CONNECTION = aiohttp.ConnectionTimeoutError


class Http(BaseRequest):
    """At most so many connections at once; `seconds` to get one, and as many for the answer to begin and to go on."""

    def __init__(self, most: int, seconds: float, tls: SSLContext) -> None:
        self._most, self._seconds, self._tls = most, seconds, tls
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        return self._seconds

    async def initialize(self) -> None:
        """Nothing: the library begins some that it never uses. What is begun by a call is open until `shutdown`."""

    async def shutdown(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

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
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._most, ssl=self._tls)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=True)
        read = read_timeout if isinstance(read_timeout, int | float) else self._seconds
        # In all as well: what is not read by the other side would be written for ever.
        times = aiohttp.ClientTimeout(total=3 * self._seconds + read, connect=self._seconds, sock_read=read)
        data = request_data.json_parameters if request_data else None
        try:
            async with self._session.request(method, url, data=data, timeout=times, allow_redirects=False) as answer:
                return answer.status, await answer.read()
        except TimeoutError as error:
            raise TimedOut from error
        except aiohttp.ClientError as error:
            raise NetworkError(type(error).__name__) from error
