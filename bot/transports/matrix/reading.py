"""A room event to what it asks of us. Reads the event's source alone, since nio's classes stumble over odd ones. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from bot.messages import Address, Message

JSON = dict[str, Any]
_ATTACHMENTS = {"m.image": "photo", "m.audio": "voice", "m.video": "video", "m.file": "other", "m.location": "location"}
_WHOLE_EVENTS = {"m.sticker": "sticker", "m.poll.start": "poll", "org.matrix.msc3381.poll.start": "poll"}
_TEXTS = ("m.text", "m.emote")
# Possessive, and a quotation without an end goes on to the end: whoever writes odd HTML must not keep everybody waiting.
_LINK = re.compile(r"""<a\s[^<>]*?href=["']https://matrix\.to/#/([^"'/?<>]++)[^<>]*+>([^<]*+)""", re.IGNORECASE)
_QUOTED = re.compile(r"<(mx-reply|blockquote)\b.*?(?:</\1>|\Z)", re.IGNORECASE | re.DOTALL)
_FALLBACK = re.compile(r"^(?:> .*(?:\n|$))+\n?")


@dataclass(frozen=True, slots=True)
class Me:
    """The bot's own account and the commands that it answers to."""

    user: str
    name: str
    commands: frozenset[str]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message for us. `thread` is the root of its thread, `edits` the question it replaces, `replies_to` what it answers.

    `quotes` is the first line of a message of ours, where the client repeats what it answers.
    """

    message: Message
    sender: str
    thread: str | None
    edits: str | None = None
    replies_to: str | None = None
    quotes: str = ""


def read(event: JSON, room: str, me: Me, *, private: bool, mine: frozenset[str]) -> Spoken | None:
    """What an event asks of us, None for whatever does not speak to us. `mine` are ids of messages of ours."""
    content = event.get("content")
    sender, id = event.get("sender"), event.get("event_id")
    if (
        sender == me.user
        or not isinstance(sender, str)
        or not isinstance(id, str)
        or not isinstance(content, dict)
        or not content
    ):
        return None
    relation = _dict(content.get("m.relates_to"))
    edits = edited(event)
    if relation.get("rel_type") == "m.replace":
        content = _dict(content.get("m.new_content"))
    kind, text = _kind(event, content), ""
    if kind is None:
        return None
    if kind == "text":
        text = _body(content)
    addressed = text if private else _addressed(text, content, relation, me, mine)
    if addressed is None:
        return None
    message = Message(
        id=id,
        address=Address("matrix", room),
        text=addressed.strip(),
        is_private=private,
        attachment=None if kind == "text" else kind,
    )
    answered = _answered(relation)
    return Spoken(message, sender, thread_of(event), edits, answered, _quoted(content, me) if answered else "")


def thread_of(event: JSON) -> str | None:
    """The root of the thread in which an event stands, also of one that cannot be read."""
    relation = _dict(_dict(event.get("content")).get("m.relates_to"))
    return _id(relation.get("event_id")) if relation.get("rel_type") == "m.thread" else None


def edited(event: JSON) -> str | None:
    """The event that this one replaces."""
    relation = _dict(_dict(event.get("content")).get("m.relates_to"))
    return _id(relation.get("event_id")) if relation.get("rel_type") == "m.replace" else None


def _kind(event: JSON, content: JSON) -> str | None:
    """`text`, the kind of attachment, or None for what is no question: notices, verification requests, state."""
    kind = event.get("type")
    if isinstance(kind, str) and kind in _WHOLE_EVENTS:
        return _WHOLE_EVENTS[kind]
    if kind != "m.room.message":
        return None
    told = content.get("msgtype")
    return "text" if isinstance(told, str) and told in _TEXTS else _ATTACHMENTS.get(str(told))


def _body(content: JSON) -> str:
    body = content.get("body")
    if not isinstance(body, str):
        return ""
    return _FALLBACK.sub("", body) if body.startswith("> ") else body


def _quoted(content: JSON, me: Me) -> str:
    """The first line of what a reply repeats, where that is ours."""
    body = content.get("body")
    lead = f"> <{me.user}> "
    return body.split("\n", 1)[0].removeprefix(lead) if isinstance(body, str) and body.startswith(lead) else ""


def _addressed(text: str, content: JSON, relation: JSON, me: Me, mine: frozenset[str]) -> str | None:
    """The text without our name, None where it is not for us: no command, no mention, no reply to us."""
    command = re.match(r"!([a-z]+)", text.strip(), re.IGNORECASE)
    if command:
        return text if command[1].casefold() in me.commands else None
    if _answered(relation) in mine:
        return _without_name(text, me)
    mentions = content.get("m.mentions")
    if isinstance(mentions, dict):
        users = mentions.get("user_ids")
        return _without_name(text, me) if isinstance(users, list) and me.user in users else None
    named = _without_name(text, me) != text
    return _without_name(text, me) if named or _pill(content.get("formatted_body"), me) else None


def _answered(relation: JSON) -> str | None:
    """The message that somebody replied to; what a thread names for clients without threads is none."""
    if relation.get("rel_type") == "m.thread" and relation.get("is_falling_back"):
        return None
    return _id(_dict(relation.get("m.in_reply_to")).get("event_id"))


def _pill(formatted: object, me: Me) -> bool:
    """Whether a client made our name a link; not in a quotation, and not our own address that somebody repeats."""
    if not isinstance(formatted, str):
        return False
    links = _LINK.findall(_QUOTED.sub("", formatted[:20_000]))
    return any(unquote(user).casefold() == me.user.casefold() for user, shown in links if not shown.lstrip().startswith("http"))


def _without_name(text: str, me: Me) -> str:
    """The text without our name or user id at its start."""
    names = "|".join(re.escape(name) for name in (me.user, f"@{me.name}", me.name) if name.strip("@"))
    return re.sub(rf"^\s*(?:{names})(?:\s*[:,]\s*|\s+|$)", "", text, flags=re.IGNORECASE)


def _dict(value: object) -> JSON:
    return value if isinstance(value, dict) else {}


def _id(value: object) -> str | None:
    return value if isinstance(value, str) else None
