"""What a database refuses, as the setting and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from bot.refusal import Refusal
from bot.store.migrate import NewerDatabase

_DAMAGED = "is damaged; nothing was changed. Move the file away, keep it, and `rueckspiegel restore` the last backup"


_REMEDIES = {
    "SQLITE_READONLY": "the file or its disk is read-only; let this process write there, or name another place",
    "SQLITE_FULL": "the disk is full; make room",
    "SQLITE_BUSY": "another process keeps it locked; wait for that one or stop it",
    "SQLITE_CANTOPEN": "check that its folder exists, and that this process may write to both",
}


class BrokenStore(Refusal):
    """The database cannot be opened; the message says which setting and what to do, and holds no password."""


@contextmanager
def explained(url: str) -> Iterator[None]:
    """What the database refuses, as the setting and what to do.

    :raises BrokenStore: instead of the error.
    """
    try:
        yield
    except NewerDatabase as error:
        raise BrokenStore(f"RUECKSPIEGEL_DATABASE: {error}") from error
    except SQLAlchemyError as error:
        where = make_url(url).render_as_string(hide_password=True)
        raise BrokenStore(f"RUECKSPIEGEL_DATABASE: {where} {_reason(error, url.startswith('sqlite'))}") from error


def damaged(url: str) -> BrokenStore:
    """The file is a database, but parts of it are nonsense."""
    return BrokenStore(f"RUECKSPIEGEL_DATABASE: {make_url(url).render_as_string(hide_password=True)} {_DAMAGED}")


def _reason(error: SQLAlchemyError, is_sqlite: bool) -> str:
    cause = getattr(error, "orig", None) or error
    code = str(getattr(cause, "sqlite_errorname", ""))
    if code.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return _DAMAGED
    remedy = next((remedy for begin, remedy in _REMEDIES.items() if code.startswith(begin)), None)
    else_ = (
        "check that it exists, is intact and may be written to" if is_sqlite else "check the server, user, password and name"
    )
    return f"cannot be opened ({type(cause).__name__}); {remedy or else_}"
