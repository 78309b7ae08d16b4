"""A part of a reply as Matrix takes it: plain body and HTML from the same text, escaped by construction. Pure."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterable
from typing import Any

from bot.transports.markup import Part

JSON = dict[str, Any]
_TAGS = {"bold": "strong", "italic": "em"}


def content_of(part: Part, commands: Iterable[str], *, thread: str | None = None, on: str | None = None) -> JSON:
    """A notice that mentions nobody. `thread` is the root it belongs to, `on` the message that asked there."""
    text = part.text
    content: JSON = {"msgtype": "m.notice", "body": bang(text, commands), "m.mentions": {}}
    if part.entities:
        content |= {"format": "org.matrix.custom.html", "formatted_body": _html(part, commands)}
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
    return {**new, "body": f"* {new['body']}", "m.new_content": new, "m.relates_to": relation}


def bang(text: str, commands: Iterable[str]) -> str:
    """Commands as people write them here, `!ask` and not `/ask`, which their clients would keep to themselves."""
    return re.sub(rf"(?<![\w/:.])/(?=(?:{'|'.join(map(re.escape, commands))})\b)", "!", text)


def _html(part: Part, commands: Iterable[str]) -> str:
    """Entities of one stretch are nested, others follow each other; so each boundary closes and opens what it must."""
    raw = part.text.encode("utf-16-le")
    edges = {0, len(raw) // 2}
    for entity in part.entities:
        edges |= {entity.offset, entity.offset + entity.length}
    cuts = sorted(edges)
    pieces = []
    for start, end in itertools.pairwise(cuts):
        text = html.escape(bang(raw[2 * start : 2 * end].decode("utf-16-le"), commands)).replace("\n", "<br/>")
        for entity in part.entities:
            if entity.offset <= start and end <= entity.offset + entity.length:
                text = _tagged(text, entity.kind, entity.url)
        pieces.append(text)
    return "".join(pieces)


def _tagged(text: str, kind: str, url: str | None) -> str:
    if kind == "text_link" and url:
        return f'<a href="{html.escape(url)}">{text}</a>'
    tag = _TAGS[kind]
    return f"<{tag}>{text}</{tag}>"
