"""Commands by name, who may, and one fallback for everything that is no command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial

from bot.desk import Desk
from bot.messages import Errand, Message, Reply, Role, reply

Handler = Callable[[Message, Desk], Awaitable[Reply | Errand | None]]
RoleOf = Callable[[Message], Awaitable[Role]]
LONGEST_NAME = 32
ANY_SIGN = "/!"
_SIGNS = {"telegram": "/"}
"""What a command begins with, where that is not either."""
_RANK = {Role.ANYONE: 0, Role.MANAGER: 1, Role.STEWARD: 2}


@dataclass(frozen=True, slots=True)
class Command:
    """A handler, who may call it, and the key of its line in the help (None: not listed).

    `always`: a steward's command that works while publishing is stopped.
    """

    handler: Handler
    needs: Role = Role.ANYONE
    help: str | None = None
    always: bool = False


@dataclass
class Router:
    """Routers merge into one; two handlers for one name are a mistake of the program."""

    commands: dict[str, Command] = field(default_factory=dict)
    fallback: Handler | None = None

    def __init__(self, *others: Router) -> None:
        self.commands, self.fallback = {}, None
        for other in others:
            for name, command in other.commands.items():
                self._claim(name, command)
            if other.fallback is not None:
                self.anything_else(other.fallback)

    def command(
        self, name: str, help: str | None = None, needs: Role = Role.ANYONE, always: bool = False
    ) -> Callable[[Handler], Handler]:
        """Register a handler for `/name`."""

        def register(handler: Handler) -> Handler:
            self._claim(name, Command(handler, needs, help, always))
            return handler

        return register

    def anything_else(self, handler: Handler) -> Handler:
        """Register the handler of free text."""
        if self.fallback is not None:
            raise ValueError("two handlers claim free text")
        self.fallback = handler
        return handler

    async def route(self, message: Message, desk: Desk, role_of: RoleOf) -> Reply | Errand | None:
        """The reply of the handler that the message is for; the role is asked before a handler that needs one runs."""
        name = command_of(message.text, _SIGNS.get(message.address.platform, ANY_SIGN))
        if name is None:
            return await self.fallback(message, desk) if self.fallback else None
        command = self.commands.get(name)
        speaker = desk.speaker(message)
        if command is None:
            near = get_close_matches(name, self.commands, n=1)
            nearest = " " + speaker.say("command.nearest", command=f"/{near[0]}") if near else ""
            return reply(speaker.say("command.unknown", command=speaker.echo(f"/{name[:LONGEST_NAME]}"), nearest=nearest))
        if command.needs is not Role.ANYONE and _RANK[await role_of(message)] < _RANK[command.needs]:
            return replace(reply(speaker.say("command.forbidden")), refuses=True)
        if command.needs is Role.STEWARD and not command.always and await desk.stopped():
            return reply(speaker.say("panic.stopped"))
        return await command.handler(message, replace(desk, role=partial(role_of, message)))

    def _claim(self, name: str, command: Command) -> None:
        if name in self.commands:
            raise ValueError(f"two handlers claim /{name}")
        self.commands[name] = command


def command_of(text: str, signs: str = ANY_SIGN) -> str | None:
    """The name of the command that a text begins with: `/ask@bot x` and `!ask x` are `ask`, with one of these signs."""
    first = text.strip().split(maxsplit=1)[0] if text.strip() else ""
    if len(first) < 2 or first[0] not in signs or not first[1].isalpha():
        return None
    return first[1:].partition("@")[0].casefold()


def argument_of(text: str) -> str:
    """What follows the command."""
    return [*text.strip().split(maxsplit=1), "", ""][1].strip()
