"""For the one who operates it: `doctor`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import click

from bot.app import load_model, today
from bot.base import load_base, shipped_folder
from bot.config import Settings, read_settings
from bot.keys import load_keys
from bot.search.encoder import load_encoder
from bot.store import open_store
from bot.transports.matrix.identity import Identity
from bot.transports.matrix.proof import proof
from bot.transports.matrix.session import Credentials
from bot.transports.telegram.api import Api, OtherPoller, TokenRefused, Unreachable


@dataclass(frozen=True)
class Sign:
    """What was looked at, how it is, and whether something must be done."""

    what: str
    how: str
    well: bool = True

    def __str__(self) -> str:
        return f"{'ok  ' if self.well else 'FAIL'} {self.what}: {self.how}"


@click.command()
def doctor() -> int:
    """Look at settings, data, database, key file and each platform; say what is wrong and what to do."""
    signs = asyncio.run(_examine(read_settings()))
    for sign in signs:
        click.echo(str(sign))
    return 0 if all(sign.well for sign in signs) else 1


async def _examine(settings: Settings) -> list[Sign]:
    return [sign async for sign in _signs(settings)]


async def _signs(settings: Settings) -> AsyncIterator[Sign]:
    base, findings = load_base(settings.data or shipped_folder(), today())
    load_model(base.folder)
    yield Sign("data", f"{len(base.facts)} facts, {len(base.items)} items, {len(findings)} warnings in {base.folder}")
    encoder = load_encoder()
    yield Sign("search", encoder.name if encoder else "no encoder on this machine; the character head answers alone, less well")
    contact = settings.contact
    yield Sign("contact", contact or "RUECKSPIEGEL_CONTACT is missing; `run` needs it", bool(contact))
    keys = load_keys(settings.key_path)
    mode = settings.key_path.stat().st_mode & 0o777
    remedy = "" if mode == 0o600 else f", readable by others (mode {mode:o}); chmod 600 it"
    yield Sign("key file", f"{settings.key_path}{remedy}; keep a copy apart from backups", mode == 0o600)
    async with open_store(settings.database_url, keys) as store:
        yield Sign("database", store.engine.dialect.name)
    if settings.telegram_token is not None:
        yield await _telegram(settings)
    if settings.matrix_user is not None:
        assert settings.matrix_homeserver is not None
        assert settings.matrix_password is not None
        credentials = Credentials(settings.matrix_homeserver, settings.matrix_user, settings.matrix_password)
        problems = await proof(credentials, settings.matrix_folder, keys)
        fingerprint = Identity.of(keys, settings.matrix_user).fingerprint
        yield Sign("matrix", "; ".join(problems) or f"signed in order, fingerprint {fingerprint}", not problems)
    if settings.telegram_token is None and settings.matrix_user is None:
        yield Sign("platforms", "none is set up; set RUECKSPIEGEL_TELEGRAM_TOKEN or the three of Matrix", False)


async def _telegram(settings: Settings) -> Sign:
    assert settings.telegram_token is not None
    api = Api(settings.telegram_token, settings.telegram_api_url)
    try:
        me = await api.start()
    except TokenRefused:
        return Sign(
            "telegram", "RUECKSPIEGEL_TELEGRAM_TOKEN: Telegram refuses this token; copy it once more from BotFather", False
        )
    except (Unreachable, OtherPoller) as error:
        return Sign("telegram", f"{settings.telegram_api_url} does not answer ({type(error).__name__})", False)
    finally:
        await api.close()
    if me.can_read_all_group_messages:
        return Sign("telegram", "privacy mode is off; send /setprivacy to BotFather and choose Enable", False)
    return Sign("telegram", f"@{me.username}")
