"""nio's client, which one odd event would end, and which takes what members encrypt for state of the room."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import aiohttp
from nio import (
    Api,
    AsyncClient,
    ErrorResponse,
    KeysClaimResponse,
    KeysQueryResponse,
    MegolmEvent,
    SyncResponse,
    UnknownEvent,
)

from bot.logs import Event, warn
from bot.transports.matrix.parsing import loaded, parsed
from bot.transports.matrix.sifting import claimed, queried

MESSAGES = ("m.room.message", "m.sticker", "m.poll.start", "org.matrix.msc3381.poll.start")
"""All that may come out of encryption: the server checks nobody's power over what it cannot read."""


class Client(AsyncClient):  # type: ignore[misc]  # nio has no types
    """Goes on, whatever stands in a sync."""

    fallback_used = False
    """Whether the last sync said that our fallback key was given away."""

    async def create_matrix_response(
        self, response_class: type, transport_response: Any, data: Any = None, save_to: Any = None
    ) -> Any:
        if response_class in (KeysQueryResponse, KeysClaimResponse):
            return self._keys_in(response_class, transport_response, await transport_response.text())
        if response_class is not SyncResponse:
            response = await super().create_matrix_response(response_class, transport_response, data, save_to)
            if transport_response.status >= 300 and not isinstance(response, ErrorResponse):
                # nio takes a proxy's error page for an empty answer, and that for a success.
                raise aiohttp.ClientError
            return response
        found = parsed(await transport_response.text())
        self.fallback_used = found.fallback_used
        if found.odd:
            warn(Event.UPDATE_SET_ASIDE, count=found.odd)
        found.response.transport_response = transport_response
        return found.response

    async def keys_of(self, users: set[str]) -> Any:
        """The answer to a query for the keys of these users; nio asks for everybody who is due, however far away."""
        return await self._send(KeysQueryResponse, *Api.keys_query(self.access_token, users))

    def _keys_in(self, response_class: type, transport_response: Any, text: str) -> Any:
        query = response_class is KeysQueryResponse
        body, odd = queried(loaded(text)) if query else claimed(loaded(text), self.device_store)
        if odd:
            warn(Event.UPDATE_SET_ASIDE, count=odd)
        # nio forgets that an error to a claim wants a room.
        response = response_class.from_dict(body, *(() if query else ("",)))  # type: ignore[attr-defined]
        if isinstance(response, KeysQueryResponse):
            self._find_again(response)
        response.transport_response = transport_response
        return response

    def _find_again(self, response: KeysQueryResponse) -> None:
        """What an answer names is there. nio takes a device that an overtaken answer lacked for deleted, and that for ever."""
        for user, devices in response.device_keys.items():
            known = self.device_store[user]
            for id in devices.keys() & known.keys():
                if known[id].deleted:
                    del known[id]

    async def _handle_invited_rooms(self, response: Any) -> None:
        """Not kept: we go by what stands in the response."""

    def _handle_joined_state(self, room_id: str, join_info: Any, encrypted_rooms: set[str]) -> None:
        try:
            super()._handle_joined_state(room_id, join_info, encrypted_rooms)
        except Exception:  # Once more, event by event.
            super()._handle_joined_state(room_id, replace(join_info, state=[]), encrypted_rooms)
            for event in join_info.state:
                self._handle_timeline_event(event, room_id, self.rooms[room_id], encrypted_rooms)

    def _handle_timeline_event(self, event: Any, room_id: str, room: Any, encrypted_rooms: set[str]) -> Any:
        try:
            if isinstance(event, MegolmEvent):
                event.room_id = room_id
                return decrypted(self, event)
            return super()._handle_timeline_event(event, room_id, room, encrypted_rooms)
        except Exception as error:  # Anybody can send anything.
            warn(Event.UPDATE_SET_ASIDE, exception=error)
            return None

    def _handle_decrypt_to_device(self, to_device_event: Any) -> Any:
        # In one transaction: the message is read once, so that a kill before the room key in it is kept would lose the key.
        with self.store.database.atomic():
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
