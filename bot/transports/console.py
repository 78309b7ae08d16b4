"""The bot in a terminal: lines in, replies out, buttons by number, through the same handlers as on a platform."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TextIO

from bot.messages import Address, Choices, Message, Reply
from bot.transports.numbered import chosen, with_numbers

ADDRESS = Address("console", "terminal")
PROMPT = "> "

Receive = Callable[[Message], Awaitable[Reply | None]]


async def converse(receive: Receive, source: TextIO, out: TextIO) -> None:
    """Every line of the source to its end is a message; a number taps the button of that number in the last reply."""
    choices = Choices()
    interactive = source.isatty()
    count = 0
    while True:
        if interactive:
            out.write(PROMPT)
            out.flush()
        line = source.readline()
        if not line:
            break
        text = line.rstrip("\r\n")
        if not text.strip() and not interactive:
            continue
        count += 1
        message = Message(f"console-{count}", ADDRESS, text)
        reply = await receive(chosen(message, choices) or message)
        if reply is None:
            continue
        listed, choices = with_numbers(reply)
        out.write(listed.text + "\n\n")
        out.flush()
