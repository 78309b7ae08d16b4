"""What stands in a sync of a room for us: after our own join, with the gap of a downtime filled, oldest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from bot.logs import Event, fail
from bot.transports.matrix.client import Client, decrypted
from bot.transports.matrix.parsing import events_in
from bot.transports.matrix.server import Unreachable, quoted, request

PAGE = 100
MOST_PAGES = 50
"""Of 100 events each: who wrote more than that into one room while we were down is a flood."""

_REFUSED = (400, 403, 404)


@dataclass(frozen=True)
class Gap:
    """Where a limited timeline begins, and where the last sync ended."""

    start: str
    end: str


async def events_of(client: Client, room: str, joined: Any, since: str) -> list[Any]:
    """The events after our own join, decrypted where that is possible, oldest first.

    :raises Unreachable: where the gap cannot be filled now.
    """
    events = list(joined.timeline.events)
    mine = _after_join(events, client.user_id)
    if mine is not None:
        return mine
    if joined.timeline.limited and joined.timeline.prev_batch and since:
        earlier = await _gap(client, room, Gap(joined.timeline.prev_batch, since))
        mine = _after_join(earlier, client.user_id)
        events = [*(earlier if mine is None else mine), *events]
    return events


def _after_join(events: list[Any], me: str) -> list[Any] | None:
    """What follows our last change from outside to inside, None where there was none."""
    for place in range(len(events) - 1, -1, -1):
        source = _dict(getattr(events[place], "source", None))
        if source.get("type") != "m.room.member" or source.get("state_key") != me:
            continue
        before = _dict(_dict(source.get("unsigned")).get("prev_content"))
        if _dict(source.get("content")).get("membership") == "join" and before.get("membership") != "join":
            return events[place + 1 :]
    return None


async def _gap(client: Client, room: str, gap: Gap) -> list[Any]:
    found: list[Any] = []
    start: str | None = gap.start
    for _ in range(MOST_PAGES):
        query = urlencode({"dir": "b", "from": start, "to": gap.end, "limit": PAGE})
        answer = await request(client, "GET", f"/rooms/{quoted(room)}/messages?{query}")
        if answer.status in _REFUSED:
            fail(Event.GAP_LEFT)  # What one room refuses must not stop the sync of all.
            break
        chunk, start = answer.body.get("chunk"), answer.body.get("end")
        if not answer.ok or not isinstance(chunk, list):
            raise Unreachable(ValueError)
        found += events_in(chunk, room)
        if not start or not chunk or _after_join(list(reversed(found)), client.user_id) is not None:
            break
    else:
        fail(Event.GAP_LEFT)
    return [_read(client, event) for event in reversed(found)]


def _read(client: Client, event: Any) -> Any:
    """What can be read by now, else as it came."""
    return decrypted(client, event) or event


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
