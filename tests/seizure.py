"""What somebody reads who took key file and state folder, and has the homeserver's database as well."""

from __future__ import annotations

import base64
import shutil
import struct
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nio
from nio.crypto import Olm
from nio.store import SqliteStore

from bot.keys import Keys
from bot.transports.matrix.store import QuietStore
from tests.matrix import Person
from tests.scan import Canary


def readable(state: Path, keys: Keys, user: str, events: Iterable[dict[str, Any]], copy: Path) -> list[str]:
    """The texts of those encrypted events that the keys in a copy of the state folder decrypt."""
    shutil.copytree(state, copy)
    texts = []
    for file in sorted(copy.rglob("*.db")):
        if not _is_store(file):
            continue
        store = open_store(file, keys, user)
        olm = Olm(user, file.stem, store)
        texts += [text for event in events if (text := _text(olm, event)) is not None]
        store.database.close()
    return texts


def as_stock(state: Path, keys: Keys, user: str, folder: Path) -> None:
    """What nio's own store would have written of the same sessions."""
    folder.mkdir()
    for file in filter(_is_store, sorted(state.rglob("*.db"))):
        quiet = open_store(Path(shutil.copy(file, folder / f"copy-{file.name}")), keys, user, device=file.stem)
        stock = SqliteStore(user, file.stem, str(folder), quiet.pickle_key, file.name)
        stock.save_account(quiet.load_account())
        for sender_key, sessions in quiet.load_sessions().items():
            for session in sessions:
                stock.save_session(sender_key, session)
        for session in quiet.load_inbound_group_sessions():
            stock.save_inbound_group_session(session)
        for store in (quiet, stock):
            store.database.close()
        Path(quiet.database_path).unlink()


def keys_of(person: Person) -> list[Canary]:
    """What a person's device is known by to everybody who may ask a homeserver: as text, and the bytes themselves."""
    found = person.client.nio.olm.account.identity_keys
    return [one for kind in ("curve25519", "ed25519") for one in _key_canaries(f"{kind} of {person.user_id}", found[kind])]


def _key_canaries(label: str, key: str) -> list[Canary]:
    raw = base64.b64decode(key + "=")
    return [Canary(label, key), Canary(f"{label} raw", struct.unpack(">q", raw[:8])[0])]


def open_store(file: Path, keys: Keys, user: str, device: str = "") -> QuietStore:
    """A crypto store as the bot opens it, which needs the key file."""
    pickle = keys.secret("matrix/pickle").hex()
    return QuietStore(lambda: datetime.now(UTC), keys, user, device or file.stem, str(file.parent), pickle, file.name)


def _is_store(file: Path) -> bool:
    """A crypto store is named after its device."""
    return file.stem.isalpha() and file.stem.isupper()


def _text(olm: Olm, event: dict[str, Any]) -> str | None:
    parsed = nio.Event.parse_encrypted_event(event)
    try:
        found = olm.decrypt_megolm_event(parsed, event["room_id"])
    except nio.EncryptionError:
        return None
    return str(found.source["content"].get("body", ""))
