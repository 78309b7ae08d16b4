"""What a refused connection to the homeserver means for what was to be sent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import aiohttp

from bot.deliveries import Later, Outcome, Sent, Unsure
from bot.transports.matrix.reach import Reach
from bot.transports.matrix.sending import Sender
from bot.transports.pace import UNLIMITED, Lane
from bot.transports.pacer import Pacer

ROOM = "!room"


class Server:
    """A homeserver that answers or does not."""

    def __init__(self) -> None:
        self.rooms = {ROOM: SimpleNamespace(encrypted=False)}
        self.sharing_session: dict[str, Any] = {}
        self.away = False

    async def room_send(self, *_: object, **__: object) -> object:
        from nio import RoomSendResponse

        if self.away:
            raise aiohttp.ClientConnectorError(SimpleNamespace(host="h", port=1, ssl=None), OSError(111, "refused"))  # type: ignore[arg-type]
        return RoomSendResponse("$event", ROOM)


async def test_only_the_first_refusal_after_a_connection_may_hide_a_message_that_arrived() -> None:
    server = Server()
    account = SimpleNamespace(was_encrypted=lambda room: False)
    sender = Sender(server, account, Pacer(UNLIMITED), Reach(), frozenset(), b"k")  # type: ignore[arg-type]

    async def post() -> Outcome:
        return await sender.once(ROOM, {"body": "x"}, "t", lane=Lane.DIGEST)

    assert isinstance(await post(), Sent)
    server.away = True
    assert [type(await post()) for _ in range(3)] == [Unsure, Later, Later]
    server.away = False
    assert isinstance(await post(), Sent)
    server.away = True
    assert [type(await post()) for _ in range(2)] == [Unsure, Later]
