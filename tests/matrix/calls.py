"""One call of the client API, as anybody can make it."""

from __future__ import annotations

from typing import Any

import aiohttp


class MatrixError(Exception):
    """A homeserver said no. `status` is its HTTP status, `code` its errcode."""

    def __init__(self, status: int | None, code: str, text: str) -> None:
        super().__init__(f"{status} {code}: {text}")
        self.status, self.code = status, code


async def call(url: str, method: str, path: str, token: str | None = None, json: Any = None) -> tuple[int, Any]:
    """Status and body. A session for each call: whoever calls may live in another event loop each time."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session,
        session.request(method, url + path, headers=headers, json=json) as response,
    ):
        return response.status, await response.json(content_type=None)


def expect(answer: tuple[int, Any]) -> Any:
    """The body, of an answer that must be a success."""
    status, body = answer
    if status != 200:
        code, text = (body.get("errcode", ""), body.get("error", "")) if isinstance(body, dict) else ("", "")
        raise MatrixError(status, code, text)
    return body
