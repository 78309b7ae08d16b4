"""What must survive of the bot's own account, in one sealed file: device, token, where the sync stands, encrypted rooms.

Written as a whole: a new file, flushed, then renamed over the old one.
"""

from __future__ import annotations

import json
import os
import secrets
import string
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path

from bot.keys import Keys

_PURPOSE = "matrix/account"
LONG_AGO = datetime.fromtimestamp(0, UTC)
MOST_ENCRYPTED = 4_000
"""Four times the rooms that the bot is in at once; those it saw longest ago are forgotten."""


@dataclass
class Account:
    """`encrypted` holds HMAC marks of rooms that were ever seen encrypted; nothing in clear goes there again.

    `made` is when the device began, in seconds since 1970. `read` is how far each session was read by `next_batch`: sender
    key, session id, message index. What lies before is to be made unreadable once the token is saved, after a crash at the
    next start.
    """

    path: Path
    keys: Keys = field(repr=False)
    device: str = ""
    token: str = field(default="", repr=False)
    next_batch: str = field(default="", repr=False)
    encrypted: list[str] = field(default_factory=list, repr=False)
    fallback: bool = False
    made: float = 0.0
    read: list[tuple[str, str, int]] = field(default_factory=list, repr=False)

    @classmethod
    def load(cls, folder: Path, user: str, keys: Keys, now: datetime = LONG_AGO) -> Account:
        """The account of a user; a new one has a device id before its first login, so that a crash makes no second device.

        :raises BrokenKey: where the file was sealed with another key.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        account = cls(folder / f"{keys.mark(user, 'matrix/user')[:16]}.account", keys)
        kept = {one.name for one in fields(cls)}
        if account.path.exists():
            for name, value in json.loads(keys.open(account.path.read_text(encoding="ascii"), _PURPOSE)).items():
                if name in kept:
                    setattr(account, name, value)
        if not account.device:
            account.renew(now)
        return account

    def renew(self, now: datetime) -> None:
        """A new device id, where the keys of the old one are lost."""
        self.device = "".join(secrets.choice(string.ascii_uppercase) for _ in range(10))
        self.token, self.fallback, self.read, self.made = "", False, [], now.timestamp()
        self.save()

    def save(self) -> None:
        """Durable once this returns."""
        kept = {name: value for name, value in asdict(self).items() if name not in ("path", "keys")}
        draft = self.path.with_name(f"{self.path.name}.new")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(self.keys.seal(json.dumps(kept), _PURPOSE))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def forget_read(self) -> None:
        """What was read is unreadable by now, and whose it was need not be known any more."""
        if self.read:
            self.read = []
            self.save()

    def seen_encrypted(self, room: str) -> None:
        """A room is encrypted, from now on for ever."""
        mark = self._mark(room)
        known = mark in self.encrypted
        if known:
            self.encrypted.remove(mark)
        self.encrypted = [*self.encrypted, mark][-MOST_ENCRYPTED:]
        if not known:
            self.save()

    def was_encrypted(self, room: str) -> bool:
        """Whether a room was ever seen encrypted."""
        return self._mark(room) in self.encrypted

    def _mark(self, room: str) -> str:
        return self.keys.mark(room, "matrix/encrypted")[:24]
