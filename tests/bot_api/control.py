"""The server with a control interface over HTTP: POST /control/{name} with the arguments as a JSON object."""

from __future__ import annotations

import inspect
from typing import Any

from aiohttp import web

from .chats import Chat, Topic, User
from .faults import ApiError, Fault, Json
from .load import Load
from .server import BotApi

# What passes its arguments on as they are: people and chats by id, messages as they were told.
PASSED_ON = (
    "user group channel topic set_status migrate say say_anonymously post edit send_media forward click click_twice "
    "raw_update renumber advance wait_sent wait_calls wait_drained"
)


class ControlledApi(BotApi):
    """A BotApi another process steers."""

    def routes(self, app: web.Application) -> None:
        """Adds the control interface to what the server answers."""
        app.router.add_post("/control/{name}", self._control)
        super().routes(app)

    async def _control(self, request: web.Request) -> web.Response:
        name, arguments = request.match_info["name"], await request.json()
        try:
            result = getattr(self, name if name in PASSED_ON.split() else f"do_{name}")(**self._known(arguments))
            return web.json_response({"result": told(await result if inspect.isawaitable(result) else result)})
        except (ApiError, AttributeError, LookupError, RuntimeError, TimeoutError, TypeError, ValueError) as error:
            return web.json_response({"error": str(error), "kind": type(error).__name__}, status=400)

    def _known(self, arguments: Json) -> Json:
        """Returns the arguments with our own messages in place of the told ones."""
        known = dict(arguments)
        for key in ("message", "reply_to"):
            if isinstance(told_message := arguments.get(key), dict):
                known[key] = self._own(told_message)
        return known

    def _own(self, message: Json) -> Json:
        chat_id, message_id = message["chat"]["id"], message["message_id"]
        deleted = [sent for sent in self.sent_to(chat_id) if sent["message_id"] == message_id]
        return self.chats[chat_id].messages.get(message_id) or deleted[0]

    def do_faults(self, faults: list[Json], replace: bool = False) -> int:
        """Adds faults, to those there are or in their place, and returns how many are left in all."""
        if replace:
            self.faults.clear()
        for fault in faults:
            error = fault.pop("error", None)
            self.faults.append(Fault(**fault, error=ApiError(**error) if error else None))
        return len(self.faults)

    def do_sent(self, since: int = 0) -> list[Json]:
        """Returns the messages sent, from the `since`-th on."""
        return self.sent[since:]

    def do_edits(self, since: int = 0) -> list[Json]:
        """Returns the edits, from the `since`-th on."""
        return self.edits[since:]

    def do_calls(self, method: str | None = None) -> list[list[Any]]:
        """Returns calls as [time, method, params]."""
        return [list(call) for call in self.calls if method in (None, call.method)]

    def do_messages(self, chat_id: int) -> list[Json]:
        """Returns the messages that stand in a chat."""
        return self.messages(chat_id)

    def do_state(self) -> Json:
        """Returns counts, the violations, and what else tells how things stand."""
        counted = ("sent", "edits", "calls", "answered_queries", "faults")
        state: Json = {name: len(getattr(self, name)) for name in counted}
        state |= {"pending": len(self.queue.waiting), "violations": self.violations, "previews": self.previews}
        return state | {"answered": self.answered_queries, "allowed_updates": self.queue.allowed}

    def do_latency(self, seconds: float) -> None:
        """Sets the seconds added to each call but getUpdates."""
        self.latency = seconds

    def do_switch(self, name: str, value: bool) -> None:
        """Sets mentions_arrive or can_read_all_group_messages."""
        if name not in ("mentions_arrive", "can_read_all_group_messages"):
            raise ValueError(f"no switch {name!r}")
        setattr(self, name, value)

    def do_reset(self) -> None:
        """Forgets what happened, not who is there."""
        records = (self.sent, self.edits, self.calls, self.answered_queries, self.violations, self.previews, self.faults)
        for record in records:
            record.clear()
        self.queue.waiting.clear()
        for chat in self.chats.values():
            chat.messages.clear()
        self.latency = 0.0

    async def do_load(self, **load: Any) -> Json:
        """Runs a Load and returns its report."""
        return await Load(**load).run(self)


def told(result: Any) -> Any:
    """Returns a result as JSON can carry it."""
    if isinstance(result, User | Chat):
        return result.brief()
    if isinstance(result, Topic):
        return {"id": result.id, "name": result.name, "closed": result.closed}
    return result
