"""getMe, commands, names and descriptions, and what a bot asks about chats."""

from __future__ import annotations

import re
import time
from typing import Any

from .chats import Chat
from .faults import QUERY_TOO_OLD, Json, bad
from .people import People
from .sending import refuse, thread_of

COMMAND = re.compile(r"[a-z0-9_]{1,32}")
ACTIONS = (
    "typing upload_photo record_video upload_video record_voice upload_voice upload_document choose_sticker "
    "find_location record_video_note upload_video_note"
)


class Profile:
    """What the bot has set about itself: commands by (scope, language), texts by (what, language)."""

    def __init__(self, name: str) -> None:
        self.commands: dict[tuple[str, str], list[Json]] = {}
        self.texts: dict[tuple[str, str], str] = {("name", ""): name}

    def text(self, what: str, language: str) -> str:
        """Returns the text for a language, or else that for everybody."""
        return self.texts.get((what, language)) or self.texts.get((what, ""), "")


def get_me(state: People, params: Json) -> Json:
    """getMe."""
    abilities = dict.fromkeys(
        (
            "supports_inline_queries",
            "can_connect_to_business",
            "has_main_web_app",
            "has_topics_enabled",
            "allows_users_to_create_topics",
            "can_manage_bots",
        ),
        False,
    )
    groups = {"can_join_groups": True, "can_read_all_group_messages": state.can_read_all_group_messages}
    return state.me.brief() | groups | abilities


def language_of(state: People, where: str, params: Json) -> str:
    """Returns the language code of a call; raises ApiError for one that is not of two letters."""
    language = params.get("language_code") or ""
    if language and not re.fullmatch(r"[a-z]{2}", language):
        raise refuse(state, where, "invalid language code specified")
    return language


def scope_of(state: People, params: Json) -> str:
    """Returns a key for a command scope; raises ApiError."""
    scope = params.get("scope") or {"type": "default"}
    if "chat_id" in scope:
        state.open_chat(scope["chat_id"])
    return ":".join(str(scope[key]) for key in ("type", "chat_id", "user_id") if key in scope)


def set_my_commands(state: People, params: Json, profile: Profile) -> bool:
    """setMyCommands."""
    key = scope_of(state, params), language_of(state, "setMyCommands", params)
    if len(params["commands"]) > 100:
        raise refuse(state, "setMyCommands", "BOT_COMMANDS_TOO_MUCH")
    for command in params["commands"]:
        if not COMMAND.fullmatch(command["command"]):
            raise refuse(state, "setMyCommands", "BOT_COMMAND_INVALID")
        if not 1 <= len(command["description"]) <= 256:
            raise refuse(state, "setMyCommands", "BOT_COMMAND_DESCRIPTION_INVALID")
    profile.commands[key] = params["commands"]
    return True


def get_my_commands(state: People, params: Json, profile: Profile) -> list[Json]:
    """getMyCommands: exactly those of the scope and the language."""
    return profile.commands.get((scope_of(state, params), language_of(state, "getMyCommands", params)), [])


def delete_my_commands(state: People, params: Json, profile: Profile) -> bool:
    """deleteMyCommands."""
    profile.commands.pop((scope_of(state, params), language_of(state, "deleteMyCommands", params)), None)
    return True


def set_text(state: People, params: Json, profile: Profile, what: str) -> bool:
    """setMyName, setMyDescription, setMyShortDescription."""
    profile.texts[what, language_of(state, f"set {what}", params)] = params.get(what) or ""
    return True


def get_text(state: People, params: Json, profile: Profile, what: str) -> Json:
    """getMyName, getMyDescription, getMyShortDescription."""
    return {what: profile.text(what, language_of(state, f"get {what}", params))}


def answer_callback_query(state: People, params: Json) -> bool:
    """answerCallbackQuery."""
    asked = state.queries.get(params["callback_query_id"])
    if asked is None or state.now() - asked > state.query_lifetime:
        raise bad(QUERY_TOO_OLD)
    state.answered_queries.append(params | {"_at": time.monotonic()})
    return True


def get_chat(state: People, params: Json) -> Json:
    """getChat."""
    chat = state.open_chat(params["chat_id"])
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    full: Json = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": dict.fromkeys(gifts, False)}
    return chat.brief() | full


def member_status(state: People, chat: Chat, user_id: int) -> str:
    """Returns the status of a user or of the bot in a chat."""
    if user_id == state.me.id:
        return {"needs_admin": "member", "no_write": "restricted"}.get(chat.status, chat.status)
    if user_id in chat.admins:
        return "creator" if chat.admins[0] == user_id else "administrator"
    return "member" if user_id in chat.members else "left"


def get_chat_member(state: People, params: Json) -> Json:
    """getChatMember."""
    chat, user_id = state.open_chat(params["chat_id"]), params["user_id"]
    if user_id != state.me.id and user_id not in state.users:
        raise bad("user not found")
    if chat.kind == "channel" and chat.status != "administrator":
        raise bad("member list is inaccessible")
    return state.membership(state._user(user_id), member_status(state, chat, user_id), chat)


def get_chat_administrators(state: People, params: Json) -> list[Json]:
    """getChatAdministrators."""
    chat = state.open_chat(params["chat_id"])
    if chat.kind == "private":
        raise bad("there are no administrators in the private chat")
    if chat.kind == "channel" and chat.status != "administrator":
        raise bad("member list is inaccessible")
    ids = chat.admins + ([state.me.id] if chat.status == "administrator" else [])
    return [state.membership(state._user(one), member_status(state, chat, one), chat) for one in ids]


def send_chat_action(state: People, params: Json) -> bool:
    """sendChatAction."""
    chat = state.writable_chat(params["chat_id"])
    if params["action"] not in ACTIONS.split():
        raise refuse(state, "sendChatAction", "wrong parameter action in request")
    thread_of(state, chat, params.get("message_thread_id"), None)
    return True


def leave_chat(state: People, params: Json) -> bool:
    """leaveChat."""
    chat = state.open_chat(params["chat_id"])
    if chat.kind == "private":
        raise bad("chat not found")
    state.set_status(chat, "left", by=state.me)
    return True


def webhook_info(state: People, params: Json) -> Any:
    """getWebhookInfo."""
    info: Json = {"url": state.webhook, "has_custom_certificate": False, "pending_update_count": len(state.queue.waiting)}
    return info | ({} if state.queue.allowed is None else {"allowed_updates": state.queue.allowed})
