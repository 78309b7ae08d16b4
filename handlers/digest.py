"""The digest of a channel, group, topic or room: /digest …, /status. Only for who runs the chat."""

from __future__ import annotations

from dataclasses import replace

from bot.composing import for_channels, proof
from bot.desk import Desk
from bot.digests import Subscription, is_out, newest
from bot.messages import Button, Message, Opens, Reply, Role, Span, reply
from bot.router import Router, argument_of
from bot.speaker import Speaker
from bot.store import Store, Transaction, held, ledger, panic, subscriptions
from bot.subscribing import Known, Unclear, changed, schedule_of

router = Router()


@router.command("digest", help="help.digest", needs=Role.MANAGER)
async def digest(message: Message, desk: Desk) -> Reply:
    """`/digest`: what is set; with words: set up, change or end it.

    A room that became private keeps what was set up before, and it can still be changed and ended there.
    """
    speaker = desk.speaker(message)
    if desk.store is None:
        return reply(speaker.say("digest.private"))
    words = argument_of(message.text).casefold().split()
    store = desk.store

    async def work(transaction: Transaction) -> Reply:
        found = await subscriptions.subscription_of(store, transaction, message.address)
        try:
            return await _do(words, found, message, desk, store, transaction)
        except Unclear as error:
            said = error.values | {name: speaker.echo(word) for name, word in error.values.items() if name == "word"}
            return reply(speaker.say(error.key, **said))

    return await store.run(work)


async def _do(
    words: list[str], found: Subscription | None, message: Message, desk: Desk, store: Store, transaction: Transaction
) -> Reply:
    speaker = desk.speaker(message)
    if found is None:
        if message.is_private:
            return reply(speaker.say("digest.private"))
        if words and words[0] in ("daily", "weekly"):
            return await _subscribe(words, message, desk, store, transaction)
        return reply(speaker.say("digest.none" if words != ["off"] else "digest.ended"), *_offers(speaker))
    if not words:
        return reply(described(found, speaker, desk), *_choices(found, speaker))
    if words == ["off"]:
        await subscriptions.end(transaction, found)
        return reply(speaker.say("digest.ended"))
    if words == ["backlog"]:
        await subscriptions.forget_known(transaction, found.id)
        return reply(speaker.say("digest.backlog") + "\n" + described(found, speaker, desk))
    if words in (["pause"], ["resume"]):
        new = replace(found, paused="asked" if words == ["pause"] else "")
    else:
        new = replace(changed(found, words, _known(desk)), paused="")
    await subscriptions.change(transaction, new, desk.now)
    return reply(described(new, speaker, desk), *_choices(new, speaker))


async def _subscribe(words: list[str], message: Message, desk: Desk, store: Store, transaction: Transaction) -> Reply:
    speaker = desk.speaker(message)
    language = speaker.language if speaker.language in desk.base.texts.phrases else desk.language
    wanted = Subscription("", message.address, schedule_of(words, str(desk.zone), language), language)
    items = list(desk.base.items.values())
    kept_back = await held.kept_back(transaction, desk.now)
    stopped = await panic.since(transaction) is not None
    shown = None if stopped else newest([item for item in items if item.id not in kept_back], wanted, desk.today())
    known = [item.id for item in items if is_out(item, desk.today()) and item is not shown]
    made = await subscriptions.subscribe(store, transaction, wanted, desk.now, known)
    said = reply(described(made, speaker, desk))
    if shown is None:
        return said

    async def mark(transaction: Transaction) -> None:
        found = await subscriptions.subscription_of(store, transaction, made.address)
        if found is not None and found.id == made.id:
            await subscriptions.mark(store, transaction, made.id, [shown.id], "sent")

    async def arrived() -> None:
        # Not before: what a crash keeps from being shown is owed, and goes out with the next digest.
        await store.run(mark)

    base = for_channels(desk.base, kept_back, ())
    told = proof(shown, Speaker(base, made.language, desk.language, desk.contact, private=False))
    return Reply((*said.spans, Span("\n\n"), *told.spans), told.buttons, arrived=arrived)


def described(subscription: Subscription, speaker: Speaker, desk: Desk) -> str:
    """The settings of a chat in words, with the date of its next digest."""
    schedule, quiet = subscription.schedule, subscription.quiet
    slot = next(schedule.slots(desk.now))
    names = {id: speaker.topic(id) for id in subscription.topics}
    if schedule.weekday is None:
        every = speaker.say("digest.daily")
    else:
        every = speaker.say("digest.weekly", day=speaker.weekday(schedule.weekday))
    lines = [
        speaker.say(
            "digest.next", date=speaker.day(slot.day), hour=schedule.at.isoformat("minutes"), zone=schedule.zone, every=every
        ),
        speaker.say("digest.language", language=speaker.language_name(subscription.language)),
        speaker.say("digest.topics", topics=", ".join(sorted(names.values())) or speaker.say("digest.all")),
        speaker.say(
            "digest.countries",
            countries=speaker.places(tuple(sorted(subscription.countries)))
            if subscription.countries
            else speaker.say("digest.all"),
        ),
    ]
    if quiet is not None:
        lines.append(speaker.say("digest.quiet", start=quiet[0].isoformat("minutes"), end=quiet[1].isoformat("minutes")))
    if subscription.silent:
        lines.append(speaker.say("digest.silent"))
    if subscription.paused:
        lines.insert(0, speaker.say("digest.paused"))
    return "\n".join(lines)


@router.command("status", help="help.status", needs=Role.MANAGER)
async def status(message: Message, desk: Desk) -> Reply:
    """Last and next digest of this chat, what is held back, and why."""
    speaker = desk.speaker(message)
    if desk.store is None:
        return reply(speaker.say("digest.private"))
    store = desk.store

    async def work(transaction: Transaction) -> str:
        found = await subscriptions.subscription_of(store, transaction, message.address)
        if found is None:
            return speaker.say("digest.private" if message.is_private else "digest.none")
        lines = [speaker.say("status.stopped")] if await panic.since(transaction) is not None else []
        lines.append(described(found, speaker, desk))
        last = await ledger.last_slot(transaction, found.id, desk.now)
        if last is not None:
            lines.append(
                speaker.say(
                    "status.last", date=speaker.moment(last[0], found.schedule.zone), state=speaker.say(f"slot.{last[1]}")
                )
            )
        waiting = [part for part in await ledger.of_chat(store, transaction, found.id) if part.state not in ("sent", "sending")]
        for part in waiting[-5:]:
            lines.append(speaker.say("status.held", items=", ".join(part.items), state=speaker.say(f"part.{part.state}")))
        return "\n".join(lines)

    return reply(await store.run(work))


def _known(desk: Desk) -> Known:
    return Known(desk.base.topics, tuple(desk.base.texts.phrases))


def _offers(speaker: Speaker) -> tuple[Button, ...]:
    return tuple(Button(f"/digest {how}", f"/digest {how}", Opens.REPLACE) for how in ("daily 18:00", "weekly mon 18:00"))


def _choices(subscription: Subscription, speaker: Speaker) -> tuple[Button, ...]:
    clock = subscription.schedule.at.isoformat("minutes")
    other = f"weekly mon {clock}" if subscription.schedule.weekday is None else f"daily {clock}"
    hows = (
        other,
        f"silent {'off' if subscription.silent else 'on'}",
        "resume" if subscription.paused else "pause",
        "backlog",
        "off",
    )
    return tuple(Button(f"/digest {how}", f"/digest {how}", Opens.REPLACE) for how in hows)
