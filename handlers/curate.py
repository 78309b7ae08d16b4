"""Stewards review in chat: /drafts, /draft, /publish, /withdraw. A reply to a draft's message is a /draft of it."""

from __future__ import annotations

import asyncio

from bot.curating.advice import advice
from bot.curating.bundles import Published, Refused, Withdrawn
from bot.curating.curation import Curation
from bot.curating.showing import listed, shown
from bot.desk import Desk
from bot.intake.found import NotTaken, Publication
from bot.messages import WHICH, Message, Reply, Role, reply
from bot.router import Router, argument_of
from bot.speaker import Speaker

router = Router()
LONGEST_REASON = 600


@router.command("drafts", help="help.drafts", needs=Role.STEWARD)
async def drafts(message: Message, desk: Desk) -> Reply:
    """Every draft in one line."""
    speaker = desk.speaker(message)
    if desk.curation is None:
        return reply(speaker.say("draft.no-folder"))
    found, findings = await desk.curation.all_drafts()
    return listed(found, speaker, findings)


@router.command("draft", help="help.draft", needs=Role.STEWARD)
async def draft(message: Message, desk: Desk) -> Reply:
    """`/draft URL` or `/draft TITLE` starts one, `/draft ID` shows one; lines below it complete it."""
    speaker, curation = desk.speaker(message), desk.curation
    if curation is None:
        return reply(speaker.say("draft.no-folder"))
    first, _, lines = argument_of(message.text).partition("\n")
    try:
        id = await _draft_of(first.strip(), lines.strip(), curation, desk)
        found = await curation.drafts()
        return shown(found[id], found, speaker, await asyncio.to_thread(advice, found[id], speaker))
    except Refused as error:
        return reply(speaker.say(error.key, **error.values))
    except NotTaken as error:
        return reply(speaker.say("draft.not-taken", problem=error.problem, remedy=error.remedy))


@router.command("publish", help="help.publish", needs=Role.STEWARD)
async def publish(message: Message, desk: Desk) -> Reply:
    """`/publish ID`: at once, or once a second steward says the same."""
    speaker, id = desk.speaker(message), argument_of(message.text)
    if desk.curation is None:
        return reply(speaker.say("draft.no-folder"))
    try:
        done = await desk.curation.publish(id, message.steward or "", desk.now, desk.today())
    except Refused as error:
        return reply(speaker.say(error.key, **error.values))
    return desk.acted(message, lambda speaker: _told(done, id, speaker), told=not done.again)


@router.command("withdraw", help="help.withdraw", needs=Role.STEWARD)
async def withdraw(message: Message, desk: Desk) -> Reply:
    """`/withdraw ID REASON`: said no more, from now on; a draft is put aside."""
    speaker, curation = desk.speaker(message), desk.curation
    if curation is None:
        return reply(speaker.say("draft.no-folder"))
    id, _, reason = argument_of(message.text).partition(" ")
    base, steward, why = desk.base, message.steward or "", reason.strip()[:LONGEST_REASON]
    is_published = id in base.items or id in base.facts or id in base.unknowns
    try:
        # Without a reason a draft is meant, and with one what is said already: that must stop, whatever else there is.
        if id in await curation.drafts() and not (is_published and why):
            gone = await curation.put_aside(id, steward, desk.now)
            return desk.acted(message, lambda speaker: _told_aside(gone, id if is_published else "", speaker))
        if not why and id in base.items:
            return reply(speaker.say("withdraw.reason", id=id))
        reviewing = {language: base.texts.say(language, "withdraw.reviewing") for language in base.languages}
        done = await curation.withdraw(id, {desk.language: why}, reviewing, steward, desk.now, desk.today())
    except Refused as error:
        return reply(speaker.say(error.key, **error.values))
    return desk.acted(message, lambda speaker: _told_withdrawn(done, id, speaker), why=why)


async def _draft_of(first: str, lines: str, curation: Curation, desk: Desk) -> str:
    """The draft that is meant, after it was begun or changed as was written."""
    if first.startswith(("https://", "http://")):
        return (await curation.begin(await curation.article(first), lines)).id
    if first == WHICH:
        raise Refused("draft.which")
    if " " in first or not first:
        return (await curation.begin(Publication(first, language=_language_of(first, desk)), lines)).id
    if lines:
        return (await curation.edit(first, lines)).id
    return (await curation.draft(first)).id


def _language_of(title: str, desk: Desk) -> str:
    """The language of the dossier that a title is in, else the house's; a steward sees it in the draft's `title en`."""
    told = desk.matcher.model.language(title)[0]
    return told if told in desk.base.languages else desk.language


def _told_aside(gone: tuple[str, ...], published: str, speaker: Speaker) -> str:
    said = [speaker.say("withdraw.aside", ids=", ".join(gone))]
    if published:
        said.append(speaker.say("withdraw.still", id=published))
    return "\n".join(said)


def _told_withdrawn(done: Withdrawn, id: str, speaker: Speaker) -> str:
    if not done.reviewed:
        said = speaker.say("withdraw.waits", id=id)
    elif done.held:
        said = speaker.say("withdraw.held", id=id, minutes=str(int(done.held.total_seconds() // 60)))
    else:
        said = speaker.say("withdraw.done", id=id)
    return "\n".join([said, *([speaker.say("withdraw.aside", ids=", ".join(done.aside))] if done.aside else [])])


def _told(done: Published, id: str, speaker: Speaker) -> str:
    if done.waits_for:
        return speaker.say("publish.second", id=id, ids=", ".join(done.ids))
    minutes = int(done.held.total_seconds() // 60)
    said = [speaker.say("publish.done", ids=", ".join(done.ids))]
    if minutes:
        said.append(speaker.say("publish.held", minutes=str(minutes), id=id))
    if done.left:
        said.append(speaker.say("publish.left", ids=", ".join(done.left)))
    return "\n".join(said)
