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


@dataclass(frozen=True, slots=True)
class Gap:
    """Where a limited timeline begins, and where the last sync ended; without an end our own join is one."""

    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Past:
    """What a room said to us, oldest first. `left` names the gap where some of it cannot be had."""

    events: list[Any]
    left: str = ""


def bare(joined: Any) -> Past:
    """What there is without asking, where the gap cannot be filled."""
    return Past(list(joined.timeline.events), joined.timeline.prev_batch or "")


async def past_of(client: Client, room: str, joined: Any, since: str, made: float) -> Past:
    """The events after our own join, decrypted where that is possible.

    Without a token in `since` this is the first start, or we were killed in it: what was said before is not for us, but in
    rooms that we joined after the account was `made`, in seconds since 1970, we were asked already.

    :raises Unreachable: where the gap cannot be filled now.
    """
    events, timeline = list(joined.timeline.events), joined.timeline
    mine = _own_join(events, client.user_id)
    if not since:
        joins = [events[mine]] if mine is not None else [one for one in joined.state if _is_own_join(one, client.user_id)]
        at = joins[0].source.get("origin_server_ts") if joins else None
        if not made or not isinstance(at, int) or at <= made * 1000:
            return Past([])
    if mine is not None:
        return Past(events[mine + 1 :])
    if not timeline.limited or not timeline.prev_batch:
        return Past(events)
    earlier = await _gap(client, room, Gap(timeline.prev_batch, since))
    mine = _own_join(earlier.events, client.user_id)
    return Past([*(earlier.events if mine is None else earlier.events[mine + 1 :]), *events], earlier.left)


def _own_join(events: list[Any], me: str) -> int | None:
    """The place of our last change from outside to inside, None where there was none."""
    return next((place for place in range(len(events) - 1, -1, -1) if _is_own_join(events[place], me)), None)


def _is_own_join(event: Any, me: str) -> bool:
    source = _dict(getattr(event, "source", None))
    if source.get("type") != "m.room.member" or source.get("state_key") != me:
        return False
    before = _dict(_dict(source.get("unsigned")).get("prev_content"))
    return _dict(source.get("content")).get("membership") == "join" and before.get("membership") != "join"


async def _gap(client: Client, room: str, gap: Gap) -> Past:
    found: list[Any] = []
    start: str | None = gap.start
    left = ""
    for _ in range(MOST_PAGES):
        ends = {"to": gap.end} if gap.end else {}
        query = urlencode({"dir": "b", "from": start, **ends, "limit": PAGE})
        answer = await request(client, "GET", f"/rooms/{quoted(room)}/messages?{query}")
        if answer.status in _REFUSED:
            left = gap.start  # What one room refuses must not stop the sync of all.
            break
        chunk, start = answer.body.get("chunk"), answer.body.get("end")
        if not answer.ok or not isinstance(chunk, list):
            raise Unreachable(ValueError)
        found += events_in(chunk, room)
        if not start or not chunk or any(_is_own_join(event, client.user_id) for event in found[-len(chunk) :]):
            break
    else:
        left = gap.start
    if left:
        fail(Event.GAP_LEFT)
    return Past([_read(client, event) for event in reversed(found)], left)


def _read(client: Client, event: Any) -> Any:
    """What can be read by now, else as it came."""
    return decrypted(client, event) or event


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
