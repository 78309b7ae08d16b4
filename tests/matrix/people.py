"""People: they open rooms, write, read, edit, invite and throw out, each with a real client."""
# ruff: noqa: ASYNC109 - the error of a wait says what did not come

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nio

from tests.matrix import calls
from tests.matrix.client import Client, expect
from tests.matrix.content import ENCRYPTION, Seen, message, power_levels
from tests.matrix.homeserver import Homeserver


class Person:
    """Somebody with one device. Whatever a homeserver refuses is raised as MatrixError."""

    def __init__(self, client: Client, url: str, password: str) -> None:
        self.client, self.url, self.password = client, url, password
        self.user_id, self.device_id = str(client.nio.user_id), str(client.nio.device_id)

    @classmethod
    async def join(cls, hs: Homeserver, name: str, folder: Path, encrypted: bool = True, url: str | None = None) -> Person:
        """A new account, shown as `name`, with a client that syncs. `url`: a proxy's, instead of the homeserver's."""
        user_id, password = await hs.new_user(name)
        return await cls.log_in(url or hs.url, user_id, password, folder, encrypted)

    @classmethod
    async def log_in(
        cls, url: str, user_id: str, password: str, folder: Path, encrypted: bool = True, device_id: str | None = None
    ) -> Person:
        """One more device of an account that exists; unencrypted, one that knows nothing of encryption."""
        client = Client(url, user_id, device_id, folder, encrypted)
        try:
            await client.open(password)
        except BaseException:
            await client.close()
            raise
        return cls(client, url, password)

    @property
    def token(self) -> str:
        """For `hs.request` in this person's name."""
        return str(self.client.nio.access_token)

    async def close(self) -> None:
        """Stop syncing; the account stays."""
        await self.client.close()

    async def sync_once(self) -> None:
        """Take everything that the homeserver has now."""
        await self.client.sync_once()

    # Rooms

    async def direct(self, user_id: str, encrypted: bool = True) -> str:
        """A direct chat, as an app opens it; the other is invited."""
        return await self.room(None, [user_id], encrypted, direct=True)

    async def room(
        self,
        name: str | None,
        invite: Sequence[str] = (),
        encrypted: bool = True,
        power: dict[str, Any] | None = None,
        history: str | None = None,
        direct: bool = False,
        version: str | None = None,
    ) -> str:
        """`power`: {user id: level}, and other keys of m.room.power_levels; `history`: shared, invited or joined."""
        if power is not None and version is not None and int(version) < 12:
            power = {self.user_id: 100, **power}  # later versions refuse a creator's level, earlier ones need it
        state: list[dict[str, Any]] = [ENCRYPTION] if encrypted else []
        if history is not None:
            state.append({"type": "m.room.history_visibility", "state_key": "", "content": {"history_visibility": history}})
        response = await self.client.nio.room_create(
            name=name,
            invite=list(invite),
            initial_state=state,
            is_direct=direct,
            preset=nio.RoomPreset.trusted_private_chat if direct else nio.RoomPreset.private_chat,
            power_level_override=power_levels(power),
            room_version=version,
        )
        return await self._in(expect(response, nio.RoomCreateResponse).room_id)

    async def accept(self, room: str, timeout: float = 60) -> str:
        """Wait for the invitation, and join."""
        await self.client.until(lambda: room in self.client.nio.invited_rooms, "an invitation", timeout)
        return await self.enter(room)

    async def enter(self, room: str) -> str:
        """Join without waiting for an invitation."""
        return await self._in(expect(await self.client.nio.join(room), nio.JoinResponse).room_id)

    async def leave(self, room: str) -> None:
        expect(await self.client.nio.room_leave(room), nio.RoomLeaveResponse)

    async def invite(self, room: str, user_id: str) -> None:
        expect(await self.client.nio.room_invite(room, user_id), nio.RoomInviteResponse)

    async def kick(self, room: str, user_id: str) -> None:
        expect(await self.client.nio.room_kick(room, user_id), nio.RoomKickResponse)

    async def ban(self, room: str, user_id: str) -> None:
        expect(await self.client.nio.room_ban(room, user_id), nio.RoomBanResponse)

    async def set_power(self, room: str, user_id: str, level: int) -> None:
        """Below 0 mutes."""
        path = f"{_of(room)}/state/m.room.power_levels/"
        levels = await self.call("GET", path)
        await self.call("PUT", path, {**levels, "users": {**levels.get("users", {}), user_id: level}})

    async def upgrade(self, room: str, version: str = "12") -> str:
        """The room that replaces it; nobody is invited to it."""
        answer = await self.call("POST", f"{_of(room)}/upgrade", {"new_version": version})
        return await self._in(answer["replacement_room"])

    async def members(self, room: str) -> set[str]:
        """Who is in the room, according to the homeserver."""
        return set((await self.call("GET", f"{_of(room)}/joined_members"))["joined"])

    async def wait_member(self, room: str, user_id: str, joined: bool = True, timeout: float = 60) -> None:
        """Until this client has seen somebody come, or go."""
        rooms = self.client.nio.rooms
        await self.client.until(
            lambda: (room in rooms and user_id in rooms[room].users and user_id not in rooms[room].invited_users) is joined,
            f"{user_id} {'in' if joined else 'out of'} the room",
            timeout,
        )

    # Messages

    async def say(
        self,
        room: str,
        text: str,
        mentions: Sequence[str] | None = None,
        reply_to: str | None = None,
        thread: str | None = None,
        html: str | None = None,
        msgtype: str = "m.text",
        edits: str | None = None,
        **content: Any,
    ) -> str:
        """The event id. `thread`: the first event of the thread; `content`: more keys, or others."""
        written = message(text, msgtype=msgtype, html=html, mentions=mentions, reply_to=reply_to, thread=thread, edits=edits)
        return await self.client.send(room, "m.room.message", {**written, **content})

    async def react(self, room: str, event_id: str, key: str) -> str:
        """A reaction; never encrypted."""
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": key}
        return await self.client.send(room, "m.reaction", {"m.relates_to": relation})

    async def redact(self, room: str, event_id: str) -> str:
        return str(expect(await self.client.nio.room_redact(room, event_id), nio.RoomRedactResponse).event_id)

    def seen(self, room: str, sender: str | None = None) -> list[Seen]:
        """What others have written there, edits included, in the order in which it could be read."""
        others = [seen for seen in self.client.seen[room].values() if seen.sender != self.user_id]
        return [seen for seen in others if sender in (None, seen.sender)]

    def redacted(self, room: str) -> set[str]:
        """The events there that were taken back."""
        return self.client.redacted[room]

    def unreadable(self, room: str) -> list[str]:
        """The events there whose keys have not come."""
        return list(self.client.unreadable[room])

    async def wait_message(self, room: str, n: int = 1, timeout: float = 60, sender: str | None = None) -> list[Seen]:
        """All that others have written there, as soon as there are `n`."""
        await self.client.until(lambda: len(self.seen(room, sender)) >= n, f"{n} messages", timeout)
        return self.seen(room, sender)

    async def wait_redacted(self, room: str, event_id: str, timeout: float = 60) -> None:
        await self.client.until(lambda: event_id in self.redacted(room), "a redaction", timeout)

    async def call(self, method: str, path: str, json: Any = None) -> Any:
        """The body of a call of the client API with this person's token; `path` follows /_matrix/client/v3."""
        answer = await calls.call(self.url, method, f"/_matrix/client/v3{path}", self.token, json)
        return calls.expect(answer)

    async def _in(self, room: str) -> str:
        await self.client.until(lambda: room in self.client.nio.rooms, "the new room", 60)
        return room


def _of(room: str) -> str:
    return f"/rooms/{quote(room)}"
