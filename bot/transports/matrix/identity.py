"""Cross-signing by hand, since nio has no call for it: so that clients show no warning and workers can compare one key.

The three keys come from the key file. Lost state folder: the same key file gives the same identity to a new device.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from bot.keys import Keys, Signer
from bot.transports import TransportEnded

JSON = dict[str, Any]
USAGES = ("master", "self_signing", "user_signing")


@dataclass(frozen=True)
class Identity:
    """The bot's cross-signing keys for one Matrix user."""

    user: str
    master: Signer
    self_signing: Signer
    user_signing: Signer

    @classmethod
    def of(cls, keys: Keys, user: str) -> Identity:
        """Drawn from the key file."""
        return cls(user, *(keys.signer(f"matrix/{usage}/{user}") for usage in USAGES))

    @property
    def fingerprint(self) -> str:
        """The master key in groups of four, as clients show it and people compare it."""
        public = self.master.public
        return " ".join(public[start : start + 4] for start in range(0, len(public), 4))

    def upload(self, device: str, device_signature: str) -> JSON:
        """The body of keys/device_signing/upload; `device_signature` is the device's of `unsigned_master()`."""
        signature = {self.user: {f"ed25519:{device}": device_signature}}
        master = {**self.unsigned_master(), "signatures": signature}
        return {
            "master_key": master,
            "self_signing_key": signed(self._key("self_signing", self.self_signing), self.user, self.master),
            "user_signing_key": signed(self._key("user_signing", self.user_signing), self.user, self.master),
        }

    def unsigned_master(self) -> JSON:
        """The master key's object, which the device signs too."""
        return self._key("master", self.master)

    def sign_device(self, device: JSON) -> JSON:
        """A device object as /keys/query gives it, signed by the self-signing key."""
        return signed({name: value for name, value in device.items() if name != "unsigned"}, self.user, self.self_signing)

    def is_mine(self, found: JSON) -> bool | None:
        """Whether the homeserver's master key is ours; None where it has none. `found`: the answer of /keys/query."""
        master = found.get("master_keys", {}).get(self.user)
        if master is None:
            return None
        return list(master.get("keys", {}).values()) == [self.master.public]

    def has_signed(self, device: JSON) -> bool:
        """Whether a device object carries our true signature: Ed25519 signs the same thing the same way each time."""
        return carries(device, self.sign_device(device), self.user)

    def _key(self, usage: str, signer: Signer) -> JSON:
        return {"user_id": self.user, "usage": [usage], "keys": {f"ed25519:{signer.public}": signer.public}}


def signed(thing: JSON, user: str, signer: Signer) -> JSON:
    """The object with one signature more."""
    signatures = {name: dict(value) for name, value in thing.get("signatures", {}).items()}
    signatures.setdefault(user, {})[f"ed25519:{signer.public}"] = signer.sign(canonical(thing))
    return {**thing, "signatures": signatures}


def carries(thing: JSON, should: JSON, user: str) -> bool:
    """Whether a thing carries all of a user's signatures that it should."""
    wanted: dict[str, str] = should.get("signatures", {}).get(user, {})
    return bool(wanted) and all(thing.get("signatures", {}).get(user, {}).get(id) == value for id, value in wanted.items())


def canonical(thing: JSON) -> bytes:
    """Canonical JSON without what is not signed."""
    bare = {name: value for name, value in thing.items() if name not in ("signatures", "unsigned")}
    return json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def changed() -> TransportEnded:
    """Somebody reset the identity: the bot must not replace it by itself."""
    problem = (
        "the account's cross-signing identity is not of RUECKSPIEGEL_KEY_FILE. Either the key file was exchanged: put back "
        "the old one; or somebody reset the identity: if it was you, make a new account, if not, the account was taken over"
    )
    return TransportEnded(f"RUECKSPIEGEL_MATRIX_USER: {problem}")
