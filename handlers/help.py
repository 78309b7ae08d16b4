"""What this is and what can be asked: /start, /topics, /help."""

from __future__ import annotations

from bot.answers import answer
from bot.desk import Desk
from bot.facts import in_language
from bot.messages import Button, Message, Opens, Reply, Role, Span, reply
from bot.router import Router, argument_of
from bot.search.matcher import Answer

router = Router()


@router.command("start", help="help.start")
async def started(message: Message, desk: Desk) -> Reply:
    """`/start`: two lines and the topics; `/start FACT-ID`: that fact; `/start TOPIC`: its questions."""
    wanted = argument_of(message.text)
    speaker = desk.speaker(message)
    fact = desk.base.corpus.facts.get(wanted)
    if fact is not None:
        desk.memory.said(message.address, fact.id, desk.now, private=message.is_private)
        return answer(Answer(fact, 1.0), speaker)
    if wanted in desk.base.topics:
        facts = [fact for fact in desk.base.corpus.facts.values() if fact.topic == wanted]
        name = in_language(desk.base.topics[wanted], speaker.language, speaker.fallback)[0]
        buttons = (Button(speaker.asks(fact), f"/start {fact.id}") for fact in facts)
        return reply(speaker.say("topic.lead", topic=name), *buttons)
    if wanted:
        return reply(speaker.say("fact.unknown", id=speaker.echo(wanted[:40])))
    previews = f"start.{message.address.platform}"
    said = [speaker.say("start")] + ([speaker.say(previews)] if message.is_private and speaker.has(previews) else [])
    return reply("\n".join(said), *_topics(desk, message))


@router.command("topics", help="help.topics")
async def topics(message: Message, desk: Desk) -> Reply:
    """The topics as buttons."""
    return reply(desk.speaker(message).say("topics"), *_topics(desk, message))


@router.command("help", help="help.help")
async def helped(message: Message, desk: Desk) -> Reply:
    """Every command with one line, written from the router."""
    from handlers import router as whole

    speaker = desk.speaker(message)
    roles = {Role.ANYONE} if message.is_private else {Role.ANYONE, Role.MANAGER}
    if desk.role is not None and await desk.role() is Role.STEWARD:
        roles.add(Role.STEWARD)
    listed = [
        (name, command.help) for name, command in sorted(whole.commands.items()) if command.help and command.needs in roles
    ]
    lines = [f"/{name} – {speaker.say(line)}" for name, line in listed]
    return Reply((Span("\n".join([speaker.say("help.lead"), *lines])),))


def _topics(desk: Desk, message: Message) -> tuple[Button, ...]:
    speaker = desk.speaker(message)
    names = ((id, in_language(name, speaker.language, speaker.fallback)[0]) for id, name in desk.base.topics.items())
    return tuple(Button(name, f"/start {id}", Opens.REPLACE) for id, name in names)
