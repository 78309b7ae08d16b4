"""nio's crypto store without people: their devices are kept in memory only.

The stock store writes every asker's Matrix id and device names in clear. What remains on disk are pickles, encrypted with
a key from the key file, and in clear the ids of rooms and curve keys.
"""

from __future__ import annotations

from collections.abc import Iterable

from nio.crypto import DeviceStore, OlmDevice, TrustState
from nio.store import SqliteStore


class QuietStore(SqliteStore):  # type: ignore[misc]  # nio has no types
    """A store that keeps our own keys and sessions, and of others nothing."""

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
