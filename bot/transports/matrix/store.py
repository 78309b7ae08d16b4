"""nio's crypto store without people: their devices are kept in memory only.

The stock store writes every asker's Matrix id and device names in clear. What remains on disk are pickles, encrypted with
a key from the key file, and in clear the ids of rooms and curve keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from nio.crypto import DeviceStore, InboundGroupSession, OlmDevice, TrustState
from nio.store import MegolmInboundSessions, SqliteStore


class QuietStore(SqliteStore):  # type: ignore[misc]  # nio has no types
    """A store that keeps our own keys and sessions, and of others nothing. `now` dates the last use of a session."""

    def __init__(self, now: Callable[[], datetime], *names: str) -> None:
        self._now = now
        super().__init__(*names)
        self.database.execute_sql("CREATE TABLE IF NOT EXISTS session_used (id TEXT PRIMARY KEY, hour INTEGER NOT NULL)")
        known = "SELECT session_id, ? FROM megolminboundsessions"
        self.database.execute_sql(f"INSERT OR IGNORE INTO session_used (id, hour) {known}", (_hour(now()),))

    def save_inbound_group_session(self, session: InboundGroupSession) -> None:
        """It came, or was read: both save it."""
        used = (session.id, _hour(self._now()))
        with self.database.atomic():
            super().save_inbound_group_session(session)
            self.database.execute_sql("INSERT OR REPLACE INTO session_used (id, hour) VALUES (?, ?)", used)

    def sessions_unused_since(self, moment: datetime) -> set[str]:
        """The ids of sessions that were not saved since then."""
        found = self.database.execute_sql("SELECT id FROM session_used WHERE hour < ?", (_hour(moment),))
        return {str(row[0]) for row in found}

    def delete_inbound_group_session(self, id: str) -> None:
        """As if it had never come."""
        with self.database.bind_ctx([MegolmInboundSessions]), self.database.atomic():
            MegolmInboundSessions.delete().where(MegolmInboundSessions.session_id == id).execute()
            self.database.execute_sql("DELETE FROM session_used WHERE id = ?", (id,))

    def save_device_keys(self, device_keys: object) -> None:
        """Not kept: nio asks the homeserver again after a start."""

    def load_device_keys(self) -> DeviceStore:
        return DeviceStore()

    def save_encrypted_rooms(self, rooms: object) -> None:
        """Not kept here: the account keeps marks of them."""

    def load_encrypted_rooms(self) -> set[str]:
        return set()

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


def _trust(device: OlmDevice, state: TrustState) -> bool:
    if device.trust_state == state:
        return False
    device.trust_state = state
    return True


def _hour(moment: datetime) -> int:
    return int(moment.timestamp()) // 3600
