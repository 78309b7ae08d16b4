"""A device as its owner's client publishes it, or as no client would: keys, signatures, and messages to another device."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

from nio.api import Api
from nio.crypto import OlmAccount, OutboundSession

JSON = dict[str, Any]


class Device:
    """Keys of its own; nothing is synced."""

    def __init__(self, user: str, id: str) -> None:
        self.user, self.id, self.account = user, id, OlmAccount()

    def keys(self, **changed: Any) -> JSON:
        """The signed object of /keys/upload; `changed` before it is signed."""
        keys = {f"{kind}:{self.id}": key for kind, key in self.account.identity_keys.items()}
        bare = {"algorithms": ["m.megolm.v1.aes-sha2"], "device_id": self.id, "user_id": self.user, "keys": keys}
        return self.sign({**bare, **changed})

    def sign(self, thing: JSON) -> JSON:
        bare = {name: value for name, value in copy.deepcopy(thing).items() if name != "signatures"}
        signature = self.account.sign(Api.to_canonical_json(bare))
        return {**bare, "signatures": {self.user: {f"ed25519:{self.id}": signature}}}

    def session(self, curve_key: str, one_time_key: str) -> OutboundSession:
        """With a device of somebody else."""
        return OutboundSession(self.account, curve_key, one_time_key)

    def sealed(self, session: OutboundSession, to: JSON, kind: str, content: JSON) -> JSON:
        """A to-device event; `to` has the recipient's `user`, `curve25519` and `ed25519`."""
        payload = {
            "sender": self.user,
            "sender_device": self.id,
            "keys": {"ed25519": self.account.identity_keys["ed25519"]},
            "recipient": to["user"],
            "recipient_keys": {"ed25519": to["ed25519"]},
            "type": kind,
            "content": content,
        }
        number, body = session.encrypt(json.dumps(payload)).to_parts()
        ciphertext = {to["curve25519"]: {"type": number, "body": base64.b64encode(body).decode().rstrip("=")}}
        sealed = {"algorithm": "m.olm.v1.curve25519-aes-sha2", "ciphertext": ciphertext}
        sender_key = self.account.identity_keys["curve25519"]
        return {"type": "m.room.encrypted", "sender": self.user, "content": {**sealed, "sender_key": sender_key}}
