"""What the homeserver tells of the bot's keys, held against the key file. Plain requests; the crypto store stays closed."""

from __future__ import annotations

from pathlib import Path

from nio import AsyncClient, AsyncClientConfig

from bot.keys import Keys
from bot.transports.matrix.account import Account
from bot.transports.matrix.identity import JSON, Identity, carries, signed
from bot.transports.matrix.server import TokenGone, Unreachable, own_keys
from bot.transports.matrix.session import Credentials


async def proof(credentials: Credentials, folder: Path, keys: Keys) -> list[str]:
    """What is wrong with the bot's identity on Matrix; nothing where clients show no warning."""
    account = Account.load(folder, credentials.user, keys)
    if not account.token:
        return ["the bot has not logged in yet; start it once with `run`"]
    client = AsyncClient(
        credentials.homeserver, credentials.user, config=AsyncClientConfig(encryption_enabled=False, store=None)
    )
    client.access_token = account.token
    try:
        found = await own_keys(client, credentials.user)
    except (Unreachable, TokenGone) as error:
        return [f"the homeserver does not answer or no longer knows the bot's token ({type(error).__name__})"]
    finally:
        await client.close()
    return list(_problems(Identity.of(keys, credentials.user), found, account.device))


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
