"""What is said, no matter where: a message comes in, a reply goes out."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal


class Role(Enum):
    """Who may: everybody, who runs the chat, or a steward of the union."""

    ANYONE = "anyone"
    MANAGER = "manager"
    STEWARD = "steward"


class Opens(Enum):
    """Where what a button says is answered: in a new message, in place of the one it hangs on, or in the private chat."""

    NEW = "new"
    REPLACE = "replace"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Address:
    """A chat: platform, the platform's id of it, and the topic where the chat has topics."""

    platform: str
    chat: str
    topic: str | None = None

    def __str__(self) -> str:
        return f"{self.platform}:{self.chat}" + (f"/{self.topic}" if self.topic else "")


_TELEGRAM = re.compile(r"telegram:(-?\d{1,20})(?:/(\d{1,12}))?")
_MATRIX = re.compile(r"matrix:(![^\s/]{1,255})")


def parse_address(text: str) -> Address:
    """An address as people write it: `telegram:-100123`, `telegram:-100123/42`, `matrix:!room-id`.

    :raises ValueError: where it is none.
    """
    if found := _TELEGRAM.fullmatch(text.strip()):
        return Address("telegram", found[1], found[2])
    if found := _MATRIX.fullmatch(text.strip()):
        return Address("matrix", found[1])
    raise ValueError(f"{text!r} is no address; write telegram:-1001234567890, telegram:-100123/42 or matrix:!ROOM-ID")


WHICH = "?"
"""What stands for a draft's id in `/draft ID` where a transport cannot tell which one a reply is meant for."""


@dataclass(frozen=True, slots=True)
class Message:
    """The only thing transports produce. It carries no sender: roles are asked of the transport.

    `language` is what the app says, not what was detected. `about` is the fact of the message replied to.
    `attachment` is what came instead of a text, or with it: photo, voice, sticker, location, poll, other. `steward` is the
    pseudonym of a steward of the settings; whether that counts in this chat says the role. `under` is the text of our
    message whose button was tapped, as the platform shows it, and `under_language` the language that it was said in.
    """

    id: str
    address: Address
    text: str
    language: str | None = None
    is_private: bool = True
    about: str | None = None
    attachment: str | None = None
    steward: str | None = None
    under: str | None = None
    under_language: str | None = None


@dataclass(frozen=True, slots=True)
class Button:
    """A label, what tapping it says, and where that is answered. `reads`: the text that it hangs on is needed then."""

    label: str
    says: str
    opens: Opens = Opens.NEW
    reads: bool = False


@dataclass(frozen=True, slots=True)
class Choices:
    """What the numbers below a message of ours say, where there are no buttons, and the `language` it was said in.

    `under` is its text, where one of them needs it.
    """

    says: tuple[str, ...] = ()
    under: str | None = None
    language: str | None = None


Style = Literal["plain", "bold", "italic"]


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style, perhaps a link."""

    text: str
    style: Style = "plain"
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said. `fact` is the fact it says, so that a follow-up finds it; `draft` the draft that a reply completes.

    `answers` are the ids of the facts and unknowns that it answers a question with, to count what is asked; `outcome` is
    answer, suggest, unknown or decline where it is what was found for a question. One that says that nothing is remembered
    is not `remembered` itself. `note` is what the stewards' room hears of it, where it is not said there. One that `refuses`
    what a button says is for whoever tapped it, and never replaces a message. `arrived` is what follows once it was said.
    `language` is what it is said in, as far as that is known.
    """

    spans: tuple[Span, ...]
    buttons: tuple[Button, ...] = ()
    fact: str | None = None
    draft: str | None = None
    answers: tuple[str, ...] = ()
    outcome: str | None = None
    remembered: bool = True
    note: str | None = None
    refuses: bool = False
    language: str | None = None
    arrived: Callable[[], Awaitable[None]] | None = field(default=None, compare=False, repr=False)

    @property
    def text(self) -> str:
        return "".join(span.text for span in self.spans)


@dataclass(frozen=True, slots=True)
class Errand:
    """Something to be done before a reply can be said truthfully: a note to the stewards' room, or messages to delete.

    `said` makes the reply from how many of them succeeded.
    """

    said: Callable[[int], Reply]
    note: str | None = None
    deletes: tuple[str, ...] = ()


def reply(text: str, *buttons: Button, fact: str | None = None) -> Reply:
    """A reply of one plain run of text."""
    return Reply((Span(text),), tuple(buttons), fact=fact)
