"""A crypto store as it was before its rows were sealed, brought to its present shape without a byte of the old one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from bot.transports.matrix.sealed import SealedRows

CONVERTED = 1
"""SQLite's user version of a store in which nothing stands in clear, nor did since it was written anew."""
_OLD = (
    "forwardedchains", "megolminboundsessions", "session_used", "olmsessions", "devicetruststate", "keys", "devicekeys",
    "encryptedrooms", "outgoingkeyrequests", "synctokens",
)  # fmt: skip
_HOURS_ADAY = 24
_EPOCH = date(1970, 1, 1)


def convert(database: Any, olm: SealedRows, megolm: SealedRows, today: date) -> None:
    """Seal what the tables of before hold, drop them, and write the file anew. A kill in between begins it again."""
    if database.execute_sql("PRAGMA user_version").fetchone()[0] >= CONVERTED:
        return
    tables = {str(name) for (name,) in database.execute_sql("SELECT name FROM sqlite_master WHERE type = 'table'")}
    with database.atomic():
        if "olmsessions" in tables:
            for use, (sender_key, session_id, session, day) in enumerate(_olm_sessions(database)):
                kept = {"sender_key": sender_key, "session": session, "use": use}
                olm.put(f"{sender_key} {session_id}", kept, day)
        if "megolminboundsessions" in tables:
            for name, kept, day in _megolm_sessions(database, today, dated="session_used" in tables):
                megolm.put(name, kept, day)
        for table in _OLD:
            database.execute_sql(f"DROP TABLE IF EXISTS {table}")
    # Dropped pages are overwritten with zeros, but what page splits left behind within pages is not.
    database.execute_sql("VACUUM")
    database.execute_sql(f"PRAGMA user_version = {CONVERTED}")


def _olm_sessions(database: Any) -> Iterator[tuple[str, str, str, date]]:
    query = "SELECT sender_key, session_id, session, last_usage_date FROM olmsessions ORDER BY last_usage_date"
    for sender_key, session_id, session, used in database.execute_sql(query).fetchall():
        yield sender_key, session_id, _text(session), date.fromisoformat(used[:10])


def _megolm_sessions(database: Any, today: date, dated: bool) -> Iterator[tuple[str, dict[str, Any], date]]:
    hours = dict(database.execute_sql("SELECT id, hour FROM session_used").fetchall()) if dated else {}
    query = "SELECT room_id, sender_key, fp_key, session_id, session FROM megolminboundsessions"
    for room, sender_key, ed25519, id, session in database.execute_sql(query).fetchall():
        chain = database.execute_sql("SELECT sender_key FROM forwardedchains WHERE session_id = ?", (id,)).fetchall()
        kept = {
            "sender_key": sender_key,
            "ed25519": ed25519,
            "room": room,
            "session": _text(session),
            "chain": [key for (key,) in chain],
        }
        day = _EPOCH + timedelta(days=hours[id] // _HOURS_ADAY) if id in hours else today
        yield f"{room} {sender_key} {id}", kept, day


def _text(pickle: bytes | str) -> str:
    return pickle if isinstance(pickle, str) else bytes(pickle).decode()
