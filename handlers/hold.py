"""Stewards hold items back before a digest: /hold, /drop, /release ID. Silence means yes."""

from __future__ import annotations

from bot.desk import Desk
from bot.messages import Message, Reply, Role, reply
from bot.router import Router, argument_of
from bot.store import held

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
    if id not in desk.base.items or store is None:
        return reply(speaker.say("hold.unknown", id=id[:40]))
    await store.run(lambda transaction: held.decide(store, transaction, [id], state))
    return reply(speaker.say("hold.done", id=id, state=speaker.say(f"hold.{state}")))
