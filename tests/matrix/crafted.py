"""Events as no app sends them: raw, oddly encrypted, or with a key that comes later."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from tests.matrix.content import message
from tests.matrix.people import Person


async def send_raw(person: Person, room: str, kind: str, content: Any) -> str:
    """The event id of an event that is sent as it stands, unencrypted."""
    path = f"/rooms/{quote(room)}/send/{kind}/{secrets.token_hex(8)}"
    return str((await person.call("PUT", path, content))["event_id"])


async def send_sealed(person: Person, room: str, kind: str, content: Any, **top: Any) -> str:
    """The same inside encryption, where the homeserver checks nothing; `top` are keys beside the content.

    Whoever sends must have said something in this room before, so that its key is shared.
    """
    payload = {"type": kind, "content": content, **top}
    return await send_raw(person, room, "m.room.encrypted", person.client.nio.olm.group_encrypt(room, payload))


async def withhold(
    person: Person, room: str, reader: str, *texts: str, thread: str | None = None
) -> Callable[[], Awaitable[None]]:
    """Say something whose key the reader does not get, until what is returned is called."""
    olm = person.client.nio.olm
    shares = [messages for _, messages in olm.share_group_session_parallel(room, [reader], ignore_unverified_devices=True)]
    session = olm.outbound_group_sessions[room]
    session.shared = True
    for text in texts:
        content = message(text, thread=thread)
        sealed = olm.group_encrypt(room, {"type": "m.room.message", "content": content})
        # What it relates to travels in clear.
        relation = {name: value for name, value in content.items() if name == "m.relates_to"}
        await send_raw(person, room, "m.room.encrypted", {**sealed, **relation})

    async def hand_over() -> None:
        for messages in shares:
            await person.call("PUT", f"/sendToDevice/m.room.encrypted/{secrets.token_hex(8)}", messages)

    return hand_over
