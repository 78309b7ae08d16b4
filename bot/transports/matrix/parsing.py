"""A sync's text to nio's response; what nio's parser cannot bear is left out, so that one odd event stops nobody. Pure."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import Any

from nio import Event, SyncError, SyncResponse

JSON = dict[str, Any]
_PARTS = {
    "invite": ("invite_state",),
    "join": ("state", "timeline", "ephemeral", "account_data"),
    "leave": ("state", "timeline"),
}


@dataclass(frozen=True, slots=True)
class Parsed:
    """The response; how many events or rooms were left out of it; whether the homeserver gave our fallback key away."""

    response: SyncResponse | SyncError
    odd: int = 0
    fallback_used: bool = False


def parsed(text: str) -> Parsed:
    """What a homeserver answered to a sync; an error where it is none at all."""
    body = loaded(text)
    # Of the top level alone: only the homeserver writes there.
    used = body.get("device_unused_fallback_key_types") == []
    found = _tried(body)
    if isinstance(found, SyncResponse):
        return Parsed(found, 0, used)
    body = loaded(text)  # Anew, since nio takes apart what it parses.
    if not isinstance(body.get("next_batch"), str):
        return Parsed(found or SyncError("no sync"))
    sifted, odd = _sifted(body)
    found = _tried(sifted)
    if isinstance(found, SyncResponse):
        return Parsed(found, odd, used)
    # Fetched again it would be the same: rather go on without it.
    return Parsed(SyncResponse.from_dict({"next_batch": body["next_batch"]}), odd + 1, used)


def events_in(chunk: list[Any], room: str) -> list[Any]:
    """The events of a room's past, as nio makes them of a sync, without what it cannot parse."""
    found = []
    for source in chunk:
        try:
            event = Event.parse_event(source)
        except Exception:  # nio takes the form of many things for granted.
            continue
        if event is not None:
            event.room_id = room
            found.append(event)
    return found


def _sifted(body: JSON) -> tuple[JSON, int]:
    """The body with only what parses by itself, and how much is missing."""
    odd = 0
    rooms: JSON = {section: {} for section in _PARTS}
    for section, parts in _PARTS.items():
        for id, room in _dict(_dict(body.get("rooms")).get(section)).items():
            kept = dict(_dict(room))
            for part in parts:
                events = _list(_dict(kept.get(part)).get("events"))
                good = [event for event in events if _parses({"rooms": {section: {id: {part: {"events": [event]}}}}})]
                odd += len(events) - len(good)
                kept[part] = {**_dict(kept.get(part)), "events": good}
            if _parses({"rooms": {section: {id: kept}}}):
                rooms[section][id] = kept
            else:
                odd += 1
    messages = _list(_dict(body.get("to_device")).get("events"))
    good = [message for message in messages if _parses({"to_device": {"events": [message]}})]
    return {**body, "rooms": rooms, "to_device": {"events": good}}, odd + len(messages) - len(good)


def _parses(part: JSON) -> bool:
    return isinstance(_tried(copy.deepcopy({"next_batch": "", **part})), SyncResponse)


def _tried(body: JSON) -> SyncResponse | SyncError | None:
    try:
        return SyncResponse.from_dict(body)
    except Exception:  # nio takes the form of many things for granted.
        return None


def loaded(text: str) -> JSON:
    """The object that a text is, an empty one where it is none."""
    try:
        return _dict(json.loads(text))
    except ValueError:
        return {}


def _dict(value: object) -> JSON:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
