"""Contents of messages as clients write them, and messages as clients show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import nio

ENCRYPTION = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}


@dataclass(frozen=True)
class Seen:
    """One message as its reader got it. `encrypted` tells how it travelled."""

    event_id: str
    sender: str
    body: str
    html: str | None
    msgtype: str
    relates_to: dict[str, Any]
    mentions: list[str] | None
    encrypted: bool
    content: dict[str, Any]


def seen_of(event: nio.Event) -> Seen:
    content = event.source.get("content", {})
    mentions = content.get("m.mentions")
    return Seen(
        event_id=event.event_id,
        sender=event.sender,
        body=content.get("body", ""),
        html=content.get("formatted_body"),
        msgtype=content.get("msgtype", ""),
        relates_to=content.get("m.relates_to", {}),
        mentions=None if mentions is None else mentions.get("user_ids", []),
        encrypted=event.decrypted,
        content=content,
    )


def message(
    text: str,
    *,
    msgtype: str = "m.text",
    html: str | None = None,
    mentions: Sequence[str] | None = None,
    reply_to: str | None = None,
    thread: str | None = None,
    edits: str | None = None,
) -> dict[str, Any]:
    """An m.room.message. `thread` is the thread's first event; `edits` the event that this one replaces."""
    content: dict[str, Any] = {"msgtype": msgtype, "body": text}
    if html is not None:
        content |= {"format": "org.matrix.custom.html", "formatted_body": html}
    if mentions is not None:
        content["m.mentions"] = {"user_ids": list(mentions)}
    if edits is not None:
        starred: dict[str, Any] = {key: f"* {content[key]}" for key in ("body", "formatted_body") if key in content}
        return {**content, **starred, "m.new_content": content, "m.relates_to": {"rel_type": "m.replace", "event_id": edits}}
    relation: dict[str, Any] = {}
    if thread is not None:
        # Clients without threads show the message as a reply to the thread's latest: a fallback, unless it is one.
        relation = {"rel_type": "m.thread", "event_id": thread, "is_falling_back": reply_to is None}
    if (answered := reply_to or thread) is not None:
        relation["m.in_reply_to"] = {"event_id": answered}
    return {**content, "m.relates_to": relation} if relation else content


def power_levels(power: dict[str, Any] | None) -> dict[str, Any] | None:
    """`{user: level}` and other keys of m.room.power_levels, mixed; as room creation wants them."""
    if power is None:
        return None
    users = {name: level for name, level in power.items() if name.startswith("@")}
    rest = {name: level for name, level in power.items() if not name.startswith("@")}
    return {**rest, "users": users} if users else rest
