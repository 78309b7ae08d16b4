"""What the server speaks of: users, chats, topics, calls, messages."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import NamedTuple

from .faults import Json

ANONYMOUS: Json = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
CHANNEL_BOT: Json = {"id": 136817688, "is_bot": True, "first_name": "Channel", "username": "Channel_Bot"}


class Call(NamedTuple):
    """One call as it came: monotonic time, method, parameters (plain values once they were valid)."""

    at: float
    method: str
    params: Json


@dataclass
class User:
    """Somebody who can write."""

    id: int
    name: str
    language_code: str | None = None
    username: str | None = None
    is_bot: bool = False

    def brief(self) -> Json:
        """Returns the User object of an update."""
        told = {"username": self.username, "language_code": self.language_code}
        known = {key: value for key, value in told.items() if value is not None}
        return {"id": self.id, "is_bot": self.is_bot, "first_name": self.name} | known


@dataclass
class Topic:
    """A forum topic; `opening` is the service message all its messages answer to."""

    id: int
    name: str
    closed: bool = False
    opening: Json | None = None


@dataclass
class Chat:
    """A chat of any kind: private, group, supergroup or channel; status is how the bot stands with it."""

    id: int
    kind: str
    title: str
    username: str | None = None
    is_forum: bool = False
    status: str = "member"
    members: list[int] = field(default_factory=list)
    admins: list[int] = field(default_factory=list)
    topics: dict[int, Topic] = field(default_factory=dict)
    messages: dict[int, Json] = field(default_factory=dict)
    migrated_to: int | None = None
    last_id: int = 0

    @property
    def is_group(self) -> bool:
        """Whether it is a group or a supergroup."""
        return self.kind in ("group", "supergroup")

    def brief(self) -> Json:
        """Returns the Chat object of a message."""
        named = {"first_name": self.title} if self.kind == "private" else {"title": self.title}
        username = {"username": self.username} if self.username else {}
        return {"id": self.id, "type": self.kind} | named | username | ({"is_forum": True} if self.is_forum else {})


def public(message: Json, nested: bool = True) -> Json:
    """Returns a deep copy without what the tests alone see; `nested` keeps the message it replies to."""
    hidden = () if nested else ("reply_to_message",)
    return {key: copy.deepcopy(value) for key, value in message.items() if key[0] != "_" and key not in hidden}
