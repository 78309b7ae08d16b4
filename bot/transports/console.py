"""The bot in a terminal: lines in, replies out, buttons by number, through the same handlers as on a platform."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TextIO

from bot.messages import Address, Button, Message, Reply

ADDRESS = Address("console", "terminal")
PROMPT = "> "

Receive = Callable[[Message], Awaitable[Reply | None]]


async def converse(receive: Receive, source: TextIO, out: TextIO) -> None:
    """Every line of the source to its end is a message; a number taps the button of that number in the last reply."""
    buttons: tuple[Button, ...] = ()
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
        if text.strip().isdigit() and 0 < int(text) <= len(buttons):
            text = buttons[int(text) - 1].says
        if not text.strip() and not interactive:
            continue
        count += 1
        reply = await receive(Message(f"console-{count}", ADDRESS, text))
        if reply is None:
            continue
        buttons = reply.buttons
        out.write(shown(reply) + "\n\n")
        out.flush()


def shown(reply: Reply) -> str:
    """A reply as text, its buttons numbered below, unless the text lists the very same already."""
    listed = [f"[{number}] {button.label}" for number, button in enumerate(reply.buttons, 1)]
    inside = all(button.label in reply.text for button in reply.buttons)
    return reply.text if inside or not listed else "\n".join([reply.text, *listed])
