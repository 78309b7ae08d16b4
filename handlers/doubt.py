"""When an answer was not the one: another one, or a note to the stewards that names nobody."""

from __future__ import annotations

from bot.answers import code, neighbours, offer
from bot.desk import Desk
from bot.facts import Fact, in_language
from bot.messages import Button, Errand, Message, Reply, reply
from bot.router import Router, argument_of
from bot.speaker import Speaker

router = Router()


@router.command("other")
async def other(message: Message, desk: Desk) -> Reply:
    """`/other CODE CODE…`: the next best after the first, else its neighbours, and the contact in any case."""
    speaker = desk.speaker(message)
    by_code = {code(fact): fact for fact in desk.base.corpus.facts.values()}
    facts = [by_code[word] for word in argument_of(message.text).split()[:4] if word in by_code]
    next_best = facts[1:] or (neighbours(facts[0], desk.base) if facts else [])
    if not next_best:
        how = " " + speaker.say("gap.how") if message.is_private and desk.reports else ""
        return reply(speaker.say("other.none", contact=speaker.whom()) + how)
    return offer(speaker.say("other.lead"), tuple(next_best), speaker, speaker.say("other.tail", contact=speaker.whom()))


@router.command("wrong")
async def wrong(message: Message, desk: Desk) -> Reply:
    """`/wrong FACT-ID`: exactly what would be sent to the stewards, and the button that sends it."""
    speaker = desk.speaker(message)
    fact = desk.base.facts.get(argument_of(message.text))
    if fact is None:
        return reply(speaker.say("fact.unknown", id=speaker.echo(argument_of(message.text)[:40])))
    if not desk.reports:
        return reply(speaker.say("wrong.nowhere", contact=speaker.whom()))
    shown = speaker.say("wrong.preview", report=_report(fact, desk)) + "\n\n" + speaker.say("gap.when")
    return reply(shown, Button(speaker.say("button.send"), f"/report {fact.id}"))


@router.command("report")
async def report(message: Message, desk: Desk) -> Reply | Errand:
    """`/report FACT-ID`: sends it, once an hour for a fact, whoever asks."""
    speaker = desk.speaker(message)
    fact = desk.base.facts.get(argument_of(message.text))
    if fact is None:
        return reply(speaker.say("fact.unknown", id=speaker.echo(argument_of(message.text)[:40])))
    if not desk.reports:
        return reply(speaker.say("wrong.nowhere", contact=speaker.whom()))
    if desk.memory.was_reported(fact.id, desk.now):
        return reply(speaker.say("report.again"))

    def said(done: int) -> Reply:
        if not done:
            return reply(speaker.say("report.failed", contact=speaker.whom()))
        desk.memory.reported(fact.id, desk.now)
        return reply(speaker.say("report.sent"))

    return Errand(said, note=_report(fact, desk))


def _report(fact: Fact, desk: Desk) -> str:
    # In the language of the base, not of who reports.
    speaker = Speaker(desk.base, desk.language, desk.language, desk.contact)
    return speaker.say("report", id=fact.id, claim=in_language(fact.claim, desk.language, *desk.base.languages)[0])
