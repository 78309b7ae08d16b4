"""An update to what it asks of us. Pure; nothing that it holds is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass

from telegram import Chat, ChatMemberUpdated, Update
from telegram import Message as TelegramMessage

from bot.messages import Address, Message, Opens
from bot.router import command_of
from bot.transports.telegram.callbacks import hanging, offered, tapped

_ATTACHMENTS = (
    "photo", "voice", "audio", "video", "video_note", "animation", "sticker", "document", "location", "venue", "contact",
    "poll", "dice", "game", "story", "paid_media", "checklist", "giveaway", "giveaway_winners", "invoice", "gift",
    "unique_gift", "live_photo", "successful_payment", "refunded_payment", "passport_data", "users_shared", "chat_shared",
    "web_app_data",
)  # fmt: skip
"""What somebody sends instead of a text. All else in a message without one tells what happened, and asks for nothing."""
_SIGN = "/"
_SPOKEN = {"audio": "voice", "video_note": "video", "animation": "video", "live_photo": "photo", "venue": "location"}
_INSIDE = ("member", "administrator", "creator", "restricted")


@dataclass(frozen=True, slots=True)
class Me:
    """The bot's own account, and the commands that it answers to."""

    id: int
    name: str
    commands: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who speaks, as far as roles need it: in a channel and for an anonymous admin it is the chat itself."""

    user: int | None
    as_chat: int | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message for us. `tap` is the query to answer, `on` the message whose button was tapped, `edits` the one edited.

    `edited`: when the tapped message was changed last, in seconds since 1970.
    """

    message: Message
    sender: Sender
    kind: str
    tap: str | None = None
    on: str | None = None
    opens: Opens = Opens.NEW
    edits: str | None = None
    edited: float | None = None


@dataclass(frozen=True, slots=True)
class OldButton:
    """What was tapped is none of our buttons there: of another version, of a message that is gone, or made up."""

    query: str
    chat: str
    language: str | None


@dataclass(frozen=True, slots=True)
class Migrated:
    """A group got a new id."""

    old: Address
    new: Address


@dataclass(frozen=True, slots=True)
class Standing:
    """Our standing in a chat changed: whether we are in it, and whether a group made us administrator just now."""

    address: Address
    inside: bool
    made_admin: bool


Read = Spoken | OldButton | Migrated | Standing | None


def read(update: Update, me: Me) -> Read:
    """What an update asks of us; None where it does not speak to us."""
    if update.callback_query is not None:
        return _tap(update, me)
    if update.my_chat_member is not None:
        return _standing(update.my_chat_member)
    message = update.message or update.edited_message or update.channel_post
    if message is None:
        return None
    if message.migrate_to_chat_id is not None:
        return Migrated(_address(message.chat), Address("telegram", str(message.migrate_to_chat_id)))
    return _spoken(message, me, edited=update.edited_message is not None)


def shared(kind: str) -> bool:
    """Whether a chat of this kind has the limits of groups and channels."""
    return kind != Chat.PRIVATE


def _spoken(message: TelegramMessage, me: Me, *, edited: bool) -> Spoken | None:
    attachment = next((name for name in _ATTACHMENTS if getattr(message, name, None)), None)
    text = message.text or message.caption or ""
    private = message.chat.type == Chat.PRIVATE
    if not text and attachment is None:
        # Service messages ask for nothing; what a newer API brings gets a sentence at least in private.
        if not (private and message.api_kwargs):
            return None
        attachment = "other"
    addressed = text if private else _addressed(text, message, me)
    if addressed is None:
        return None
    answered = message.reply_to_message
    mine = answered is not None and answered.from_user is not None and answered.from_user.id == me.id
    draft = _named_under(answered, "/withdraw") if mine else None
    if draft is not None and command_of(addressed, _SIGN) is None:
        addressed = f"/draft {draft}\n{addressed}"
    sender = Sender(
        message.from_user.id if message.from_user else None, message.sender_chat.id if message.sender_chat else None
    )
    said = Message(
        id=str(message.message_id),
        address=_address(message.chat, message),
        text=addressed,
        language=_language(message.from_user.language_code if message.from_user else None),
        is_private=private,
        about=_named_under(message.reply_to_message, "/source"),
        attachment=_SPOKEN.get(attachment, attachment) if attachment else None,
    )
    return Spoken(said, sender, message.chat.type, edits=str(message.message_id) if edited else None)


def _addressed(text: str, message: TelegramMessage, me: Me) -> str | None:
    """The text without our name, None where it is not for us: no command of ours, no mention, no reply to us."""
    if message.is_automatic_forward:
        return None  # A channel's post, forwarded by itself into the group for comments, asks nothing.
    name = command_of(text, _SIGN)
    if name is not None:
        first = text.split(maxsplit=1)[0]
        called = first.partition("@")[2]
        if called and called.casefold() != me.name.casefold():
            return None
        if called or name in me.commands:
            return text
    mention = re.compile(rf"(?<![\w.])@{re.escape(me.name)}(?!\w|\.\w)", re.IGNORECASE)
    if mention.search(text):
        return mention.sub("", text).strip()
    answered = message.reply_to_message
    return text if answered is not None and answered.from_user is not None and answered.from_user.id == me.id else None


def _tap(update: Update, me: Me) -> Spoken | OldButton | None:
    query = update.callback_query
    assert query is not None
    chat = query.message.chat if query.message else None
    if chat is None:
        return None
    language = _language(query.from_user.language_code)
    on = query.message if isinstance(query.message, TelegramMessage) else None
    # A client may send whatever it likes: only what we offered there counts.
    said = tapped(query.data) if query.data and query.data in offered(on, me.id, query.data) else None
    if on is None or said is None:
        return OldButton(query.id, str(chat.id), language)
    address = _address(chat, on)
    message = Message(
        id=f"tap-{query.id}",
        address=address,
        text=said[0],
        language=language,
        is_private=chat.type == Chat.PRIVATE,
        under=on.text if on.from_user is not None else None,
    )
    return Spoken(
        message,
        Sender(query.from_user.id),
        chat.type,
        query.id,
        str(on.message_id),
        said[1],
        edited=on.edit_date.timestamp() if on.edit_date else None,
    )


def _standing(change: ChatMemberUpdated) -> Standing:
    status = change.new_chat_member.status
    inside = status in _INSIDE and getattr(change.new_chat_member, "is_member", True)
    group = change.chat.type in (Chat.GROUP, Chat.SUPERGROUP)
    made_admin = group and status == "administrator" and change.old_chat_member.status != "administrator"
    return Standing(_address(change.chat), inside, made_admin)


def _address(chat: Chat, message: TelegramMessage | None = None) -> Address:
    # A plain reply chain has a thread id too, but only a topic is a place; the General topic has none.
    topic = message.message_thread_id if message is not None and message.is_topic_message else None
    return Address("telegram", str(chat.id), str(topic) if topic not in (None, 1) else None)


def _language(code: str | None) -> str | None:
    return code[:2].lower() if code else None


def _named_under(message: TelegramMessage | None, command: str) -> str | None:
    """What a message of ours is about: the fact that its button for the source names, the draft that another puts aside."""
    for data in hanging(message):
        said = tapped(data)
        if said is not None and said[0].startswith(f"{command} "):
            return said[0].removeprefix(f"{command} ")
    return None
