"""What stands in a sync of a room for us: after our own join, with the gap of a downtime filled, oldest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nio import AsyncClient, MessageDirection, RoomMessagesResponse

from bot.logs import Event, fail
from bot.transports.matrix.client import decrypted
from bot.transports.matrix.server import Unreachable, wait_of

PAGE = 100
MOST_PAGES = 50
"""Of 100 events each: who wrote more than that into one room while we were down is a flood."""


@dataclass(frozen=True)
class Gap:
    """Where a limited timeline begins, and where the last sync ended."""

    start: str
    end: str


async def events_of(client: AsyncClient, room: str, joined: Any, since: str) -> list[Any]:
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


async def _gap(client: AsyncClient, room: str, gap: Gap) -> list[Any]:
    found: list[Any] = []
    start: str | None = gap.start
    for _ in range(MOST_PAGES):
        response = await client.room_messages(room, start, gap.end, MessageDirection.back, PAGE)
        if not isinstance(response, RoomMessagesResponse):
            if getattr(response.transport_response, "status", 0) not in (400, 403, 404):
                raise Unreachable(TimeoutError, wait_of(response.retry_after_ms) if response.retry_after_ms else None)
            fail(Event.GAP_LEFT)  # What one room refuses must not stop the sync of all.
            break
        found += response.chunk
        start = response.end
        if not start or not response.chunk or _after_join(list(reversed(found)), client.user_id) is not None:
            break
    else:
        fail(Event.GAP_LEFT)
    for event in found:
        event.room_id = room
    return [_read(client, event) for event in reversed(found)]


def _read(client: AsyncClient, event: Any) -> Any:
    """nio leaves what it pages back to encrypted."""
    return decrypted(client, event) or event


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
