"""What is logged: named events with typed fields, and of other libraries only logger name, level and exception class.

An allow-list, since redaction leaks: no token, id, name or text can reach a log at any level, whoever logs it. The only
importer of logging.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import warnings
from collections.abc import Mapping
from enum import Enum
from types import TracebackType
from typing import Any, TextIO

Field = int | float | bool | Enum | type[BaseException] | BaseException
"""What a field may be: a number, a word of a fixed list, the class of an exception and the place in our code. Never a text."""


class Event(Enum):
    """Everything that this product logs."""

    STARTED = "started"
    STOPPING = "stopping"
    STOPPED = "stopped"
    LISTENING = "listening"
    UPDATE_SET_ASIDE = "update-set-aside"
    UPDATE_SET_FREE = "update-set-free"
    UPDATE_LOST = "update-lost"
    UPDATE_SHED = "update-shed"
    ANSWER_FAILED = "answer-failed"
    ANSWER_GIVEN_UP = "answer-given-up"
    CALL_REPEATED = "call-repeated"
    CHAT_PARKED = "chat-parked"
    ALL_PARKED = "all-parked"
    CHAT_GONE = "chat-gone"
    TOKEN_REFUSED = "token-refused"
    OTHER_POLLER = "other-poller"
    WEBHOOK_DELETED = "webhook-deleted"
    SILENT = "silent"
    CLIENT_REBUILT = "client-rebuilt"
    MADE_ADMIN = "made-admin"
    ROOM_MOVED = "room-moved"
    COMMANDS_SET = "commands-set"
    SETUP_FAILED = "setup-failed"
    TRANSPORT_FAILED = "transport-failed"
    PURGED = "purged"
    NOT_REWRITTEN = "not-rewritten"
    LEASE_LOST = "lease-lost"
    ACCOUNT_TAKEN = "account-taken"
    ACCOUNT_ENDED = "account-ended"
    LOGGED_IN = "logged-in"
    IDENTITY_MADE = "identity-made"
    NOT_SIGNED = "not-signed"
    KEYS_NOT_UPLOADED = "keys-not-uploaded"
    KEYS_LOST = "keys-lost"
    NOT_READ = "not-read"
    INVITE_REFUSED = "invite-refused"
    ROOM_LEFT = "room-left"
    UPGRADE_REFUSED = "upgrade-refused"
    CLEAR_REFUSED = "clear-refused"
    DELIVERED = "delivered"
    NOT_DELIVERED = "not-delivered"
    POISON = "poison"
    HELD = "held"
    DISK_FULL = "disk-full"
    NO_HEARTBEAT = "no-heartbeat"
    RELOADED = "reloaded"
    NOT_RELOADED = "not-reloaded"
    NOT_COMMITTED = "not-committed"
    REFITTED = "refitted"
    GAP_LEFT = "gap-left"
    FEED_READ = "feed-read"
    FEED_FAILED = "feed-failed"
    LINKS_CHECKED = "links-checked"
    PANIC = "panic"
    UNHANDLED = "unhandled"


class Fate(Enum):
    """Why an answer did not reach anybody."""

    GONE = "gone"
    REFUSED = "refused"
    MISSING = "missing"
    UNSURE = "unsure"
    LATER = "later"


_log = logging.getLogger("rueckspiegel")
_OWN = "_rueckspiegel"
LIBRARY_SECONDS = 60
"""A library's lines say so little that equal ones are written once in this time; named events always are."""


def log(event: Event, level: int = logging.INFO, /, **fields: Field) -> None:
    """Log an event.

    :raises TypeError: for a field that is not of an allowed type.
    """
    _log.log(level, "%s", event.value, extra={_OWN: (event, {name: _word(value) for name, value in fields.items()})})


def warn(event: Event, /, **fields: Field) -> None:
    """Log an event that the operator should see."""
    log(event, logging.WARNING, **fields)


def fail(event: Event, /, **fields: Field) -> None:
    """Log an event that the operator must act on."""
    log(event, logging.ERROR, **fields)


def _word(value: Field) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, type) and issubclass(value, BaseException):
        return value.__name__
    if isinstance(value, BaseException):
        return type(value).__name__ + _place(value)
    if isinstance(value, (bool, int, float)):
        return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value).lower()
    raise TypeError(f"a log field may not be a {type(value).__name__}")


def _place(error: BaseException) -> str:
    """The last line of our own that an exception went through."""
    place, trace = "", error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] in ("bot", "handlers"):
            place = f"@{module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


class _AllowList(logging.Handler):
    """The one handler. It formats nothing that others wrote."""

    def __init__(self, out: TextIO) -> None:
        super().__init__()
        self._out = out
        self._said: dict[tuple[str, ...], tuple[float, int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        own = getattr(record, _OWN, None)
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        if record.name == _log.name and own is not None:
            event, fields = own
            line = _line(moment, record.levelname, event.value, fields)
        else:
            fields = {"logger": record.name} | _raised(record.exc_info[0] if record.exc_info else None)
            left_out = self._left_out((record.levelname, *fields.values()), record.created)
            if left_out is None:
                return
            line = _line(moment, record.levelname, "library", fields | ({"count": str(left_out)} if left_out else {}))
        try:
            self._out.write(line + "\n")
            self._out.flush()
        except (OSError, ValueError):
            pass  # A log that cannot be written must not stop an answer.

    def _left_out(self, words: tuple[str, ...], now: float) -> int | None:
        """How many equal lines of a library were left out before this one; None where it is left out too."""
        since, count = self._said.get(words, (0.0, 0))
        is_due = not 0 <= now - since < LIBRARY_SECONDS  # A clock that was set back must not silence it.
        self._said[words] = (now, 0) if is_due else (since, count + 1)
        return count if is_due else None


def _line(moment: str, level: str, event: str, fields: Mapping[str, str]) -> str:
    return " ".join([moment, level.lower(), event, *(f"{name}={value}" for name, value in fields.items())])


def _raised(kind: type[BaseException] | None) -> dict[str, str]:
    return {"exception": kind.__name__} if kind else {}


def set_up(debug: bool = False, out: TextIO | None = None) -> None:
    """Every record goes through the allow-list; what would print a traceback or a warning prints a class instead."""
    root = logging.getLogger()
    root.handlers = [_AllowList(out or sys.stderr)]
    root.setLevel(logging.DEBUG if debug else logging.WARNING)
    _log.setLevel(logging.DEBUG if debug else logging.INFO)
    for logger in list(logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            logger.handlers, logger.propagate = [], True
    logging.raiseExceptions = False
    warnings.showwarning = _on_warning
    sys.excepthook = _on_exception
    sys.unraisablehook = lambda unraisable: fail(Event.UNHANDLED, exception=unraisable.exc_type)
    threading.excepthook = lambda arguments: fail(Event.UNHANDLED, exception=arguments.exc_type)


def on_loop_exception(_loop: object, context: Mapping[str, Any]) -> None:
    """For `loop.set_exception_handler`: asyncio would print the exception with its text."""
    raised = context.get("exception")
    fail(Event.UNHANDLED, **({"exception": raised} if raised else {}))


def _on_warning(message: Warning | str, category: type[Warning], *_rest: object, **_more: object) -> None:
    warn(Event.UNHANDLED, exception=category)


def _on_exception(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        fail(Event.UNHANDLED, exception=error)
