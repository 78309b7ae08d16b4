"""A question without an answer, passed on to the curators: shown exactly, and only then sent, without a name.

The text is read from the message whose button was tapped. Nothing here keeps it.
"""

from __future__ import annotations

from dataclasses import replace

from bot.desk import Desk
from bot.gaps import cleaned, named, quoted, quoted_in
from bot.messages import Button, Errand, Message, Opens, Reply, Span, reply
from bot.router import Router, argument_of
from bot.search.conversation import Heard
from bot.search.matcher import Decline, NotKnown, Suggest
from bot.speaker import Speaker

router = Router()


def is_open(heard: Heard) -> bool:
    """Whether the asker was left without an answer that the dossier could have had."""
    match heard.outcome:
        case Suggest() | NotKnown() | Decline(kind="none", talk=None) | Decline(kind="country" | "older"):
            return True
    return False


def with_way_on(said: Reply, text: str, speaker: Speaker) -> Reply:
    """A reply that is no answer, with the question below it and the button that would pass it on, where stewards hear."""
    question = cleaned(text)
    if not (speaker.private and speaker.reports and question):
        return said
    asked = Span("\n\n" + speaker.say("gap.asked", text=quoted(question)))
    button = Button(speaker.say("button.gap"), "/gap", reads=True)
    return replace(said, spans=(*said.spans, asked), buttons=(*said.buttons, button))


@router.command("gap", help="help.gap")
async def gap(message: Message, desk: Desk) -> Reply:
    """`/gap TEXT`, or tapped below a question: exactly what would be passed on, and the button that does it."""
    speaker = desk.speaker(message)
    text = cleaned(argument_of(message.text)) or quoted_in(message.under)
    return _refusal(text, message, desk) or _preview(text or "", speaker)


@router.command("sendgap")
async def send(message: Message, desk: Desk) -> Reply | Errand:
    """Tapped below what it sends; typed, it has no text and sends nothing."""
    speaker, text = desk.speaker(message), quoted_in(message.under)
    refused = _refusal(text, message, desk)
    if refused is not None or text is None:
        return refused or _lost(speaker)
    if not desk.memory.pass_on(message.address, desk.now):
        return _preview(text, speaker, speaker.say("gap.enough", contact=speaker.whom()))

    def said(done: int) -> Reply:
        if done:
            return reply(speaker.say("report.sent"))
        desk.memory.not_passed_on(message.address)
        return _preview(text, speaker, speaker.say("report.failed", contact=speaker.whom()))

    # In the language of the base, not of who sends.
    stewards = Speaker(desk.base, desk.language, desk.language)
    return Errand(said, note=stewards.say("steward.gap", text=quoted(text)))


@router.command("dropgap")
async def drop(message: Message, desk: Desk) -> Reply:
    """It was not sent."""
    return reply(desk.speaker(message).say("gap.dropped"))


def _refusal(text: str | None, message: Message, desk: Desk) -> Reply | None:
    speaker = desk.speaker(message)
    if not message.is_private:
        return reply(speaker.say("clean.private"))
    if not desk.reports:
        return reply(speaker.say("gap.nowhere", contact=speaker.whom()))
    return None if text else _lost(speaker)


def _lost(speaker: Speaker) -> Reply:
    return reply(speaker.say("gap.lost") + " " + speaker.say("gap.how"))


def _preview(text: str, speaker: Speaker, lead: str = "") -> Reply:
    found = named(text)
    warning = speaker.say("gap.names", found=", ".join(found)) if found else ""
    shown = "\n\n".join(
        part for part in (lead, speaker.say("gap.preview"), quoted(text), speaker.say("gap.when"), warning) if part
    )
    return reply(
        shown,
        Button(speaker.say("button.pass-on"), "/sendgap", Opens.REPLACE, reads=True),
        Button(speaker.say("button.drop-gap"), "/dropgap", Opens.REPLACE),
    )
