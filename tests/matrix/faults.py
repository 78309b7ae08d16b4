"""What can go wrong between a client and its homeserver."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Deed = Callable[[], Any]  # called, and awaited if there is something to await


@dataclass
class Fault:
    """Strikes requests whose method is `method` ("*": any) and whose decoded path `path_regex` finds.

    `before`: instead of the homeserver's doing: "reset", "hang", "502", "html", "429", "401", "401-soft".
    `after`: once the homeserver has accepted it: "reset", "hang", "502", or something to call before its answer leaves.
    The first `skip` matches pass, then `times` are struck (None: all), each with `chance`. `struck` counts them.
    A client on aiohttp repeats a GET or PUT once by itself when its connection breaks: it notices the second reset.
    """

    method: str
    path_regex: str
    before: str | None = None
    after: str | Deed | None = None
    times: int | None = 1
    skip: int = 0
    chance: float = 1.0
    retry_after_ms: int | None = 1000
    struck: int = field(default=0, init=False)

    def strikes(self, method: str, path: str, dice: random.Random) -> bool:
        """Whether this request is one to strike; counts it."""
        if self.method not in ("*", method) or not re.search(self.path_regex, path):
            return False
        if self.times is not None and self.struck >= self.times:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if dice.random() >= self.chance:
            return False
        self.struck += 1
        return True


def made_up(kind: str, retry_after_ms: int | None = None) -> web.Response:
    """An answer that no homeserver gave: a proxy's error page, a captive portal, a refusal."""
    if kind == "502":
        return web.Response(status=502, text="<html><body>502 Bad Gateway</body></html>", content_type="text/html")
    if kind == "html":
        return web.Response(text="<html><body>Welcome! Please log in.</body></html>", content_type="text/html")
    if kind == "429":
        return _too_fast(retry_after_ms)
    if kind in ("401", "401-soft"):
        refusal = {"errcode": "M_UNKNOWN_TOKEN", "error": "Access token has expired", "soft_logout": kind == "401-soft"}
        return web.json_response(refusal, status=401)
    raise ValueError(f"no such fault: {kind}")


def _too_fast(retry_after_ms: int | None) -> web.Response:
    refusal: dict[str, Any] = {"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests"}
    if retry_after_ms is None:
        return web.json_response(refusal, status=429)
    seconds = -(-retry_after_ms // 1000)
    return web.json_response(refusal | {"retry_after_ms": retry_after_ms}, status=429, headers={"Retry-After": str(seconds)})
