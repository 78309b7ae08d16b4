"""Fetching from the open web, in the child process.

https and the usual port alone; each redirect is checked like a first address; sizes and times are capped. No cookies, no
proxy, no name of ours.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpcore
import httpx

from bot.intake.found import NotTaken
from bot.intake.guard import AGAIN_LATER, Guarded, Loopback, Resolve, resolve
from bot.intake.inflating import Inflating
from bot.spoofing import fault_of, shown

SECONDS = 20.0
MOST_BYTES = 2_000_000
MOST_HOPS = 5
REDIRECTS = (301, 302, 303, 307, 308)
FOR_GOOD = (301, 308)
_HEADERS = (
    (b"User-Agent", b"Mozilla/5.0 (compatible)"),
    (b"Accept", b"*/*"),
    (b"Accept-Encoding", b"gzip, deflate"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """The last answer; `moved` where every redirect to it was for good. Names of headers are in lower case."""

    status: int
    url: str
    moved: bool
    headers: Mapping[str, str]
    body: bytes

    @property
    def wait(self) -> float | None:
        """Seconds after which the server wants to be asked again; its own clock tells how far a date is away."""
        value = self.headers.get("retry-after", "").strip()
        if value.isdigit():
            return float(value[:9])
        try:
            until, told = parsedate_to_datetime(value), parsedate_to_datetime(self.headers["date"])
            return max(0.0, (until - told).total_seconds())
        except (KeyError, ValueError, TypeError):
            return None


class Web:
    """The open web; each fetch stands alone."""

    def __init__(self, loopback: Loopback | None = None, look_up: Resolve = resolve, seconds: float = SECONDS) -> None:
        self._backend = Guarded(httpcore.AnyIOBackend(), look_up, loopback)
        self._seconds = seconds
        self._trust = ssl.create_default_context(cafile=loopback.certificate) if loopback else None

    async def fetch(
        self, url: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, whole: bool = True
    ) -> Answer:
        """Follow redirects to an answer, whatever its status; without its body where not the whole is wanted.

        :raises NotTaken: where an address on the way may not be asked, or nothing whole and small enough comes back.
        """
        extra = [(name.encode(), value.encode("latin-1", "ignore")) for name, value in (headers or {}).items()]
        try:
            async with asyncio.timeout(self._seconds), httpcore.AsyncConnectionPool(
                ssl_context=self._trust, network_backend=self._backend, retries=0
            ) as pool:  # fmt: skip
                return await self._hops(pool, method, url, [*_HEADERS, *extra], whole)
        except (TimeoutError, httpcore.TimeoutException) as error:
            raise NotTaken(f"{shown(url)}: no whole answer came within {self._seconds:g} seconds", AGAIN_LATER) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpx.InvalidURL, OSError) as error:
            raise NotTaken(f"{shown(url)}: {_trouble(error)}", AGAIN_LATER) from error

    async def _hops(self, pool: httpcore.AsyncConnectionPool, method: str, url: str, headers: list[Any], whole: bool) -> Answer:
        moved = True
        for hop in range(MOST_HOPS + 1):
            fault = fault_of(url)
            if fault is not None:
                way = "" if hop == 0 else "leads to another address, and "
                raise NotTaken(f"{shown(url)}: {way}{fault.problem}", fault.remedy)
            target = httpx.URL(url)
            address = httpcore.URL(scheme=b"https", host=target.raw_host, port=None, target=target.raw_path)
            async with pool.stream(method, address, headers=headers) as response:
                found = {name.decode("latin-1").lower(): value.decode("utf-8", "replace") for name, value in response.headers}
                if response.status not in REDIRECTS or "location" not in found:
                    body = await _body(response, found, url) if whole else b""
                    return Answer(response.status, str(target), moved and hop > 0, found, body)
                moved = moved and response.status in FOR_GOOD
                url = _next(target, found["location"])
        raise NotTaken(f"{shown(url)}: it was redirected more than {MOST_HOPS} times", "open it in a browser and copy the last")


def _next(base: httpx.URL, location: str) -> str:
    try:
        return str(base.join(location))
    except (httpx.InvalidURL, ValueError):
        return location


async def _body(response: httpcore.Response, headers: Mapping[str, str], url: str) -> bytes:
    """All of it, inflated. What is too large is refused as soon as that is known."""
    too_large = NotTaken(f"{shown(url)}: it is larger than {MOST_BYTES / 1e6:g} MB", "name a smaller page or feed")
    length = headers.get("content-length", "")
    if length.isdigit() and int(length[:15]) > MOST_BYTES:
        raise too_large
    inflating = Inflating(headers.get("content-encoding", ""), MOST_BYTES)
    wire = 0
    async for chunk in response.aiter_stream():
        wire += len(chunk)
        if wire > MOST_BYTES or not inflating.takes(chunk):
            raise too_large
    return inflating.whole(shown(url))


def _trouble(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "its certificate is not valid"
        cause = cause.__cause__ or cause.__context__
    return "it broke off" if isinstance(error, (httpcore.ReadError, httpcore.ProtocolError)) else "it cannot be reached"
