"""sendMessage, the edits and the deletes."""

from __future__ import annotations

import time
from typing import Any

from .chats import Chat, Topic, public
from .faults import NOT_MODIFIED, ApiError, Json, bad
from .people import People
from .text import MAX_CHARACTERS, MAX_RAW_BYTES, entity_problems, has_link, trim

TWO_DAYS = 48 * 3600
MAX_BUTTONS, MAX_DATA = 100, 64


def refuse(state: People, where: str, description: str) -> ApiError:
    """Records as a violation what no right bot sends, and returns its 400."""
    state.violations.append(f"{where}: {description}")
    return bad(description)


def content(state: People, where: str, params: Json) -> Json:
    """Returns text and entities as Telegram would keep them; raises ApiError."""
    text, entities = params.get("text") or "", params.get("entities") or []
    if params.get("parse_mode"):
        raise refuse(state, where, "parse_mode is not modelled: send text and entities")
    if not text:
        raise refuse(state, where, "message text is empty")
    if len(text.encode()) > MAX_RAW_BYTES:
        raise refuse(state, where, "text is too long")
    if problems := entity_problems(text, entities):
        raise refuse(state, where, "; ".join(problems))
    text, entities = trim(text, entities)
    if not text:
        raise refuse(state, where, "text must be non-empty")
    if len(text) > MAX_CHARACTERS:
        raise refuse(state, where, "message is too long")
    return {"text": text} | ({"entities": entities} if entities else {})


def keyboard(state: People, where: str, params: Json) -> Json:
    """Returns the inline keyboard to keep with a message, if any; raises ApiError."""
    rows = (params.get("reply_markup") or {}).get("inline_keyboard") or []
    buttons = [button for row in rows for button in row]
    if len(buttons) > MAX_BUTTONS:
        raise refuse(state, where, "reply markup is too long")
    for button in buttons:
        if not set(button) - {"text", "style", "icon_custom_emoji_id"}:
            raise refuse(state, where, "Text buttons are unallowed in the inline keyboard")
        data = button.get("callback_data")
        if data is not None and not 1 <= len(data.encode()) <= MAX_DATA:
            raise refuse(state, where, "BUTTON_DATA_INVALID")
    return {"reply_markup": {"inline_keyboard": rows}} if buttons else {}


def note_preview(state: People, message: Json, params: Json) -> None:
    """Records a text with a link whose preview was left on."""
    options = params.get("link_preview_options") or {}
    if not options.get("is_disabled") and has_link(message["text"], message.get("entities", [])):
        told = {"chat_id": message["chat"]["id"], "message_id": message["message_id"], "text": message["text"]}
        state.previews.append(told)


def thread_of(state: People, chat: Chat, asked: int | None, reply_to: Json | None) -> int | None:
    """Returns the topic a message goes to; raises ApiError for one that is not there or closed."""
    if asked is not None and (not chat.is_forum or asked == 1 or asked not in chat.topics):
        raise bad("message thread not found")
    if not chat.is_forum:
        return None
    inherited = (reply_to or {}).get("message_thread_id")
    thread = asked if asked is not None else inherited
    if chat.topics.get(thread or 1, Topic(1, "General")).closed:
        raise bad("TOPIC_CLOSED")
    return thread


def replied(state: People, chat: Chat, params: Json) -> Json | None:
    """Returns the message a send replies to; raises ApiError."""
    wanted: Json = params.get("reply_parameters") or {}
    if not wanted:
        return None
    if wanted.get("chat_id", chat.id) != chat.id:
        raise refuse(state, "reply_parameters", "replies to other chats are not modelled")
    message = chat.messages.get(wanted.get("message_id", 0))
    if message is None:
        if wanted.get("allow_sending_without_reply"):
            return None
        raise bad("message to be replied not found")
    if wanted.get("quote", "") not in (message.get("text") or message.get("caption") or ""):
        raise refuse(state, "reply_parameters", "QUOTE_TEXT_INVALID")
    return message


def send_message(state: People, params: Json) -> Json:
    """sendMessage."""
    chat = state.writable_chat(params["chat_id"])
    kept = content(state, "sendMessage", params) | keyboard(state, "sendMessage", params)
    reply_to = replied(state, chat, params)
    thread = thread_of(state, chat, params.get("message_thread_id"), reply_to)
    sender = {"sender_chat": chat.brief()} if chat.kind == "channel" else {"from": state.me.brief()}
    if params.get("protect_content"):
        kept["has_protected_content"] = True
    message = state.keep(chat, state.compose(chat, sender, thread, reply_to, **kept))
    message["_mine"], message["_silent"] = True, bool(params.get("disable_notification"))
    state.sent.append(message)
    note_preview(state, message, params)
    return public(message)


def editable(state: People, params: Json) -> Json:
    """Returns the message an edit means; raises ApiError."""
    chat = state.writable_chat(params.get("chat_id"))
    message = chat.messages.get(params.get("message_id", 0))
    if message is None:
        raise bad("message to edit not found")
    if not message.get("_mine"):
        raise bad("message can't be edited")
    return message


def apply_edit(state: People, message: Json, new: Json) -> Json:
    """Replaces text, entities and keyboard; raises ApiError when nothing changes."""
    keys = ("text", "entities", "reply_markup")
    if {key: message[key] for key in keys if key in message} == new:
        raise bad(NOT_MODIFIED)
    for key in keys:
        message.pop(key, None)
    message |= new | {"edit_date": int(state.now())}
    state.edits.append(public(message) | {"_at": time.monotonic()})
    return public(message)


def edit_message_text(state: People, params: Json) -> Json:
    """editMessageText."""
    message = editable(state, params)
    new = content(state, "editMessageText", params) | keyboard(state, "editMessageText", params)
    answer = apply_edit(state, message, new)
    note_preview(state, message, params)
    return answer


def edit_message_reply_markup(state: People, params: Json) -> Json:
    """editMessageReplyMarkup."""
    message = editable(state, params)
    kept = {key: message[key] for key in ("text", "entities") if key in message}
    return apply_edit(state, message, kept | keyboard(state, "editMessageReplyMarkup", params))


def _delete(state: People, chat: Chat, message_id: Any) -> None:
    message = chat.messages[message_id]
    foreign = not message.get("_mine") and chat.kind != "private"
    old = state.now() - message["date"] > TWO_DAYS
    if chat.status != "administrator" and (foreign or old):
        raise bad("message can't be deleted")
    message["_deleted"] = True
    del chat.messages[message_id]


def delete_message(state: People, params: Json) -> bool:
    """deleteMessage."""
    chat = state.open_chat(params["chat_id"])
    if params["message_id"] not in chat.messages:
        raise bad("message to delete not found")
    _delete(state, chat, params["message_id"])
    return True


def delete_messages(state: People, params: Json) -> bool:
    """deleteMessages: ids that are not there are passed over."""
    chat = state.open_chat(params["chat_id"])
    for message_id in params["message_ids"]:
        if message_id in chat.messages:
            _delete(state, chat, message_id)
    return True
