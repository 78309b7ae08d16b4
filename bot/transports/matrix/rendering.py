"""A part of a reply as Matrix takes it: plain body and HTML from the same text, escaped by construction. Pure."""

from __future__ import annotations

import html
import itertools
import json
import re
from collections.abc import Iterable
from typing import Any

from bot.transports.markup import Part

JSON = dict[str, Any]
LARGEST = 40_000
"""Bytes of the content as it is encrypted: JSON in JSON, where each letter that is not ASCII takes seven."""
_TAGS = {"bold": "strong", "italic": "em"}


def content_of(part: Part, commands: Iterable[str], *, thread: str | None = None, on: str | None = None) -> JSON:
    """A notice that mentions nobody. `thread` is the root it belongs to, `on` the message that asked there."""
    part = Part(bang(part.text, commands), part.entities)
    content: JSON = {"msgtype": "m.notice", "body": part.text, "m.mentions": {}}
    if part.entities:
        formatted = {"format": "org.matrix.custom.html", "formatted_body": _html(part)}
        if _size({**content, **formatted}) <= LARGEST:
            content |= formatted
    if thread is not None:
        content["m.relates_to"] = {
            "rel_type": "m.thread",
            "event_id": thread,
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": on or thread},
        }
    return content


def edit_of(content: JSON, event: str) -> JSON:
    """The content in place of an earlier event's."""
    new = {name: value for name, value in content.items() if name != "m.relates_to"}
    relation = {"rel_type": "m.replace", "event_id": event}
    # Who cannot show edits reads the beginning; the whole twice would be too large.
    return {
        "msgtype": new["msgtype"],
        "body": f"* {new['body'][:200]}",
        "m.mentions": {},
        "m.new_content": new,
        "m.relates_to": relation,
    }


def bang(text: str, commands: Iterable[str]) -> str:
    """Commands as people write them here, `!ask` and not `/ask`, which their clients would keep to themselves."""
    return re.sub(rf"(?<![^\s(\[„“\"'«])/(?=(?:{'|'.join(map(re.escape, commands))})\b)", "!", text)


def _html(part: Part) -> str:
    """Entities of one stretch are nested, others follow each other; so each boundary closes and opens what it must."""
    raw = part.text.encode("utf-16-le")
    edges = {0, len(raw) // 2}
    for entity in part.entities:
        edges |= {entity.offset, entity.offset + entity.length}
    cuts = sorted(edges)
    pieces = []
    for start, end in itertools.pairwise(cuts):
        text = html.escape(raw[2 * start : 2 * end].decode("utf-16-le")).replace("\n", "<br/>")
        for entity in part.entities:
            if entity.offset <= start and end <= entity.offset + entity.length:
                text = _tagged(text, entity.kind, entity.url)
        pieces.append(text)
    return "".join(pieces)


def _size(content: JSON) -> int:
    return len(json.dumps(json.dumps(content)))


def _tagged(text: str, kind: str, url: str | None) -> str:
    if kind == "text_link" and url:
        return f'<a href="{html.escape(url)}">{text}</a>'
    tag = _TAGS[kind]
    return f"<{tag}>{text}</{tag}>"
