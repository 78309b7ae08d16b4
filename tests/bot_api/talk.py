"""What people do: write, edit, forward, click; and which of it the bot gets to see."""

from __future__ import annotations

from typing import Any

from .chats import ANONYMOUS, CHANNEL_BOT, Chat, public
from .faults import Json
from .media import payload
from .people import People, Where, Who
from .text import detect, part

SERVICE = (
    "new_chat_members left_chat_member new_chat_title migrate_to_chat_id migrate_from_chat_id pinned_message "
    "forum_topic_created forum_topic_closed forum_topic_reopened group_chat_created supergroup_chat_created"
)


class Talk(People):
    """Makes updates of what people do."""

    def say(
        self,
        user: Who,
        text: str,
        chat: Where | None = None,
        thread: int | None = None,
        reply_to: Json | None = None,
        entities: list[Json] | None = None,
        **more: Any,
    ) -> Json:
        """Writes a text (to the private chat, or to `chat`) and returns the message; `_update_id` tells if it was queued."""
        found = detect(text) if entities is None else entities
        content = {"text": text} | ({"entities": found} if found else {}) | more
        return self._write(user, chat, thread, reply_to, content)

    def say_anonymously(
        self, group: Where, text: str, thread: int | None = None, reply_to: Json | None = None, **more: Any
    ) -> Json:
        """Writes to a group as one of its anonymous administrators."""
        chat = self._chat(group)
        entities = detect(text)
        content = {"text": text} | ({"entities": entities} if entities else {}) | more
        sender = {"from": ANONYMOUS, "sender_chat": chat.brief()}
        return self._arrive(chat, self.keep(chat, self.compose(chat, sender, thread, reply_to, **content)))

    def say_as_channel(self, channel: Where, text: str, group: Where) -> Json:
        """Writes to a group in the name of a channel."""
        chat, entities = self._chat(group), detect(text)
        content = {"text": text} | ({"entities": entities} if entities else {})
        sender = {"from": CHANNEL_BOT, "sender_chat": self._chat(channel).brief()}
        return self._arrive(chat, self.keep(chat, self.compose(chat, sender, None, None, **content)))

    def post(self, channel: Where, text: str, **more: Any) -> Json:
        """Posts to a channel as the channel."""
        chat = self._chat(channel)
        entities = detect(text)
        content = {"text": text} | ({"entities": entities} if entities else {}) | more
        return self._arrive(chat, self.keep(chat, self.compose(chat, {"sender_chat": chat.brief()}, None, None, **content)))

    def send_media(
        self,
        user: Who,
        kind: str,
        chat: Where | None = None,
        caption: str | None = None,
        thread: int | None = None,
        reply_to: Json | None = None,
        **more: Any,
    ) -> Json:
        """Sends content of one of the kinds that `media` has."""
        content: Json = {kind: payload(kind)} | more
        if caption is not None:
            found = detect(caption)
            content |= {"caption": caption} | ({"caption_entities": found} if found else {})
        return self._write(user, chat, thread, reply_to, content)

    def forward(self, user: Who, text: str, chat: Where | None = None, origin: Json | None = None) -> Json:
        """Forwards a text; without `origin` it is that of a hidden user."""
        hidden = {"type": "hidden_user", "sender_user_name": "Somebody"}
        return self.say(user, text, chat, forward_origin={"date": int(self.now()) - 60} | (origin or hidden))

    def edit(self, message: Json, text: str) -> Json:
        """Changes the text of somebody's message."""
        message.pop("entities", None)
        entities = detect(text)
        message |= {"text": text, "edit_date": int(self.now())} | ({"entities": entities} if entities else {})
        return self._arrive(self._chat(message["chat"]["id"]), message, edited=True)

    def click(self, user: Who, message: Json, data_or_index: str | int, forge: bool = False) -> str:
        """Taps a button, given by its data or its place among all buttons, and returns the id of the query.

        Raises LookupError when there is no such button, unless `forge` sends the data nevertheless.
        """
        keyboard = message.get("reply_markup", {}).get("inline_keyboard", [])
        buttons = [button for row in keyboard for button in row]
        if isinstance(data_or_index, int):
            data = buttons[data_or_index]["callback_data"]
        else:
            data = data_or_index
            if not forge and data not in [button.get("callback_data") for button in buttons]:
                raise LookupError(f"no button {data!r} among {[button.get('callback_data') for button in buttons]}")
        chat = self._chat(message["chat"]["id"])
        gone = {"chat": chat.brief(), "message_id": message["message_id"], "date": 0}
        query_id = str(self.random.randrange(10**17, 10**18))
        query = {"id": query_id, "from": self._user(user).brief(), "chat_instance": str(self.random.randrange(10**18))}
        query |= {"message": gone if message.get("_deleted") else public(message), "data": data}
        self.queries[query_id] = self.now()
        self._queue("callback_query", query)
        return query_id

    def click_twice(self, user: Who, message: Json, data_or_index: str | int) -> list[str]:
        """Taps once on a phone that loses the net: two updates with ids of their own."""
        return [self.click(user, message, data_or_index) for _ in range(2)]

    def raw_update(self, update: Json) -> int:
        """Queues anything, unchecked and whatever the bot allowed; returns its update_id."""
        kind = next((key for key in update if key != "update_id"), "")
        return self.queue.push(update, kind)

    def _write(self, user: Who, where: Where | None, thread: int | None, reply_to: Json | None, content: Json) -> Json:
        author = self._user(user)
        chat = self._chat(author.id if where is None else where)
        if chat.kind == "private" and chat.status == "blocked":
            # Whoever blocked the bot can write only after unblocking it.
            self.set_status(chat, "member")
        message = self.compose(chat, {"from": author.brief()}, thread, reply_to, **content)
        return self._arrive(chat, self.keep(chat, message))

    def _arrive(self, chat: Chat, message: Json, edited: bool = False) -> Json:
        """Queues a message if the bot gets to see it, and returns it."""
        message.pop("_update_id", None)
        if self._sees(chat, message):
            kind = ("edited_" if edited else "") + ("channel_post" if chat.kind == "channel" else "message")
            if (update_id := self._queue(kind, public(message))) is not None:
                message["_update_id"] = update_id
        return message

    def _sees(self, chat: Chat, message: Json) -> bool:
        if chat.kind == "private":
            return True
        if chat.status in ("left", "kicked", "deleted", "unknown"):
            return False
        if chat.kind == "channel":
            return chat.status == "administrator"
        if chat.status == "administrator" or self.can_read_all_group_messages or any(key in message for key in SERVICE.split()):
            return True
        replied = message.get("reply_to_message", {})
        return replied.get("from", {}).get("id") == self.me.id or self._addressed(message)

    def _addressed(self, message: Json) -> bool:
        text = message.get("text") or message.get("caption") or ""
        handle = f"@{self.me.username}".lower()
        for entity in message.get("entities") or message.get("caption_entities") or []:
            piece = part(text, entity).lower()
            if entity["type"] == "bot_command" and entity["offset"] == 0:
                return "@" not in piece or piece.endswith(handle)
            names_me = piece == handle or entity.get("user", {}).get("id") == self.me.id
            if entity["type"] in ("mention", "text_mention") and names_me and self.mentions_arrive:
                return True
        return False
