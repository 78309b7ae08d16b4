"""An account may have been stolen: /panic stops all publishing, the stewards' own hand included. Answers go on."""

from __future__ import annotations

from bot.desk import Desk
from bot.logs import Event, warn
from bot.messages import Message, Reply, Role, reply
from bot.router import Router
from bot.store import Transaction
from bot.store import panic as stopping

router = Router()


@router.command("panic", help="help.panic", needs=Role.STEWARD, always=True)
async def panic(message: Message, desk: Desk) -> Reply:
    """`/panic`: at once; only the operator lifts it, at the machine."""
    speaker, store = desk.speaker(message), desk.store
    if store is None:
        return reply(speaker.say("draft.no-folder"))

    async def work(transaction: Transaction) -> bool:
        is_new = await stopping.since(transaction) is None
        await stopping.stop(store, transaction, desk.now)
        return is_new

    is_new = await store.run(work)
    warn(Event.PANIC)
    return desk.acted(message, lambda speaker: speaker.say("panic.done"), told=is_new)
