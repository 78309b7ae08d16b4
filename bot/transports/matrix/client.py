"""nio's client, which one odd event would end, and which takes what members encrypt for state of the room."""

from __future__ import annotations

from typing import Any

from nio import AsyncClient, MegolmEvent, UnknownEvent

from bot.logs import Event, warn

MESSAGES = ("m.room.message", "m.sticker", "m.poll.start", "org.matrix.msc3381.poll.start")
"""All that may come out of encryption: the server checks nobody's power over what it cannot read."""


class Client(AsyncClient):  # type: ignore[misc]  # nio has no types
    """Goes on, whatever stands in a sync."""

    def _handle_timeline_event(self, event: Any, room_id: str, room: Any, encrypted_rooms: set[str]) -> Any:
        try:
            if isinstance(event, MegolmEvent):
                event.room_id = room_id
                return decrypted(self, event)
            return super()._handle_timeline_event(event, room_id, room, encrypted_rooms)
        except Exception as error:  # Anybody can send anything.
            warn(Event.UPDATE_SET_ASIDE, exception=error)
            return None

    def _decrypt_event_array(self, array: list[Any]) -> None:
        """What is paged back is decrypted by `decrypted` alone, with the same care."""

    def _handle_decrypt_to_device(self, to_device_event: Any) -> Any:
        try:
            return super()._handle_decrypt_to_device(to_device_event)
        except Exception as error:  # From anybody who knows our name.
            warn(Event.UPDATE_SET_ASIDE, exception=error)
            return None


def decrypted(client: AsyncClient, event: Any) -> Any | None:
    """A message that can be read, None where its key is missing; whatever is no message comes out as nothing of ours."""
    if not isinstance(event, MegolmEvent):
        return event
    try:
        found = client.decrypt_event(event)
    except Exception:  # nio raises its own and the crypto library's errors alike.
        return None
    source = getattr(found, "source", None)
    if isinstance(source, dict) and source.get("type") in MESSAGES:
        return found
    bare = {"event_id": event.event_id, "sender": event.sender, "origin_server_ts": event.server_timestamp, "content": {}}
    return UnknownEvent({**bare, "type": "m.hidden"}, "m.hidden")
