"""What an exception of the library means. None of them goes further than this, since their texts hold tokens."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError

from bot.deliveries import Gone, Later, Missing, Moved, Outcome, Refused, Sent, Unsure
from bot.messages import Address
from bot.transports.telegram.http import NOT_SENT

Value = TypeVar("Value")
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
_FINAL = (BadRequest, Forbidden, ChatMigrated)


class TokenRefused(Exception):
    """Telegram does not know this token (401 or 404)."""


class OtherPoller(Exception):
    """Another process polls with this token (409)."""


class Unreachable(Exception):
    """No answer, or none that can be read; `after` seconds where the server said when to come back."""

    def __init__(self, cause: type[BaseException], after: float | None = None) -> None:
        super().__init__(cause.__name__)
        self.cause, self.after = cause, after

    @property
    def is_final(self) -> bool:
        """Whether Telegram said no, so that it is no use to ask again."""
        return issubclass(self.cause, _FINAL)


async def guarded(call: Awaitable[Value]) -> Value:
    """What a call gives.

    :raises TokenRefused, OtherPoller, Unreachable: where it gives nothing.
    """
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
    if isinstance(error.__cause__, NOT_SENT):
        return Later()
    return Unsure()


def _seconds(error: RetryAfter) -> float:
    after = error.retry_after
    return float(after) if isinstance(after, int) else after.total_seconds()
