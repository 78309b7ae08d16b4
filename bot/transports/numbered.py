"""Buttons where there are none: a numbered list below the text, answered by its number. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.messages import Choices, Message, Opens, Reply, Span


def with_numbers(reply: Reply, invitation: Sequence[Span] = ()) -> tuple[Reply, Choices]:
    """The reply with its buttons listed, unless the text lists the very same already, and what each number says.

    What the text itself numbers is not listed again. `invitation` is said in place of buttons that lead to the private chat.
    """
    spans = list(reply.spans)
    buttons = [button for button in reply.buttons if button.opens is not Opens.PRIVATE or not invitation]
    if not all(button.label in reply.text for button in buttons):
        unlisted = [(n, button.label) for n, button in enumerate(buttons, 1) if f"{n}. {button.label}" not in reply.text]
        spans.append(Span("\n" + "\n".join(f"[{number}] {label}" for number, label in unlisted)))
    if len(buttons) < len(reply.buttons):
        spans += [Span("\n\n"), *invitation]
    listed = replace(reply, spans=tuple(spans), buttons=())
    under = listed.text if any(button.reads for button in buttons) else None
    return listed, Choices(tuple(button.says for button in buttons), under, reply.language)


def chosen(message: Message, choices: Choices) -> Message | None:
    """The message with what the button of its number says, None where its text is no number of one."""
    word, says = message.text.strip().strip("[].)"), choices.says
    if not (word.isascii() and word.isdigit() and len(word) <= 3 and 0 < int(word) <= len(says)):
        return None
    return replace(message, text=says[int(word) - 1], under=choices.under, under_language=choices.language)
