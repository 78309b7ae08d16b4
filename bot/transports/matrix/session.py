"""Log in as one and the same device, for ever: its keys known to the homeserver, its identity cross-signed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from nio import AsyncClientConfig

from bot.keys import Keys
from bot.logs import Event, log, warn
from bot.transports import TransportEnded
from bot.transports.matrix import upkeep
from bot.transports.matrix.account import Account
from bot.transports.matrix.client import Client
from bot.transports.matrix.identity import JSON, Identity, changed
from bot.transports.matrix.server import TokenGone, Unreachable, own_keys, request
from bot.transports.matrix.store import QuietStore, has_account

DEVICE_NAME = "Rückspiegel"
REQUEST_SECONDS = 20


@dataclass(frozen=True)
class Credentials:
    """Where and who."""

    homeserver: str
    user: str
    password: str = field(repr=False)


@dataclass
class Session:
    """The bot's account on its homeserver. `open` before anything else."""

    credentials: Credentials
    folder: Path
    keys: Keys
    now: Callable[[], datetime]
    account: Account = field(init=False)
    identity: Identity = field(init=False)
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        os.umask(0o077)
        self.account = Account.load(self.folder, self.credentials.user, self.keys, self.now())
        self.identity = Identity.of(self.keys, self.credentials.user)

    async def open(self) -> None:
        """Log in, or go on with the token; publish keys; sign.

        :raises TransportEnded: for a wrong password or an identity that is not ours.
        :raises Unreachable: where the homeserver does not answer, or a next try may go better.
        """
        file = self._store_file(self.account.device)
        if (self.account.token or self.account.fallback or file.exists()) and not has_account(file):
            # The old device's keys are lost, and nobody would believe it with new ones.
            warn(Event.KEYS_LOST)
            self.account.renew(self.now())
        self.client = self._client()
        # Before the login: a device that somebody could know must never be without its keys.
        self.client.restore_login(self.credentials.user, self.account.device, self.account.token)
        try:
            if not self.account.token or not await self._token_is_good():
                await self._log_in()
            upkeep.ratchet(self.client, upkeep.unlisted(self.account.read))
            self.account.forget_read()
            await self._publish()
            await self._delete_others(await self._sign())
        except TokenGone:
            self.forget_token()
            raise Unreachable(TokenGone) from None
        except upkeep.KeysRolledBack:
            self.account.renew(self.now())
            raise Unreachable(upkeep.KeysRolledBack) from None

    async def close(self) -> None:
        """Let go of the connections and of the store."""
        if hasattr(self, "client"):
            await self.client.close()
            if self.client.store is not None:
                self.client.store.database.close()

    def forget_token(self) -> None:
        """Log in with the password next time."""
        self.account.token = ""
        self.account.save()

    def _client(self) -> Client:
        config = AsyncClientConfig(
            store=partial(QuietStore, self.now, self.keys),
            store_name=self._store_file(self.account.device).name,
            pickle_key=self.keys.secret("matrix/pickle").hex(),
            encryption_enabled=True,
            store_sync_tokens=False,
            max_limit_exceeded=0,
            max_timeouts=0,
            request_timeout=REQUEST_SECONDS,
        )
        credentials = self.credentials
        return Client(credentials.homeserver, credentials.user, self.account.device, str(self.folder), config)

    def _store_file(self, device: str) -> Path:
        return self.folder / f"{device}.db"

    async def _token_is_good(self) -> bool:
        self.client.access_token = self.account.token
        try:
            answer = await request(self.client, "GET", "/account/whoami")
        except TokenGone:
            self.client.access_token = ""
            return False
        return answer.ok and answer.body.get("user_id") == self.credentials.user

    async def _log_in(self) -> None:
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": self.credentials.user},
            "password": self.credentials.password,
            "device_id": self.account.device,
            "initial_device_display_name": DEVICE_NAME,
        }
        self.client.access_token = ""
        answer = await request(self.client, "POST", "/login", body)
        if not answer.ok:
            problem = "the homeserver refuses user and password; set them to those of the bot's account"
            raise TransportEnded(f"RUECKSPIEGEL_MATRIX_PASSWORD: {problem}")
        if answer.body.get("user_id") != self.credentials.user:
            raise TransportEnded("RUECKSPIEGEL_MATRIX_USER: write the full user id, such as @rueckspiegel:example.org")
        self.account.token = self.client.access_token = answer.body["access_token"]
        self.account.save()
        log(Event.LOGGED_IN)

    def _devices_in(self, found: JSON) -> JSON:
        return dict(found["device_keys"][self.credentials.user])

    async def _publish(self) -> None:
        """The device's keys, where the homeserver lacks them or has others."""
        olm = self.client.olm
        device = self._devices_in(await own_keys(self.client, self.credentials.user)).get(self.account.device)
        ours = olm.account.identity_keys["ed25519"]
        if device is None or device.get("keys", {}).get(f"ed25519:{self.account.device}") != ours:
            olm.account.shared = False
        await upkeep.upload_keys(self.client)
        if not self.account.fallback and await upkeep.upload_fallback_key(self.client):
            self.account.fallback = True
            self.account.save()

    async def _sign(self) -> JSON:
        """The identity where there is none, the device where it is unsigned; never over another identity. The keys before."""
        found = await own_keys(self.client, self.credentials.user)
        mine = self.identity.is_mine(found)
        if mine is False:
            raise changed()
        if mine is None:
            unsigned = self.identity.unsigned_master()
            body = self.identity.upload(self.account.device, self.client.olm.sign_json(unsigned))
            answer = await request(self.client, "POST", "/keys/device_signing/upload", body)
            if not answer.ok:
                answer = await request(
                    self.client, "POST", "/keys/device_signing/upload", {**body, "auth": self._auth(answer.body)}
                )
            if not answer.ok:
                raise TransportEnded("RUECKSPIEGEL_MATRIX_USER: the homeserver does not take the bot's cross-signing keys")
            log(Event.IDENTITY_MADE)
        device = self._devices_in(found).get(self.account.device)
        if device is not None and not self.identity.has_signed(device):
            body = {self.credentials.user: {self.account.device: self.identity.sign_device(device)}}
            answer = await request(self.client, "POST", "/keys/signatures/upload", body)
            if not answer.ok or answer.body.get("failures"):
                warn(Event.NOT_SIGNED)
        return found

    async def _delete_others(self, found: JSON) -> None:
        """Devices that we signed in a life whose keys are lost. A device that somebody else logged in is not ours to end."""
        signed = [id for id, device in self._devices_in(found).items() if self.identity.has_signed(device)]
        others = [id for id in signed if id != self.account.device]
        if others:
            body: JSON = {"devices": others}
            answer = await request(self.client, "POST", "/delete_devices", body)
            if answer.status == 401:
                await request(self.client, "POST", "/delete_devices", {**body, "auth": self._auth(answer.body)})
        for file in self.folder.glob("*.db"):
            if file != self._store_file(self.account.device):
                file.unlink()

    def _auth(self, challenge: JSON) -> JSON:
        return {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": self.credentials.user},
            "password": self.credentials.password,
            "session": challenge.get("session", ""),
        }
