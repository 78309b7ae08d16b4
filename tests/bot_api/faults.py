"""Errors the server answers with, and faults a test may order."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Literal, get_args

Json = dict[str, Any]
Damage = Literal["reset", "hang", "502", "garbage"]

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup "
    "are exactly the same as a current content and reply markup of the message"
)
CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
QUERY_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"

STATUS_ERRORS: dict[str, tuple[int, str]] = {
    "blocked": (403, "Forbidden: bot was blocked by the user"),
    "deactivated": (403, "Forbidden: user is deactivated"),
    "kicked": (403, "Forbidden: bot was kicked from the {kind} chat"),
    "left": (403, "Forbidden: bot is not a member of the {kind} chat"),
    "deleted": (403, "Forbidden: the group chat was deleted"),
    "unknown": (400, "Bad Request: chat not found"),
    "needs_admin": (400, "Bad Request: need administrator rights in the channel chat"),
    "restricted": (400, "Bad Request: not enough rights to send text messages to the chat"),
    "no_write": (400, "Bad Request: have no write access to the chat"),
}


@dataclass(eq=False)
class ApiError(Exception):
    """An answer with ok=false: HTTP status, description, and what stands in `parameters`."""

    code: int
    description: str
    retry_after: int | None = None
    migrate_to_chat_id: int | None = None

    def body(self) -> Json:
        """Returns the JSON object of the answer."""
        told = {"retry_after": self.retry_after, "migrate_to_chat_id": self.migrate_to_chat_id}
        parameters = {key: value for key, value in told.items() if value is not None}
        body: Json = {"ok": False, "error_code": self.code, "description": self.description}
        return body | ({"parameters": parameters} if parameters else {})


def bad(description: str) -> ApiError:
    """Returns a 400 with Telegram's prefix."""
    return ApiError(400, f"Bad Request: {description}")


def status_error(status: str, kind: str) -> ApiError | None:
    """Returns what a send to a chat of this kind gets when the bot stands with it like this."""
    if status not in STATUS_ERRORS:
        return None
    code, text = STATUS_ERRORS[status]
    return ApiError(code, text.format(kind=kind))


def status_name(status: str) -> str:
    """Returns the short name of a status given by its name or by its error text."""
    plain = status.split(": ", 1)[-1]
    for name, (_, text) in STATUS_ERRORS.items():
        texts = {text.split(": ", 1)[1].format(kind=kind) for kind in ("group", "supergroup", "channel")}
        if plain in texts:
            return name
    return status


@dataclass
class Fault:
    """Spoils matching calls: `error` or `before` instead of the effect, `after` instead of the answer.

    method "*" matches all; times None is for ever; skip lets the first ones pass; delay is in seconds and lies
    before the effect, with `after` behind it; chance is that of each call which would be spoilt.
    """

    method: str
    chat_id: int | None = None
    error: ApiError | None = None
    before: Damage | None = None
    after: Damage | None = None
    delay: float = 0.0
    times: int | None = 1
    skip: int = 0
    chance: float = 1.0

    def __post_init__(self) -> None:
        for damage in (self.before, self.after):
            if damage is not None and damage not in get_args(Damage):
                raise ValueError(f"unknown damage {damage!r}")

    def takes(self, method: str, chat_id: Any, dice: random.Random) -> bool:
        """Returns whether this call is spoilt, and counts it."""
        if self.method not in ("*", method) or self.times == 0:
            return False
        if self.chat_id is not None and self.chat_id != chat_id:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.chance < 1.0 and dice.random() >= self.chance:
            return False
        if self.times is not None:
            self.times -= 1
        return True
