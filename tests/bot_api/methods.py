"""Which methods and parameters are modelled, and what carries them out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from . import profile as about
from . import sending
from .faults import Json
from .profile import Profile
from .talk import Talk

Action = Callable[[Json], Any]

PARAMETERS: dict[str, str] = {
    "getMe": "",
    "getUpdates": "offset limit timeout allowed_updates",
    "deleteWebhook": "drop_pending_updates",
    "getWebhookInfo": "",
    "setMyCommands": "commands scope language_code",
    "getMyCommands": "scope language_code",
    "deleteMyCommands": "scope language_code",
    "setMyName": "name language_code",
    "getMyName": "language_code",
    "setMyDescription": "description language_code",
    "getMyDescription": "language_code",
    "setMyShortDescription": "short_description language_code",
    "getMyShortDescription": "language_code",
    "sendMessage": "chat_id message_thread_id text parse_mode entities link_preview_options disable_notification "
    "protect_content reply_parameters reply_markup",
    "editMessageText": "chat_id message_id text parse_mode entities link_preview_options reply_markup",
    "editMessageReplyMarkup": "chat_id message_id reply_markup",
    "deleteMessage": "chat_id message_id",
    "deleteMessages": "chat_id message_ids",
    "answerCallbackQuery": "callback_query_id text show_alert cache_time",
    "getChat": "chat_id",
    "getChatAdministrators": "chat_id",
    "getChatMember": "chat_id user_id",
    "sendChatAction": "chat_id message_thread_id action",
    "leaveChat": "chat_id",
}


def actions(api: Talk, profile: Profile) -> dict[str, Action]:
    """Returns what carries out each method but getUpdates, which waits."""
    return {
        "getMe": partial(about.get_me, api),
        "deleteWebhook": partial(_delete_webhook, api),
        "getWebhookInfo": partial(about.webhook_info, api),
        "setMyCommands": partial(about.set_my_commands, api, profile=profile),
        "getMyCommands": partial(about.get_my_commands, api, profile=profile),
        "deleteMyCommands": partial(about.delete_my_commands, api, profile=profile),
        "setMyName": partial(about.set_text, api, profile=profile, what="name"),
        "getMyName": partial(about.get_text, api, profile=profile, what="name"),
        "setMyDescription": partial(about.set_text, api, profile=profile, what="description"),
        "getMyDescription": partial(about.get_text, api, profile=profile, what="description"),
        "setMyShortDescription": partial(about.set_text, api, profile=profile, what="short_description"),
        "getMyShortDescription": partial(about.get_text, api, profile=profile, what="short_description"),
        "sendMessage": partial(sending.send_message, api),
        "editMessageText": partial(sending.edit_message_text, api),
        "editMessageReplyMarkup": partial(sending.edit_message_reply_markup, api),
        "deleteMessage": partial(sending.delete_message, api),
        "deleteMessages": partial(sending.delete_messages, api),
        "answerCallbackQuery": partial(about.answer_callback_query, api),
        "getChat": partial(about.get_chat, api),
        "getChatAdministrators": partial(about.get_chat_administrators, api),
        "getChatMember": partial(about.get_chat_member, api),
        "sendChatAction": partial(about.send_chat_action, api),
        "leaveChat": partial(about.leave_chat, api),
    }


def unmodelled(method: str, params: Json) -> str | None:
    """Returns in words what of a valid call the server cannot carry out."""
    if method not in PARAMETERS:
        return f"{method}: valid but not modelled"
    extra = sorted(params.keys() - set(PARAMETERS[method].split()))
    return f"{method}: valid but not modelled: {', '.join(extra)}" if extra else None


def _delete_webhook(api: Talk, params: Json) -> bool:
    if params.get("drop_pending_updates"):
        api.queue.waiting.clear()
    api.webhook = ""
    return True
