"""The key file: what is kept of an address is sealed with it, what is kept of an update is only an HMAC under it.

It lies outside the state folder, so that a backup or a copied database does not hold it. The only importer of cryptography.
"""

from __future__ import annotations

import base64
import hmac
import os
import secrets
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bot.refusal import Refusal

SIZE = 32
_NONCE = 12


class BrokenKey(Refusal):
    """The key file cannot be read or made, or does not fit what was sealed; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Signer:
    """An Ed25519 key pair."""

    _key: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> str:
        """Unpadded base64, as Matrix writes it."""
        return _unpadded(self._key.public_key().public_bytes_raw())

    @property
    def openssh_public(self) -> str:
        """One line, `ssh-ed25519 …`."""
        return self._key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()

    @property
    def openssh_private(self) -> bytes:
        """PEM, not encrypted: for memory alone."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())

    def sign(self, message: bytes) -> str:
        """Unpadded base64."""
        return _unpadded(self._key.sign(message))


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys for each purpose, drawn from one secret of 32 bytes."""

    _secret: bytes = field(repr=False)

    def seal(self, text: str, purpose: str) -> str:
        """Encrypt; what was sealed for one purpose opens for no other. Base64."""
        nonce = secrets.token_bytes(_NONCE)
        return base64.b64encode(nonce + self._cipher(purpose).encrypt(nonce, text.encode(), purpose.encode())).decode()

    def open(self, sealed: str, purpose: str) -> str:
        """What was sealed.

        :raises BrokenKey: where it was sealed with another key.
        """
        raw = base64.b64decode(sealed)
        try:
            return self._cipher(purpose).decrypt(raw[:_NONCE], raw[_NONCE:], purpose.encode()).decode()
        except InvalidTag as error:
            raise BrokenKey(
                "RUECKSPIEGEL_KEY_FILE: this key does not open the database; put back the key it was made with"
            ) from error

    def mark(self, text: str, purpose: str) -> str:
        """An HMAC-SHA256 in hex: equal texts are found again, none can be read or guessed without the key."""
        return hmac.digest(self.secret(f"mark/{purpose}"), text.encode(), "sha256").hex()

    def secret(self, purpose: str) -> bytes:
        """32 bytes for one purpose."""
        return _secrets(self._secret, purpose)

    def signer(self, purpose: str) -> Signer:
        """An Ed25519 key pair for one purpose; the same key file gives the same pair."""
        return Signer(Ed25519PrivateKey.from_private_bytes(self.secret(f"sign/{purpose}")))

    def _cipher(self, purpose: str) -> AESGCM:
        return _ciphers(self, purpose)


@lru_cache(maxsize=64)
def _secrets(secret: bytes, purpose: str) -> bytes:
    """Drawn once, since every update is marked."""
    return HKDF(SHA256(), SIZE, salt=None, info=f"rueckspiegel/{purpose}".encode()).derive(secret)


@lru_cache(maxsize=64)
def _ciphers(keys: Keys, purpose: str) -> AESGCM:
    """Made once, since a look at the ledger opens thousands of addresses."""
    return AESGCM(keys.secret(f"seal/{purpose}"))


def load_keys(path: Path) -> Keys:
    """The keys of a key file; where there is none it is made, readable by its owner alone.

    :raises BrokenKey: where it cannot be made or read.
    """
    try:
        made = _make(path)
        text = made or path.read_text(encoding="ascii")
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        problem = f"{path} cannot be made or read ({reason}); name a file in a folder that this process may write to"
        raise BrokenKey(f"RUECKSPIEGEL_KEY_FILE: {problem}") from error
    try:
        secret = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        secret = b""
    if len(secret) != SIZE:
        raise BrokenKey(
            f"RUECKSPIEGEL_KEY_FILE: {path} is no key of this product; put back the one that was made at the first start"
        )
    return Keys(secret)


def _unpadded(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


def _make(path: Path) -> str | None:
    """Write a new key, whole or not at all; None where there is one already."""
    if path.exists():
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    text = base64.b64encode(secrets.token_bytes(SIZE)).decode() + "\n"
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, text.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(draft, path)
    except FileExistsError:
        return None
    finally:
        draft.unlink()
    return text
