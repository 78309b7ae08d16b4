"""What the homeserver tells of the bot's keys, held against the key file. Plain requests; the crypto store stays closed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from nio import AsyncClient, AsyncClientConfig

from bot.keys import Keys
from bot.transports.matrix.account import Account
from bot.transports.matrix.identity import JSON, Identity, carries, signed
from bot.transports.matrix.server import TokenGone, Unreachable, own_keys, request
from bot.transports.matrix.session import Credentials


class NotLoggedIn(Exception):
    """The bot has no token yet, since it never ran."""


async def proof(credentials: Credentials, folder: Path, keys: Keys) -> list[str]:
    """What is wrong with the bot's identity on Matrix; nothing where clients show no warning.

    :raises NotLoggedIn: before the first start.
    """
    try:
        async with _client(credentials, folder, keys) as (client, device):
            found = await own_keys(client, credentials.user)
    except (Unreachable, TokenGone) as error:
        return [f"the homeserver does not answer or no longer knows the bot's token ({type(error).__name__})"]
    return list(_problems(Identity.of(keys, credentials.user), found, device))


async def rooms_joined(credentials: Credentials, folder: Path, keys: Keys) -> frozenset[str] | None:
    """The rooms that the bot is in, None where the homeserver does not tell.

    :raises NotLoggedIn: before the first start.
    """
    try:
        async with _client(credentials, folder, keys) as (client, _):
            answer = await request(client, "GET", "/joined_rooms")
    except (Unreachable, TokenGone):
        return None
    return frozenset(answer.body.get("joined_rooms", ())) if answer.ok else None


@asynccontextmanager
async def _client(credentials: Credentials, folder: Path, keys: Keys) -> AsyncIterator[tuple[AsyncClient, str]]:
    """A client with the bot's token and no store, and the bot's device."""
    account = Account.load(folder, credentials.user, keys)
    if not account.token:
        raise NotLoggedIn
    config = AsyncClientConfig(encryption_enabled=False, store=None)
    client = AsyncClient(credentials.homeserver, credentials.user, config=config)
    client.access_token = account.token
    try:
        yield client, account.device
    finally:
        await client.close()


def _problems(identity: Identity, found: JSON, device: str) -> list[str]:
    user, problems = identity.user, []
    if identity.is_mine(found) is not True:
        return ["the account has no identity, or one that is not of this key file; clients will warn"]
    key = found.get("self_signing_keys", {}).get(user, {})
    if not carries(key, signed(key, user, identity.master), user):
        problems.append("the self-signing key is not signed by the master key")
    ours = found.get("device_keys", {}).get(user, {}).get(device)
    if ours is None:
        problems.append(f"the homeserver does not know the bot's device {device}; restart the bot")
    elif not identity.has_signed(ours):
        problems.append(f"the device {device} is not signed; restart the bot")
    others = sorted(set(found.get("device_keys", {}).get(user, {})) - {device})
    if others:
        problems.append(f"the account has other devices ({', '.join(others)}); log them out, only the bot should use it")
    return problems
