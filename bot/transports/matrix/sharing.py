"""The keys of what we say: given to everybody in the room before it is said, or not said. nio calls it sent in any case."""

from __future__ import annotations

from nio import ErrorResponse

from bot.transports.matrix.client import Client

TRIES = 5


async def everybody_has_keys(client: Client, room: str) -> bool:
    """Share the room's session with all devices that can be reached; where that failed, the next try makes a new one.

    Raises whatever the HTTP library or nio raises; then `unblock` is due.
    """
    known = client.rooms[room]
    # Anew also where somebody was passed over then with whose device there is a session since.
    if not known.encrypted or not (client.olm.should_share_group_session(room) or _left_out(client, room)):
        return True
    if not await _members_known(client, room):
        return False
    unknown = client.olm.users_for_key_query & known.users.keys()
    if unknown and isinstance(await client.keys_of(unknown), ErrorResponse):
        return False
    missing = client.get_missing_sessions(room)
    if missing and isinstance(await client.keys_claim(missing), ErrorResponse):
        return False
    await client.share_group_session(room, ignore_unverified_devices=True)
    came = client.get_missing_sessions(room)
    if _left_out(client, room) or any(set(devices).difference(missing.get(user, ())) for user, devices in came.items()):
        client.invalidate_outbound_session(room)
        return False
    return True


def unblock(client: Client, room: str) -> None:
    """nio leaves a mark after a failed key exchange, behind which every later send would wait for ever."""
    event = client.sharing_session.pop(room, None)
    if event is not None:
        event.set()


async def _members_known(client: Client, room: str) -> bool:
    """Whether the list of who is there was had, and no sync overtook it, whose news an older list would undo."""
    known = client.rooms[room]
    for _ in range(TRIES):
        if known.members_synced:
            return True
        asked = client.next_batch
        if isinstance(await client.joined_members(room), ErrorResponse):
            return False
        known.members_synced = client.next_batch == asked
    return bool(known.members_synced)


def _left_out(client: Client, room: str) -> bool:
    """Whether a device that could have been given the session was not; or whether the session is gone by now."""
    session = client.olm.outbound_group_sessions.get(room)
    if session is None:
        return True
    had = session.users_shared_with | session.users_ignored
    return any(
        (user, device.id) not in had and client.olm.session_store.get(device.curve25519)
        for user in client.rooms[room].users
        for device in client.device_store.active_user_devices(user)
    )
