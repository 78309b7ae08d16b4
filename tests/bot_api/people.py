"""Who is there: users, groups, channels, topics, how the bot stands with them, and migration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .chats import ANONYMOUS, Chat, Topic, User
from .faults import ApiError, Json, bad, status_error, status_name
from .state import State

ADMIN_RIGHTS: Json = {
    "can_be_edited": False,
    "is_anonymous": False,
    "can_manage_chat": True,
    "can_delete_messages": True,
    "can_manage_video_chats": False,
    "can_restrict_members": False,
    "can_promote_members": False,
    "can_change_info": False,
    "can_invite_users": True,
    "can_post_stories": False,
    "can_edit_stories": False,
    "can_delete_stories": False,
    "can_send_welcome_messages": False,
}
CHANNEL_RIGHTS: Json = {"can_post_messages": True, "can_edit_messages": True}
RESTRICTIONS = (
    "can_send_messages can_send_audios can_send_documents can_send_photos can_send_videos can_send_video_notes "
    "can_send_voice_notes can_send_polls can_send_other_messages can_add_web_page_previews can_react_to_messages "
    "can_edit_tag can_change_info can_invite_users can_pin_messages can_manage_topics"
)
MEMBERSHIPS = {
    "member": "member",
    "administrator": "administrator",
    "needs_admin": "member",
    "restricted": "restricted",
    "no_write": "restricted",
    "left": "left",
    "kicked": "kicked",
    "blocked": "kicked",
    "deleted": "left",
}
Where = Chat | User | int
Who = User | int


class People(State):
    """Makes people and chats, and changes them."""

    def user(self, id: int, name: str = "Ana", language_code: str | None = None, username: str | None = None) -> User:
        """Makes (or changes) a user who has started the bot, and their private chat."""
        user = User(id, name, language_code, username)
        self.users[id] = user
        if id in self.chats:
            self.chats[id].title, self.chats[id].username = name, username
        else:
            self.chats[id] = Chat(id, "private", name, username, members=[id])
        return user

    def group(
        self,
        id: int,
        title: str,
        members: Iterable[Who] = (),
        admins: Iterable[Who] = (),
        forum: bool = False,
        supergroup: bool = True,
        bot: str = "member",
    ) -> Chat:
        """Makes a group with the bot in it (`bot`: its status); the first of admins owns it."""
        chat = Chat(id, "supergroup" if supergroup else "group", title, is_forum=forum)
        if forum:
            chat.topics[1] = Topic(1, "General")
        return self._settle(chat, members, admins, bot)

    def channel(
        self,
        id: int,
        title: str,
        admins: Iterable[Who] = (),
        username: str | None = None,
        bot: str = "administrator",
    ) -> Chat:
        """Makes a channel (`bot`: the status of the bot, which posts as administrator only)."""
        return self._settle(Chat(id, "channel", title, username), (), admins, bot)

    def _settle(self, chat: Chat, members: Iterable[Who], admins: Iterable[Who], bot: str) -> Chat:
        chat.admins = [self._user(one).id for one in admins if self._user(one).id != self.me.id]
        ids = [*chat.admins, *(self._user(one).id for one in members)]
        chat.members = list(dict.fromkeys(ids))
        chat.status = "administrator" if self.me.id in [getattr(one, "id", one) for one in admins] else bot
        self.chats[chat.id] = chat
        return chat

    def topic(self, group: Where, id: int, name: str = "Topic", closed: bool = False) -> Topic:
        """Makes a topic of a forum, or closes and reopens one; no update comes of it."""
        chat = self._chat(group)
        if not chat.is_forum:
            raise ValueError("only forums have topics")
        topic = chat.topics.setdefault(id, Topic(id, name))
        topic.name, topic.closed = name, closed
        if id != 1 and topic.opening is None:
            opening: Json = {"date": int(self.now()), "chat": chat.brief(), "from": ANONYMOUS, "sender_chat": chat.brief()}
            opening |= {"message_thread_id": id, "is_topic_message": True}
            opening["forum_topic_created"] = {"name": name, "icon_color": 7322096}
            topic.opening = self.keep(chat, opening, id)
        return topic

    def set_status(self, where: Where, status: str, by: Who | None = None) -> None:
        """Changes how the bot stands with a chat or user, and queues my_chat_member where Telegram tells.

        Statuses: member (also active, unblocked), administrator, blocked, deactivated, kicked, left, deleted,
        unknown, restricted, no_write, needs_admin; or the error text that sends shall get.
        """
        chat = self._chat(where)
        name = {"active": "member", "unblocked": "member"}.get(status, status_name(status))
        if name not in MEMBERSHIPS and status_error(name, chat.kind) is None:
            raise ValueError(f"unknown status {status!r}")
        old, chat.status = chat.status, name
        before, after = MEMBERSHIPS.get(old), MEMBERSHIPS.get(name)
        if before is None or after is None or before == after:
            return
        actor = self._user(by).brief() if by is not None else self._actor(chat)
        pair = {"old_chat_member": self.membership(self.me, before, chat)}
        pair["new_chat_member"] = self.membership(self.me, after, chat)
        change = {"chat": chat.brief(), "from": actor, "date": int(self.now())} | pair
        self._queue("my_chat_member", change)
        if chat.is_group and before in ("left", "kicked") and after in ("member", "administrator"):
            joined = self.compose(chat, {"from": actor}, None, None, new_chat_members=[self.me.brief()])
            self._arrive(chat, self.keep(chat, joined))

    def membership(self, user: User, status: str, chat: Chat) -> Json:
        """Returns the ChatMember object of a user with this status."""
        member: Json = {"user": user.brief(), "status": status}
        if status == "creator":
            return member | {"is_anonymous": False}
        if status == "administrator":
            return member | ADMIN_RIGHTS | (CHANNEL_RIGHTS if chat.kind == "channel" else {})
        if status == "restricted":
            return member | dict.fromkeys(RESTRICTIONS.split(), False) | {"is_member": True, "until_date": 0}
        return member | ({"until_date": 0} if status == "kicked" else {})

    def migrate(self, group: Where) -> Chat:
        """Upgrades a basic group: two service messages, and a new chat, which is returned."""
        old = self._chat(group)
        if old.kind != "group":
            raise ValueError("only basic groups are upgraded")
        new = Chat(-(10**12) - abs(old.id), "supergroup", old.title, status=old.status)
        new.members, new.admins = list(old.members), list(old.admins)
        self.chats[new.id], old.migrated_to = new, new.id
        for chat, told in ((old, {"migrate_to_chat_id": new.id}), (new, {"migrate_from_chat_id": old.id})):
            sender = {"from": ANONYMOUS, "sender_chat": chat.brief()}
            self._arrive(chat, self.keep(chat, self.compose(chat, sender, None, None, **told)))
        return new

    def open_chat(self, chat_id: Any) -> Chat:
        """Returns a chat the bot may reach by id or @username; raises ApiError."""
        if isinstance(chat_id, str):
            named = (one.id for one in self.chats.values() if one.kind != "private" and f"@{one.username}" == chat_id)
            chat_id = next(named, 0)
        chat = self.chats.get(chat_id)
        if chat is None:
            raise bad("chat not found")
        if chat.migrated_to is not None:
            text = "Bad Request: group chat was upgraded to a supergroup chat"
            raise ApiError(400, text, migrate_to_chat_id=chat.migrated_to)
        if chat.status in ("kicked", "left", "deleted", "unknown") and (error := status_error(chat.status, chat.kind)):
            raise error
        return chat

    def writable_chat(self, chat_id: Any) -> Chat:
        """Returns a chat the bot may write to; raises ApiError."""
        chat = self.open_chat(chat_id)
        status = "needs_admin" if chat.kind == "channel" and chat.status == "member" else chat.status
        if error := status_error(status, chat.kind):
            raise error
        return chat

    def _actor(self, chat: Chat) -> Json:
        known = [*chat.admins, *chat.members]
        return self.users[known[0]].brief() if known else ANONYMOUS

    def _user(self, who: Who) -> User:
        user_id = who if isinstance(who, int) else who.id
        return self.me if user_id == self.me.id else self.users[user_id]

    def _chat(self, where: Where) -> Chat:
        return self.chats[where if isinstance(where, int) else where.id]

    def _queue(self, kind: str, body: Json) -> int | None:
        """Queues an update if the bot wants its kind, and returns its id."""
        if not self.queue.wants(kind):
            return None
        self.schema.check("getUpdates", [{"update_id": 1, kind: body}])
        return self.queue.push({kind: body}, kind)

    def _arrive(self, chat: Chat, message: Json, edited: bool = False) -> Json:
        raise NotImplementedError
