"""Plain requests to the homeserver, for what nio has no call for, and how its errors are told apart."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp
from nio import AsyncClient

from bot.deliveries import Gone, Later, Outcome, Refused, Unsure

JSON = dict[str, Any]
_GONE = ("M_FORBIDDEN", "M_NOT_FOUND", "M_NOT_JOINED")
TOKEN_GONE = ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN")
_REFUSED = ("M_TOO_LARGE", "M_BAD_JSON", "M_NOT_JSON", "M_INVALID_PARAM")
DEFAULT_WAIT = 5.0
LONGEST_LIMIT = 3600.0


class TokenGone(Exception):
    """The homeserver no longer knows our access token."""


class Unreachable(Exception):
    """The homeserver does not answer, or with nothing that is Matrix; `after` seconds where it said when to come back."""

    def __init__(self, cause: type[BaseException], after: float | None = None) -> None:
        super().__init__(cause.__name__)
        self.cause, self.after = cause, after


@dataclass(frozen=True)
class Answered:
    """Status and body of a plain request."""

    status: int
    body: JSON

    @property
    def ok(self) -> bool:
        return self.status == 200


async def request(client: AsyncClient, method: str, path: str, body: JSON | None = None) -> Answered:
    """One request under /_matrix/client/v3, never repeated.

    :raises TokenGone: where the token is no longer known.
    :raises Unreachable: where nothing comes back, or too many requests were made.
    """
    headers = {"Content-Type": "application/json"}
    if client.access_token:
        headers["Authorization"] = f"Bearer {client.access_token}"
    data = None if body is None else json.dumps(body)
    try:
        response = await client.send(method, f"/_matrix/client/v3{path}", data, headers, timeout=20.0)
        found = json.loads(await response.text())
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise Unreachable(type(error)) from None
    if not isinstance(found, dict):
        raise Unreachable(ValueError)
    if found.get("errcode") in TOKEN_GONE:
        raise TokenGone
    if response.status == 429:
        raise Unreachable(TimeoutError, wait_of(found.get("retry_after_ms")))
    if response.status >= 500:
        raise Unreachable(aiohttp.ClientResponseError)
    return Answered(response.status, found)


async def own_keys(client: AsyncClient, user: str) -> JSON:
    """What the homeserver tells everybody of a user's keys; `device_keys` of that user is there.

    :raises Unreachable: where it does not tell: nothing may be concluded from that, least of all that there are none.
    """
    answer = await request(client, "POST", "/keys/query", {"device_keys": {user: []}})
    devices = answer.body.get("device_keys")
    if not answer.ok or not isinstance(devices, dict) or not isinstance(devices.get(user), dict):
        raise Unreachable(ValueError)
    return answer.body


def wait_of(milliseconds: object) -> float:
    """Seconds to wait after a 429; whoever says longer than an hour is asked again after one."""
    said = milliseconds / 1000 if isinstance(milliseconds, (int, float)) and milliseconds > 0 else DEFAULT_WAIT
    return min(said, LONGEST_LIMIT)


def outcome_of(code: object, retry_after_ms: object, status: int = 0) -> Outcome:
    """What an error response to a send means; whatever is not known may have arrived, and is repeated under the same id."""
    if code == "M_LIMIT_EXCEEDED":
        return Later(wait_of(retry_after_ms))
    if code in _GONE:
        return Gone()
    if code in _REFUSED or (status in (400, 413) and code not in TOKEN_GONE):
        return Refused()
    return Unsure()


def quoted(part: str) -> str:
    """A room, event or user id as a part of a path."""
    return quote(part, safe="")
