"""Buttons to callback data and back: a version, where it opens, and what it says. No state, so a tap may come twice. Pure."""

from __future__ import annotations

from bot.messages import Button, Opens

VERSION = "1"
LONGEST_BYTES = 64
_LETTERS = {Opens.NEW: "n", Opens.REPLACE: "r"}
_OPENS = {letter: opens for opens, letter in _LETTERS.items()}


def data_of(button: Button) -> str | None:
    """The callback data of a button, None where it would be longer than Telegram takes."""
    data = f"{VERSION}{_LETTERS[button.opens]}{button.says}"
    return data if len(data.encode()) <= LONGEST_BYTES else None


def tapped(data: str) -> tuple[str, Opens] | None:
    """What a button says and where that is answered, None for one of another version."""
    if data[:1] != VERSION or data[1:2] not in _OPENS or not data[2:].startswith("/"):
        return None
    return data[2:], _OPENS[data[1]]
