"""Telegram as a transport: start, listen, stop, send."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from bot.deliveries import Outcome, Refused, Sent
from bot.logs import Event, log, warn
from bot.messages import Address, Reply
from bot.transports import May, Receive, TransportEnded, always
from bot.transports.inbox import Inbox
from bot.transports.markup import parts
from bot.transports.pace import Lane
from bot.transports.pacer import Pacer
from bot.transports.telegram.api import Api
from bot.transports.telegram.intake import Intake, Patience
from bot.transports.telegram.outcomes import OtherPoller, TokenRefused, Unreachable
from bot.transports.telegram.reading import Me
from bot.transports.telegram.sending import Sender
from bot.transports.telegram.setup import Face, set_face
from bot.transports.telegram.updates import Updates
from bot.transports.wiring import Wiring

STOP_SECONDS = 12.0
READS_GROUPS = (
    "this bot can read everything in groups; send /setprivacy to BotFather, choose Enable, "
    "remove the bot from its groups and add it again"
)


class Telegram:
    """One bot account."""

    platform = "telegram"

    def __init__(
        self, api: Api, wiring: Wiring, faces: Mapping[str, Face], pacer: Pacer | None = None, patience: Patience | None = None
    ) -> None:
        self._faces = faces
        self._api, self._wiring, self._patience = api, wiring, patience or Patience()
        self.pacer = pacer or Pacer()
        self.inbox = Inbox(self.pacer.held_up, self.pacer.all_held_up, waits=self.pacer.waits)
        self._sender = Sender(api, self.pacer, "", wiring.moved)
        self._stopping = False
        self._tasks: list[asyncio.Future[Any]] = []

    async def listen(self, receive: Receive) -> None:
        """See `Transport`."""
        who = asyncio.ensure_future(self._who())
        self._tasks = [who]
        try:
            me = await who
        except asyncio.CancelledError:
            if self._stopping:
                return
            raise
        self.inbox.hear()
        self._sender.name = me.name
        updates = Updates(self._api, self._wiring, self.inbox, self._sender, me)
        intake = Intake(self._api, self.inbox, partial(updates.take, receive), self._patience)
        polling = asyncio.ensure_future(intake.poll_for_ever())
        self._tasks = [polling, asyncio.ensure_future(set_face(self._api, self._faces))]
        log(Event.LISTENING)
        try:
            await polling
        except asyncio.CancelledError:
            if not self._stopping:
                raise
        finally:
            await self.inbox.drain(STOP_SECONDS)
            await updates.close()

    async def stop(self) -> None:
        """See `Transport`. `listen` returns once what is under way is finished."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """Let go of the connections."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._api.close()

    async def send(self, address: Address, reply: Reply) -> Outcome:
        """See `Transport`."""
        outcome: Outcome = Sent("")
        pieces = parts(reply.spans)
        for number, part in enumerate(pieces, 1):
            buttons = reply.buttons if number == len(pieces) else ()
            outcome = await self._sender.once(address, part, buttons, lane=Lane.ANSWER)
            if not isinstance(outcome, Sent):
                break
        return outcome

    def since(self) -> datetime | None:
        """See `Transport`."""
        return None

    async def post(self, address: Address, reply: Reply, key: str, *, silent: bool = False, may: May = always) -> Outcome:
        """See `Transport`. Telegram knows no key: what may have arrived is for the ledger to settle."""
        part, *more = parts(reply.spans)
        if more:
            return Refused()
        return await self._sender.once(address, part, reply.buttons, lane=Lane.DIGEST, silent=silent, may=may)

    async def edit(self, address: Address, id: str, reply: Reply, key: str, *, may: May = always) -> Outcome:
        """See `Transport`."""
        return await self._sender.edit(address, id, parts(reply.spans)[0], reply.buttons, may)

    async def delete(self, address: Address, ids: tuple[str, ...]) -> int:
        """See `Transport`."""
        return await self._sender.delete(address, ids)

    async def _who(self) -> Me:
        """Who we are.

        :raises TransportEnded: for a wrong token, no answer, or an account that reads everything in groups.
        """
        began = time.monotonic()
        while True:
            try:
                me = await self._api.start()
                break
            except TokenRefused:
                problem = "Telegram refuses this token; copy it once more from BotFather"
                raise TransportEnded(f"RUECKSPIEGEL_TELEGRAM_TOKEN: {problem}") from None
            except (Unreachable, OtherPoller) as error:
                if time.monotonic() - began > self._patience.give_up:
                    problem = "Telegram does not answer; check the address and the network"
                    raise TransportEnded(f"RUECKSPIEGEL_TELEGRAM_API_URL: {problem}") from None
                warn(Event.SILENT, exception=error)
                await asyncio.sleep(min(2.0, self._patience.rebuild))
        if me.can_read_all_group_messages:
            raise TransportEnded(f"RUECKSPIEGEL_TELEGRAM_TOKEN: {READS_GROUPS}")
        return Me(me.id, me.username or "", self._wiring.commands)
