"""Buttons to callback data and back: a version, where it opens, and what it says. No state, so a tap may come twice. Pure."""

from __future__ import annotations

from telegram import Chat, Message

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


def offered(message: Message | None, me: int, said: str) -> list[str]:
    """The data of the buttons on a message of ours; in a channel the channel itself is its author.

    A server that does not tell them is believed in a private chat, where nobody else reads.
    """
    if message is None or (message.from_user is not None and message.from_user.id != me):
        return []
    gone = message.date.timestamp() == 0
    if message.reply_markup is None and message.chat.type == Chat.PRIVATE and not gone:
        return [said]
    return hanging(message)


def hanging(message: Message | None) -> list[str]:
    """The data of the buttons on a message."""
    if message is None or message.reply_markup is None:
        return []
    buttons = (button for row in message.reply_markup.inline_keyboard for button in row)
    return [button.callback_data for button in buttons if isinstance(button.callback_data, str)]
