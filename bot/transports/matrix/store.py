"""nio's crypto store without people: what others' devices are called and how they are found is in memory only, or sealed.

The stock store writes every asker's Matrix id, device keys, rooms and the microsecond of each key exchange in clear. Here none
of its tables but the bot's own account exist, so that nothing of nio can write there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from nio.crypto import DeviceStore, GroupSessionStore, InboundGroupSession, OlmDevice, Session, SessionStore, TrustState
from nio.store import Accounts, MatrixStore, StoreVersion

from bot.keys import Keys
from bot.transports.matrix.converting import convert
from bot.transports.matrix.sealed import SealedRows, day_of


class QuietStore(MatrixStore):  # type: ignore[misc]  # nio has no types
    """A store that keeps our own keys, and sessions under `keys`. `now` dates the last use of a session.

    :raises BrokenKey: on loading, where the sessions are of another key file.
    """

    models = (Accounts, StoreVersion)

    def __init__(self, now: Callable[[], datetime], keys: Keys, *names: str) -> None:
        self._now, self._keys = now, keys
        self._uses = 0
        super().__init__(*names)
        self._olm = SealedRows(self.database, "olm", keys)
        self._megolm = SealedRows(self.database, "megolm", keys)
        for rows in (self._olm, self._megolm):
            rows.create()
        convert(self.database, self._olm, self._megolm, day_of(now()))

    def load_sessions(self) -> SessionStore:
        found = SessionStore()
        for kept, day in self._olm.all():
            self._uses = max(self._uses, kept["use"])
            # What nio asks of the times is which was used last, and whether it is older than an hour.
            began = datetime.combine(day, time()) - timedelta(days=1)
            used = began + timedelta(microseconds=kept["use"])
            found.add(kept["sender_key"], Session.from_pickle(kept["session"].encode(), began, self.pickle_key, used))
        return found

    def save_session(self, curve_key: str, session: Session) -> None:
        """It was made, or used: both save it."""
        self._uses += 1
        kept = {"sender_key": curve_key, "session": session.pickle(self.pickle_key).decode(), "use": self._uses}
        self._olm.put(_olm_name(curve_key, session), kept, day_of(self._now()))

    def load_inbound_group_sessions(self) -> GroupSessionStore:
        found = GroupSessionStore()
        for kept, _ in self._megolm.all():
            pickle, chain = kept["session"].encode(), kept["chain"]
            found.add(
                InboundGroupSession.from_pickle(
                    pickle, kept["ed25519"], kept["sender_key"], kept["room"], self.pickle_key, chain
                )
            )
        return found

    def save_inbound_group_session(self, session: InboundGroupSession) -> None:
        """It came, or was read: both save it."""
        kept = {
            "sender_key": session.sender_key,
            "ed25519": session.ed25519,
            "room": session.room_id,
            "session": session.pickle(self.pickle_key).decode(),
            "chain": session.forwarding_chain,
        }
        self._megolm.put(_megolm_name(session), kept, day_of(self._now()))

    def delete_inbound_group_session(self, session: InboundGroupSession) -> None:
        """As if it had never come."""
        self._megolm.delete(_megolm_name(session))

    def delete_unused(self, lifetime: timedelta) -> Callable[[Any], bool]:
        """Erase sessions whose last use may be so long ago; tells of each in memory whether it was one of them.

        It is asked of a group session, or of a pair of curve key and session.
        """
        until = day_of(self._now() - lifetime)
        olm, megolm = self._olm.delete_unused(until), self._megolm.delete_unused(until)

        def was_erased(session: Any) -> bool:
            if isinstance(session, InboundGroupSession):
                return self._megolm.mark(_megolm_name(session)) in megolm
            return self._olm.mark(_olm_name(*session)) in olm

        return was_erased

    def save_device_keys(self, device_keys: object) -> None:
        """Not kept: nio asks the homeserver again after a start."""

    def load_device_keys(self) -> DeviceStore:
        return DeviceStore()

    def save_encrypted_rooms(self, rooms: object) -> None:
        """Not kept here: the account keeps marks of them."""

    def load_encrypted_rooms(self) -> set[str]:
        return set()

    def load_outgoing_key_requests(self) -> dict[str, Any]:
        return {}

    def add_outgoing_key_request(self, key_request: object) -> None:
        """Not kept: an answer to it would be taken by nobody after a restart."""

    def remove_outgoing_key_request(self, key_request: object) -> None:
        """See above."""

    def ignore_device(self, device: OlmDevice) -> bool:
        return _trust(device, TrustState.ignored)

    def unignore_device(self, device: OlmDevice) -> bool:
        return _trust(device, TrustState.unset)

    def ignore_devices(self, devices: Iterable[OlmDevice]) -> None:
        for device in devices:
            _trust(device, TrustState.ignored)

    def is_device_ignored(self, device: OlmDevice) -> bool:
        return bool(device.trust_state == TrustState.ignored)

    def is_device_verified(self, device: OlmDevice) -> bool:
        return False

    def is_device_blacklisted(self, device: OlmDevice) -> bool:
        return False


def has_account(file: Path) -> bool:
    """Whether a store is there, undamaged, and holds a device's own keys."""
    if not file.exists():
        return False
    with closing(sqlite3.connect(file)) as connection:
        try:
            whole = connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            return whole and "accounts" in names and bool(connection.execute("SELECT 1 FROM accounts").fetchone())
        except sqlite3.OperationalError:
            raise  # It is locked, or the disk fails: no word of its contents.
        except sqlite3.DatabaseError:
            return False


def _olm_name(curve_key: str, session: Session) -> str:
    return f"{curve_key} {session.id}"


def _megolm_name(session: InboundGroupSession) -> str:
    # Of all three, so that nobody takes another's row by sharing a session of hers as their own.
    return f"{session.room_id} {session.sender_key} {session.id}"


def _trust(device: OlmDevice, state: TrustState) -> bool:
    if device.trust_state == state:
        return False
    device.trust_state = state
    return True
