"""Backup files: sealed as age files, written whole or not at all, gone after their time. The only importer of pyrage."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyrage

from bot.keys import Keys
from bot.refusal import Refusal

SUFFIX = ".backup"
_PART = ".part"
_PURPOSE = "backup"
_UNSEALED = b"\x1f\x8b"
"""How gzip begins, which a dump is packed with."""
_SEALED = b"age-encryption.org/"


class BrokenBackup(Refusal):
    """A backup cannot be written or read; the message says which file, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Backups:
    """Where the backups go that the product makes by itself, whom they are sealed for, and for how many days they are kept."""

    folder: Path
    recipient: str | None = None
    days: int = 14

    def keep(self, content: bytes, name: str, keys: Keys) -> Path:
        """Write one, in place of an older one of that name; where it lies.

        :raises BrokenBackup: where it cannot be written.
        """
        path = self.folder / f"{name}{SUFFIX}"
        write_backup(path, sealed(content, keys, self.recipient))
        return path

    def sweep(self, now: datetime, folder: Path | None = None) -> int:
        """Remove what is too old, also what a killed process left half written; how many files that were."""
        gone = 0
        oldest = (now - timedelta(days=self.days)).timestamp()
        for file in (folder or self.folder).glob("*"):
            left = file.name.endswith(_PART) and SUFFIX in file.name and _written(file) < (now - timedelta(days=1)).timestamp()
            if left or (_is_own(file) and _written(file) < oldest):
                file.unlink(missing_ok=True)
                gone += 1
        return gone


def dated(now: datetime) -> str:
    """The name of a backup of this moment, without its ending."""
    return f"rueckspiegel-{now:%Y%m%dT%H%M%SZ}"


def sealed(content: bytes, keys: Keys, recipient: str | None) -> bytes:
    """An age file that the recipient's identity opens, or the key file where nobody is named.

    :raises BrokenBackup: where the recipient is none.
    """
    public = recipient_of(recipient) if recipient else pyrage.ssh.Recipient.from_str(keys.signer(_PURPOSE).openssh_public)
    out = io.BytesIO()
    pyrage.encrypt_io(io.BytesIO(content), out, [public])
    return out.getvalue()


def recipient_of(text: str) -> pyrage.x25519.Recipient:
    """The public key that was written.

    :raises BrokenBackup: where it is none.
    """
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        raise BrokenBackup(f"{text}: that is no public key of age; write one that begins with age1") from error


def new_identity(path: Path) -> str:
    """Write a new identity, for its owner alone, where no file is yet; its public key.

    :raises BrokenBackup: where the file cannot be made.
    """
    made = pyrage.x25519.Identity.generate()
    with _explained(path):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"# public key: {made.to_public()}\n{made}\n")
            file.flush()
            os.fsync(handle)
    return str(made.to_public())


def write_backup(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, for its owner alone.

    :raises BrokenBackup: where it cannot be written.
    """
    part = path.with_name(f"{path.name}{'' if SUFFIX in path.name else SUFFIX}.{secrets.token_hex(4)}{_PART}")
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(handle)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read_backup(path: Path, keys: Keys | None, identity: Path | None) -> bytes:
    """What was sealed in a file, opened with the key file or an age identity.

    :raises BrokenBackup: where it is no backup, is damaged, or opens with neither.
    """
    with _explained(path, "read"):
        raw = path.read_bytes()
    if raw.startswith(_UNSEALED):
        return raw
    if not raw.startswith(_SEALED):
        raise BrokenBackup(f"{path}: this is no backup of this product; name another file")
    own = [pyrage.ssh.Identity.from_buffer(keys.signer(_PURPOSE).openssh_private)] if keys else []
    out = io.BytesIO()
    try:
        pyrage.decrypt_io(io.BytesIO(raw), out, [*own, *(_identities(identity) if identity else [])])
    except pyrage.DecryptError as error:
        if "matching keys" not in str(error):
            raise _damaged(path) from error
        remedy = "name with --identity the file of the key that it was made for, or put the key file back that it was made with"
        raise BrokenBackup(f"{path}: it is sealed for another key; {remedy}") from error
    except OSError as error:
        raise _damaged(path) from error
    return out.getvalue()


def _identities(path: Path) -> Sequence[pyrage.x25519.Identity]:
    with _explained(path, "read"):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    try:
        found = [pyrage.x25519.Identity.from_str(line.strip()) for line in lines if line.strip() and line[0] != "#"]
    except pyrage.IdentityError:
        found = []
    if not found:
        raise BrokenBackup(f"{path}: this is no identity of age; name the file that `backup --new-key` or age-keygen made")
    return found


def _damaged(path: Path) -> BrokenBackup:
    return BrokenBackup(f"{path}: the file is damaged or cut short; take another copy or an older backup")


def _is_own(file: Path) -> bool:
    return file.suffix == SUFFIX and file.name.startswith(("rueckspiegel-", "before-", "replaced-"))


def _written(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:  # Another process was faster.
        return 0.0


@contextmanager
def _explained(path: Path, done: str = "written") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = "name a file in a folder that this process may use, with room left" if done == "written" else "name another"
        raise BrokenBackup(f"{path}: it cannot be {done} ({error.strerror}); {remedy}") from error
