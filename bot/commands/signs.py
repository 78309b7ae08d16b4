"""What `doctor` looks at on this machine: a line each, ok, warn or fail, with what to do."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import Field, asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Literal

from bot.app import check_languages, load_model, today
from bot.base import load_base, shipped_folder
from bot.config import OWN, Settings
from bot.environment import PREFIX
from bot.heartbeat import OLD_SECONDS, last_heartbeat
from bot.loops.disk import LEAST_FREE, free_bytes
from bot.search.encoder import load_encoder
from bot.store import Store, ledger

LITTLE_FREE = 4 * LEAST_FREE


@dataclass(frozen=True, slots=True)
class Sign:
    """What was looked at, how it is, and what to do where that is not well."""

    check: str
    state: Literal["ok", "warn", "fail"]
    says: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.state:4} {self.check}: {self.says}" + (f"; {self.remedy}" if self.remedy else "")

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def settings_signs(settings: Settings) -> Iterator[Sign]:
    """Every setting of the installation, with its value where that is no secret."""
    for one in fields(Settings):
        if one.name.upper() not in (*OWN, "NAME"):
            yield _setting(one, settings)


def account_signs(settings: Settings) -> Iterator[Sign]:
    """The same of what a bot account has of its own."""
    for one in fields(Settings):
        if one.name.upper() in OWN:
            yield _setting(one, settings)
    if not settings.identities:
        remedy = f"set {PREFIX}TELEGRAM_TOKEN or fill its file, or the three settings of Matrix"
        yield Sign("platforms", "fail", "none is set up", remedy)


def _setting(one: Field[object], settings: Settings) -> Sign:
    name, value = PREFIX + ("LOG" if one.name == "debug" else one.name.upper()), getattr(settings, one.name)
    if one.name == "contact" and not value:
        return Sign(name, "fail", "missing", "write whom a worker can turn to; `run` needs it")
    if one.name == "steward_room" and value is None:
        return Sign(name, "warn", "not set", "name a chat, or nobody hears of what fails and nobody sees drafts")
    if one.name == "stewards" and not value:
        return Sign(name, "warn", "not set", "name who may review, such as anna=telegram:1001")
    return Sign(name, "ok", _shown(one, value))


def _shown(one: Field[object], value: object) -> str:
    if value is None or value == {}:
        return "not set"
    if not one.repr:
        return "set"
    if one.name == "debug":
        return "debug" if value else "info"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value[0]}:{value[1]}" if isinstance(value, tuple) else str(value)


async def data_signs(settings: Settings) -> AsyncIterator[Sign]:
    """The data folder, its model, and what searches it."""
    base, findings = load_base(settings.data or shipped_folder(), today())
    check_languages(settings, base)
    counted = f"{len(base.facts)} facts, {len(base.unknowns)} unknowns, {len(base.items)} items in {base.folder}"
    remedy = f"{len(findings)} warnings; `check` lists them" if findings else ""
    yield Sign("data folder", "warn" if findings else "ok", counted, remedy)
    _, doubts = load_model(base.folder)
    for doubt in doubts:
        yield Sign("model", "warn", doubt.problem, doubt.remedy)
    encoder = load_encoder()
    if encoder is None:
        yield Sign("search", "warn", "no encoder on this machine, the character head answers alone", "run it on Linux x86-64")
    else:
        yield Sign("search", "ok", encoder.name)


async def key_signs(settings: Settings) -> AsyncIterator[Sign]:
    """The key file, which the first start makes."""
    path = settings.key_path
    database = settings.database_file
    if not path.exists() and database is not None and database.exists():
        remedy = "put back the copy that you kept, before a start makes another"
        yield Sign("key file", "fail", f"{path} is not there, and {database} was made with it", remedy)
        return
    if not path.exists():
        yield Sign("key file", "warn", f"{path} is not there yet", "it is made at the first start; keep a copy of it then")
        return
    mode = path.stat().st_mode & 0o777
    if mode & 0o037:  # Of a systemd credential, an access list shows as the right of its group to read.
        yield Sign("key file", "fail", f"{path} may be read by others (mode {mode:o})", f"chmod 600 {path}")
    else:
        yield Sign("key file", "ok", f"{path}, of which a copy belongs apart from backups")


async def state_signs(settings: Settings) -> AsyncIterator[Sign]:
    """The state folder and the disk it lies on."""
    folder = settings.state.absolute()
    there = next(one for one in (folder, *folder.parents) if one.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        remedy = f"give it to the bot's user, or name another in {PREFIX}STATE"
        yield Sign("state folder", "fail", f"{there} may not be written to", remedy)
        return
    yield Sign("state folder", "ok", str(folder))
    free = free_bytes(there)
    says = f"{free // 2**20} MB free"
    if free < LEAST_FREE:
        yield Sign("disk", "fail", says, f"make room: below {LEAST_FREE // 2**20} MB digests wait")
    elif free < LITTLE_FREE:
        yield Sign("disk", "warn", says, f"make room: below {LEAST_FREE // 2**20} MB digests wait")
    else:
        yield Sign("disk", "ok", says)


def running_sign(state: Path, now: datetime) -> Sign:
    """Whether the bot of this state folder runs."""
    beat = last_heartbeat(state)
    if beat is None:
        return Sign("running", "warn", "the bot does not run", "start its service, or `run` where there is none")
    age = int(now.timestamp()) - beat.at
    if age > OLD_SECONDS:
        return Sign("running", "fail", f"the last sign of the bot is {age} seconds old", "it was killed or hangs; restart it")
    ended = [name for name, pulse in beat.platforms.items() if pulse.state == "ended"]
    if ended:
        return Sign("running", "fail", f"{', '.join(ended)} ended", "its log and the stewards' room say why")
    return Sign("running", "ok", f"since {datetime.fromtimestamp(beat.since, now.tzinfo):%Y-%m-%dT%H:%M:%SZ}")


async def ledger_sign(store: Store) -> Sign:
    """Parts of digests that somebody must look at."""
    unknown = (await store.run(ledger.counts)).get("unknown", 0)
    if unknown:
        remedy = "they come once more by themselves; `deliveries --state unknown` lists them"
        return Sign("deliveries", "warn", f"of {unknown} nobody knows whether they arrived", remedy)
    return Sign("deliveries", "ok", "none is unknown")
