"""What somebody reads who took key file and state folder, and has the homeserver's database as well."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nio
from nio.crypto import Olm
from nio.store import SqliteStore

from bot.keys import Keys


def readable(state: Path, keys: Keys, user: str, events: Iterable[dict[str, Any]], copy: Path) -> list[str]:
    """The texts of those encrypted events that the keys in a copy of the state folder decrypt."""
    shutil.copytree(state, copy)
    texts = []
    for file in sorted(copy.rglob("*.db")):
        if not file.stem.isalpha() or not file.stem.isupper():
            continue  # not a crypto store, which is named after its device
        store = SqliteStore(user, file.stem, str(file.parent), keys.secret("matrix/pickle").hex(), file.name)
        olm = Olm(user, file.stem, store)
        texts += [text for event in events if (text := _text(olm, event)) is not None]
        store.database.close()
    return texts


def _text(olm: Olm, event: dict[str, Any]) -> str | None:
    parsed = nio.Event.parse_encrypted_event(event)
    try:
        found = olm.decrypt_megolm_event(parsed, event["room_id"])
    except nio.EncryptionError:
        return None
    return str(found.source["content"].get("body", ""))
