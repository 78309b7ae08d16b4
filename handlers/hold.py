"""Stewards hold items back before a digest: /hold, /drop, /release ID. Silence means yes."""

from __future__ import annotations

from bot.curating import limit
from bot.curating.bundles import Refused
from bot.desk import Desk
from bot.messages import Message, Reply, Role, reply
from bot.router import Router, argument_of
from bot.store import Transaction, held

router = Router()


@router.command("hold", help="help.hold", needs=Role.STEWARD)
async def hold(message: Message, desk: Desk) -> Reply:
    """`/hold ID`: not before it is released."""
    return await _decide(message, desk, held.HELD)


@router.command("drop", help="help.drop", needs=Role.STEWARD)
async def drop(message: Message, desk: Desk) -> Reply:
    """`/drop ID`: never to channels; answers may still cite it."""
    return await _decide(message, desk, held.DROPPED)


@router.command("release", help="help.release", needs=Role.STEWARD)
async def release(message: Message, desk: Desk) -> Reply:
    """`/release ID`: at the next slot after all."""
    return await _decide(message, desk, held.SHOWN)


async def _decide(message: Message, desk: Desk, state: str) -> Reply:
    speaker, id, store = desk.speaker(message), argument_of(message.text), desk.store
    # Claims reach posts too, through their buttons and as what a topic is called by.
    if (id not in desk.base.items and id not in desk.base.facts) or store is None:
        return reply(speaker.say("hold.unknown", id=id[:40]))

    async def work(transaction: Transaction) -> bool:
        is_new = (await held.states(transaction)).get(id) != state
        if is_new and state != held.HELD:
            await limit.count(transaction, message.steward or "", desk.now)
        await held.decide(store, transaction, [id], state)
        return is_new

    try:
        is_new = await store.run(work)
    except Refused as error:
        return reply(speaker.say(error.key, **error.values))
    return desk.acted(message, lambda speaker: speaker.say("hold.done", id=id, state=speaker.say(f"hold.{state}")), told=is_new)
