"""The Bot API: one call, one outcome."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from functools import cache
from ssl import SSLContext
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx
import telegram
from telegram import Bot, Update

from bot.deliveries import Outcome, Sent
from bot.logs import Event, warn
from bot.transports.telegram.http import Http
from bot.transports.telegram.outcomes import Unreachable, guarded, outcome_of

Value = TypeVar("Value")
CONNECTIONS = 40
"""More than the pacer lets go at once, since taps and roles are asked beside it."""
CALL_SECONDS = 8.0
POLL_SECONDS = 20
FIRST_PAUSE = 0.5
ALLOWED = ("message", "edited_message", "channel_post", "callback_query", "my_chat_member")


@cache
def _tls() -> SSLContext:
    """Once a process: to read the certificates takes longer than all else that an account needs to begin."""
    return httpx.create_ssl_context()


class Api:
    """One bot account on one Bot API server."""

    def __init__(self, token: str, url: str, *, poll_seconds: int = POLL_SECONDS, call_seconds: float = CALL_SECONDS) -> None:
        self._token, self._url = token, url
        self._poll_seconds, self._call_seconds = poll_seconds, call_seconds
        self._poller, self._bot = self._new_poller(), self._new_bot()

    def _new_poller(self) -> Http:
        return self._connections(4)

    def _new_bot(self) -> Bot:
        unused = self._connections(1)  # Else the library makes one, with certificates of its own.
        request = self._connections(CONNECTIONS)
        return Bot(self._token, base_url=f"{self._url}/bot", request=request, get_updates_request=unused)

    def _connections(self, most: int) -> Http:
        return Http(self._url, most, self._call_seconds, _tls())

    async def start(self) -> telegram.User:
        """Who this bot is.

        :raises TokenRefused: for a wrong token.
        :raises Unreachable: where the server does not answer.
        """
        return await self.get(_initialized)

    async def close(self) -> None:
        await self._poller.shutdown()
        await self._bot.shutdown()
        await self._bot.request.shutdown()

    async def rebuild(self) -> None:
        """New connections, for when the old ones have gone silent."""
        olds = self._poller, self._bot.request
        self._poller, self._bot = self._new_poller(), self._new_bot()
        warn(Event.CLIENT_REBUILT)
        for old in olds:
            assert isinstance(old, Http)
            await old.retire()

    async def updates(self, offset: int | None) -> list[dict[str, Any]]:
        """The next updates as they came, unparsed, so that one that cannot be parsed does not hide the others.

        :raises TokenRefused, OtherPoller, Unreachable: each loud in its own way.
        """
        asked = {"timeout": self._poll_seconds, "limit": 100, "allowed_updates": json.dumps(ALLOWED)}
        query = urlencode(asked if offset is None else {"offset": offset, **asked})
        url = f"{self._url}/bot{self._token}/getUpdates?{query}"
        found = await guarded(self._poller.post(url, read_timeout=self._poll_seconds + self._call_seconds))
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
        return await guarded(call(self._bot))

    async def insist(self, call: Callable[[Bot], Awaitable[Value]], *, tries: int, within: float = math.inf) -> Value:
        """The same for a call that may be repeated, up to so often, unless that means to wait more than `within` seconds.

        :raises TokenRefused, OtherPoller, Unreachable: where it gives nothing.
        """
        for number in range(1, tries):
            try:
                return await self.get(call)
            except Unreachable as error:
                pause = FIRST_PAUSE * 2 ** (number - 1) if error.after is None else error.after
                if error.is_final or pause > within:
                    raise
            await asyncio.sleep(pause)
        return await self.get(call)

    async def delete_webhook(self) -> bool:
        """Whether there was a webhook, which keeps us from polling; what waits in the queue stays there.

        :raises TokenRefused, OtherPoller, Unreachable: where Telegram does not do it.
        """
        if not (await self.get(lambda bot: bot.get_webhook_info())).url:
            return False
        return await self.get(lambda bot: bot.delete_webhook(drop_pending_updates=False))

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
