"""Commands and descriptions, per language and scope, set at the start where they differ from what Telegram has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from telegram import (
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
)

from bot.logs import Event, log, warn
from bot.transports.telegram.api import Api
from bot.transports.telegram.outcomes import Unreachable

LONGEST_COMMAND = 256
TRIES = 5


@dataclass(frozen=True, slots=True)
class Face:
    """What Telegram shows of the bot in one language: commands by scope name, description and short description."""

    private: tuple[tuple[str, str], ...]
    group: tuple[tuple[str, str], ...]
    admins: tuple[tuple[str, str], ...]
    description: str
    short: str


async def set_face(api: Api, faces: Mapping[str, Face]) -> int:
    """Language ("" for all others) to face; how many things had to be set. What fails again and again is logged and left."""
    changed = 0
    for language, face in faces.items():
        try:
            changed += await _set_commands(api, language, face)
            changed += await _set_texts(api, language, face)
        except Unreachable as error:
            warn(Event.SETUP_FAILED, exception=error.cause)
    log(Event.COMMANDS_SET, count=changed)
    return changed


async def _set_commands(api: Api, language: str, face: Face) -> int:
    scopes: tuple[tuple[BotCommandScope, tuple[tuple[str, str], ...]], ...] = (
        (BotCommandScopeAllPrivateChats(), face.private),
        (BotCommandScopeAllGroupChats(), face.group),
        (BotCommandScopeAllChatAdministrators(), face.admins),
    )
    changed = 0
    for scope, wanted in scopes:
        commands = [BotCommand(name, line[:LONGEST_COMMAND]) for name, line in wanted]
        code = language or None
        has = await api.insist(lambda bot, scope=scope, code=code: bot.get_my_commands(scope, code), tries=TRIES)  # type: ignore[misc]
        if list(has) != commands:
            await api.insist(lambda bot, c=commands, s=scope, code=code: bot.set_my_commands(c, s, code), tries=TRIES)  # type: ignore[misc]
            changed += 1
    return changed


async def _set_texts(api: Api, language: str, face: Face) -> int:
    code = language or None
    changed = 0
    if (await api.insist(lambda bot: bot.get_my_description(code), tries=TRIES)).description != face.description:
        await api.insist(lambda bot: bot.set_my_description(face.description, code), tries=TRIES)
        changed += 1
    if (await api.insist(lambda bot: bot.get_my_short_description(code), tries=TRIES)).short_description != face.short:
        await api.insist(lambda bot: bot.set_my_short_description(face.short, code), tries=TRIES)
        changed += 1
    return changed
