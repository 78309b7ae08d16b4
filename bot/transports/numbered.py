"""Buttons where there are none: a numbered list below the text, answered by its number. Pure."""

from __future__ import annotations

from bot.messages import Button, Reply, Span


def with_numbers(reply: Reply) -> tuple[Reply, tuple[Button, ...]]:
    """The reply with its buttons listed, unless the text lists the very same already, and what each number says."""
    buttons = reply.buttons
    if not buttons or all(button.label in reply.text for button in buttons):
        return reply, buttons
    listed = "\n".join(f"[{number}] {button.label}" for number, button in enumerate(buttons, 1))
    return Reply((*reply.spans, Span("\n" + listed)), fact=reply.fact), buttons


def chosen(text: str, buttons: tuple[Button, ...]) -> str | None:
    """What the button of that number says, None where the text is no number of one."""
    word = text.strip().strip("[].)")
    return buttons[int(word) - 1].says if word.isascii() and word.isdigit() and 0 < int(word) <= len(buttons) else None
