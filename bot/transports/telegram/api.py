"""The Bot API: one call, one outcome. No exception of the library leaves this module, since their texts hold tokens."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import cache
from ssl import SSLContext
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx
import telegram
from telegram import Bot, Update
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError, TimedOut
from telegram.request import HTTPXRequest

from bot.deliveries import Gone, Later, Missing, Moved, Outcome, Refused, Sent, Unsure
from bot.messages import Address

Value = TypeVar("Value")
CONNECTIONS = 40
"""More than the pacer lets go at once, since taps and roles are asked beside it."""
CALL_SECONDS = 8.0
POLL_SECONDS = 20
ALLOWED = ("message", "edited_message", "channel_post", "callback_query", "my_chat_member")
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_GONE = (
    "chat not found", "not enough rights", "need administrator rights", "have no write access", "group chat was deactivated",
    "message thread not found", "topic_closed", "topic_deleted", "peer_id_invalid", "user is deactivated",
    "chat_write_forbidden", "bot was blocked", "bot was kicked", "bot is not a member",
    "group chat was deleted", "chat_restricted",
)  # fmt: skip
_MISSING = (
    "message to edit not found",
    "message to delete not found",
    "can't be edited",
    "can't be deleted",
    "message_id_invalid",
)
_SAME = "message is not modified"


@cache
def _tls() -> SSLContext:
    """Once a process: to read the certificates takes longer than all else that an account needs to begin."""
    return httpx.create_ssl_context()


class TokenRefused(Exception):
    """Telegram does not know this token (401 or 404)."""


class OtherPoller(Exception):
    """Another process polls with this token (409)."""


class Unreachable(Exception):
    """No answer, or none that can be read; `after` seconds where the server said when to come back."""

    def __init__(self, cause: type[BaseException], after: float | None = None) -> None:
        super().__init__(cause.__name__)
        self.cause, self.after = cause, after


class Api:
    """One bot account on one Bot API server."""

    def __init__(self, token: str, url: str, *, poll_seconds: int = POLL_SECONDS, call_seconds: float = CALL_SECONDS) -> None:
        self._token, self._url = token, url
        self._poll_seconds, self._call_seconds = poll_seconds, call_seconds
        self._open()

    def _open(self) -> None:
        seconds = self._call_seconds
        shared = {"verify": _tls()}
        self._poller = HTTPXRequest(4, seconds, seconds, seconds, seconds, httpx_kwargs=shared)
        request = HTTPXRequest(CONNECTIONS, seconds, seconds, seconds, seconds, httpx_kwargs=shared)
        unused = HTTPXRequest(httpx_kwargs=shared)  # Else the library makes one, with certificates of its own.
        self._bot = Bot(self._token, base_url=f"{self._url}/bot", request=request, get_updates_request=unused)

    async def start(self) -> telegram.User:
        """Who this bot is.

        :raises TokenRefused: for a wrong token.
        :raises Unreachable: where the server does not answer.
        """
        await self._poller.initialize()
        return await self.get(_initialized)

    async def close(self) -> None:
        await self._poller.shutdown()
        await self._bot.shutdown()
        await self._bot.request.shutdown()

    async def rebuild(self) -> None:
        """New connections, for when the old ones have gone silent."""
        old_poller, old_bot = self._poller, self._bot
        self._open()
        await self._poller.initialize()
        await self._bot.request.initialize()
        await old_poller.shutdown()
        await old_bot.request.shutdown()

    async def updates(self, offset: int | None) -> list[dict[str, Any]]:
        """The next updates as they came, unparsed, so that one that cannot be parsed does not hide the others.

        :raises TokenRefused, OtherPoller, Unreachable: each loud in its own way.
        """
        asked = {"timeout": self._poll_seconds, "limit": 100, "allowed_updates": json.dumps(ALLOWED)}
        query = urlencode(asked if offset is None else {"offset": offset, **asked})
        url = f"{self._url}/bot{self._token}/getUpdates?{query}"
        found = await _guarded(self._poller.post(url, read_timeout=self._poll_seconds + self._call_seconds))
        return [update for update in found if isinstance(update, dict)] if isinstance(found, list) else []

    def parse(self, raw: dict[str, Any]) -> Update:
        """An update as the library sees it.

        :raises ValueError: where the library cannot.
        """
        try:
            return Update.de_json(raw, self._bot)
        except Exception as error:  # Whatever the library stumbles over.
            raise ValueError from error

    async def get(self, call: Callable[[Bot], Awaitable[Value]]) -> Value:
        """What a call gives.

        :raises TokenRefused, OtherPoller, Unreachable: where it gives nothing.
        """
        return await _guarded(call(self._bot))

    async def do(self, call: Callable[[Bot], Awaitable[object]]) -> Outcome:
        """What became of a call that sends, edits or deletes."""
        try:
            done = await call(self._bot)
        except Exception as error:  # The library parses the answer after the call took effect: whatever fails there is unsure.
            return outcome_of(error)
        return Sent(str(done.message_id) if isinstance(done, telegram.Message) else "")


async def _initialized(bot: Bot) -> telegram.User:
    await bot.initialize()
    return bot.bot


async def _guarded(call: Awaitable[Value]) -> Value:
    try:
        return await call
    except InvalidToken:
        raise TokenRefused from None
    except Conflict:
        raise OtherPoller from None
    except RetryAfter as error:
        raise Unreachable(RetryAfter, _seconds(error)) from None
    except TelegramError as error:
        raise Unreachable(type(error.__cause__ or error)) from None
    except Exception as error:  # An answer that is none, from a proxy or a broken server.
        raise Unreachable(type(error)) from None


def outcome_of(error: Exception) -> Outcome:
    """The table of what went wrong: surely not sent, surely refused, or nobody can tell."""
    text = str(error).casefold()
    match error:
        case RetryAfter():
            return Later(_seconds(error))
        case ChatMigrated():
            return Moved(Address("telegram", str(error.new_chat_id)))
        case Forbidden():
            return Gone()
        case BadRequest() if _SAME in text:
            return Sent("")
        case BadRequest() if any(part in text for part in _MISSING):
            return Missing()
        case BadRequest() if any(part in text for part in _GONE):
            return Gone()
        case BadRequest():
            return Refused()
        case InvalidToken() | Conflict():
            return Later()
    if isinstance(error.__cause__, _NOT_SENT):
        return Later()
    return Unsure(late=isinstance(error, TimedOut))


def _seconds(error: RetryAfter) -> float:
    after = error.retry_after
    return float(after) if isinstance(after, int) else after.total_seconds()
