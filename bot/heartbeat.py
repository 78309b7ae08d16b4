"""What the running bot says of itself every few seconds: numbers and words of fixed lists, nothing of people."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

FILE = "heartbeat.json"
OLD_SECONDS = 60
"""From this age on the bot that wrote it is not running, or hangs."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """One platform: starting, listening or ended; its last contact to the minute, in seconds since 1970, or None.

    `waiting` are updates under way, the others count since the start.
    """

    state: str
    contact: int | None
    waiting: int
    set_free: int
    lost: int
    shed: int
    restarts: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """`at` and `since` in seconds since 1970, `lag` of the event loop in seconds, `held` why digests wait: clock, disk.

    `due` are parts of digests whose time has come, `overdue` the seconds that the first of them has waited. `base` is the
    content's hash, `questions` by platform and outcome, about, in tens, ten minutes late: no number tells of anybody.
    """

    at: int
    since: int
    version: str
    platforms: Mapping[str, Pulse]
    lag: float
    held: tuple[str, ...]
    channels: int
    paused: int
    due: int
    overdue: int
    deliveries: Mapping[str, int]
    base: str
    facts: int
    unknowns: int
    items: int
    questions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def written(self, folder: Path) -> None:
        """Into the folder's file, whole or not at all, readable by its owner alone.

        :raises OSError: where the disk is full or read-only.
        """
        draft = folder / f".{FILE}.{secrets.token_hex(4)}"
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                json.dump(asdict(self), file)
            draft.replace(folder / FILE)
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)


def forget(folder: Path) -> None:
    """The bot of this state folder ended in an orderly way."""
    with suppress(OSError):
        (folder / FILE).unlink(missing_ok=True)


def last_heartbeat(folder: Path) -> Heartbeat | None:
    """What the bot of this state folder said last, however old; None where it said nothing that can be read."""
    try:
        said = json.loads((folder / FILE).read_text(encoding="ascii"))
        pulses = {name: Pulse(**pulse) for name, pulse in said["platforms"].items()}
        return Heartbeat(**{**said, "platforms": pulses, "held": tuple(said["held"])})
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
