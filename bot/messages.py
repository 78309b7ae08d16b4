"""What is said, no matter where: a message comes in, a reply goes out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal


class Role(Enum):
    """Who may: everybody, who runs the chat, or a steward of the union."""

    ANYONE = "anyone"
    MANAGER = "manager"
    STEWARD = "steward"


class Where(Enum):
    """Whether a reply is a new message, replaces the one it answers, or deletes it."""

    NEW = "new"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Address:
    """A chat: platform and the platform's id of it."""

    platform: str
    chat: str

    def __str__(self) -> str:
        return f"{self.platform}:{self.chat}"


@dataclass(frozen=True, slots=True)
class Message:
    """The only thing transports produce. It carries no sender: roles are asked of the transport.

    `language` is what the app says, not what was detected. `about` is the fact of the message replied to.
    """

    id: str
    address: Address
    text: str
    language: str | None = None
    is_private: bool = True
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Button:
    """A label and what tapping it says."""

    label: str
    says: str


Style = Literal["plain", "bold", "italic"]


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style, perhaps a link."""

    text: str
    style: Style = "plain"
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The only thing handlers produce. `fact` is the fact it says, so that a follow-up finds it."""

    spans: tuple[Span, ...]
    buttons: tuple[Button, ...] = ()
    where: Where = Where.NEW
    fact: str | None = None

    @property
    def text(self) -> str:
        return "".join(span.text for span in self.spans)


def reply(text: str, *buttons: Button, fact: str | None = None) -> Reply:
    """A reply of one plain run of text."""
    return Reply((Span(text),), tuple(buttons), fact=fact)
