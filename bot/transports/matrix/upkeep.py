"""Care for the keys, where nio falls short: saved before they are uploaded, never at zero, gone once they have served."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Any

import aiohttp
from nio.crypto import InboundGroupSession

from bot import lifetimes
from bot.logs import Event, warn
from bot.transports.matrix.client import Client
from bot.transports.matrix.server import request

JSON = dict[str, Any]
CARE_SECONDS = 3.0
"""What waits for the homeserver of a single person must not hold up the sync of all; it is due again after the next."""
UNUSED_LIFETIME = lifetimes.SESSION
"""Clients begin a new session after a week, so a session that was not used for longer carries nothing any more."""


class KeysRolledBack(Exception):
    """The homeserver has newer keys of our device than we do, as after a backup was put back: only a new device helps."""


async def upload_keys(client: Client) -> None:
    """Device and one-time keys that are due. Saved first: a key that was handed out and forgotten makes us deaf to somebody.

    :raises KeysRolledBack: where the homeserver has other keys under the same names.
    """
    olm = client.olm
    if not olm.should_upload_keys:
        return
    content = olm.share_keys()
    olm.save_account()
    answer = await request(client, "POST", "/keys/upload", content)
    if not answer.ok:
        warn(Event.KEYS_NOT_UPLOADED)
        if answer.status == 400 and "already exists" in str(answer.body.get("error")):
            raise KeysRolledBack
        return
    olm.account.shared = True
    olm.uploaded_key_count = answer.body.get("one_time_key_counts", {}).get("signed_curve25519", 0)
    olm.mark_keys_as_published()
    olm.save_account()


async def upload_fallback_key(client: Client) -> bool:
    """A key for when all one-time keys are used up; a new one each time it was used. Whether the homeserver took it."""
    raw = client.olm.account._account
    if not raw.fallback_key:
        raw.generate_fallback_key()
    keys = {}
    for id, key in raw.fallback_key.items():
        value: JSON = {"key": key.to_base64(), "fallback": True}
        signature = client.olm.sign_json(value)
        keys[f"signed_curve25519:{id}"] = {**value, "signatures": {client.user_id: {f"ed25519:{client.device_id}": signature}}}
    client.olm.save_account()
    answer = await request(client, "POST", "/keys/upload", {"fallback_keys": keys})
    if answer.ok:
        client.olm.mark_keys_as_published()
        client.olm.save_account()
    return answer.ok


async def after_sync(client: Client, response: Any) -> None:
    """What nio's own loop does between syncs, and what it does not."""
    olm = client.olm
    if response.device_key_count.signed_curve25519 == 0:
        olm.uploaded_key_count = 0  # nio takes a count of zero for none given, and never uploads again.
    await upload_keys(client)
    if client.fallback_used:
        await upload_fallback_key(client)
    for due in (partial(_query, client), partial(_claim, client), client.send_to_device_messages):
        try:
            async with asyncio.timeout(CARE_SECONDS):
                await due()
        except TimeoutError as error:
            warn(Event.UPDATE_SET_ASIDE, exception=error)
        except (aiohttp.ClientError, OSError):
            raise
        except Exception as error:  # What others publish of their keys must not end the sync of all.
            warn(Event.UPDATE_SET_ASIDE, exception=error)


async def _query(client: Client) -> None:
    if client.should_query_keys:
        await client.keys_query()


async def _claim(client: Client) -> None:
    if client.should_claim_keys:
        await client.keys_claim(client.get_users_for_key_claiming())


Indexes = dict[tuple[str, str], int]
"""Sender key and session id to the highest message index that was read of it."""


def indexes(client: Client) -> Indexes:
    """How far each session was read by now."""
    last: Indexes = {}
    for sender_key, session_id, index in client.olm.message_index_store:
        last[sender_key, session_id] = max(index, last.get((sender_key, session_id), -1))
    return last


def listed(last: Indexes) -> list[tuple[str, str, int]]:
    """As a file keeps it."""
    return [(sender_key, session_id, index) for (sender_key, session_id), index in last.items()]


def unlisted(kept: Iterable[tuple[str, str, int]]) -> Indexes:
    """As it came from a file."""
    return {(sender_key, session_id): index for sender_key, session_id, index in kept}


def ratchet(client: Client, last: Indexes) -> None:
    """Make unreadable what was answered: each session forward past these messages, our own copies dropped.

    Only after the sync token is saved: what the homeserver delivers again must still be readable.
    """
    olm = client.olm
    own = olm.account.identity_keys["curve25519"]
    with client.store.database.atomic():
        for session in list(olm.inbound_group_store):
            index = last.get((session.sender_key, session.id))
            if session.sender_key == own:
                _drop(client, session)
            elif index is not None and session.first_known_index <= index:
                exported = session.export_session(index + 1)
                moved = InboundGroupSession.import_session(
                    exported, session.ed25519, session.sender_key, session.room_id, session.forwarding_chain
                )
                olm.inbound_group_store._entries[session.room_id][session.sender_key][session.id] = moved
                olm.save_inbound_group_session(moved)
    for read in [key for key in olm.message_index_store if key[2] <= last.get(key[:2], -1)]:
        del olm.message_index_store[read]


def forget_sessions(client: Client) -> None:
    """Erase sessions that nobody has used for so long that nobody will, with groups and with single devices."""
    was_erased = client.store.delete_unused(UNUSED_LIFETIME)
    for session in list(client.olm.inbound_group_store):
        if was_erased(session):
            _drop(client, session)
    with_devices = client.olm.session_store
    for curve_key, sessions in list(with_devices.items()):
        sessions[:] = [one for one in sessions if not was_erased((curve_key, one))]
        if not sessions:
            del with_devices._entries[curve_key]


def _drop(client: Client, session: InboundGroupSession) -> None:
    client.store.delete_inbound_group_session(session)
    del client.olm.inbound_group_store._entries[session.room_id][session.sender_key][session.id]
