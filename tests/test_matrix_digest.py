"""An encrypted room gets the dossier's items, each once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bot.app import App
from tests.conftest import Clock
from tests.live import app_on_matrix, live, with_changed, with_item
from tests.matrix import Homeserver, Person


async def test_an_encrypted_room_gets_new_items_and_their_corrections(
    hs: Homeserver, anna: Person, ben: Person, app: App, tmp_path: Path, clock: Clock
) -> None:
    user, password = await hs.new_user("bot")
    opened = app_on_matrix(app, hs.url, user, password, tmp_path / "state")
    clock.now = datetime.now(UTC).replace(hour=12)
    today = clock.now.date()
    async with live(opened):
        room = await anna.room("Depot 7", invite=[user, ben.user_id])
        await ben.accept(room)
        await anna.wait_member(room, user)
        await ben.say(room, "!digest daily 18:00")
        assert "Only who runs this chat" in (await anna.wait_message(room, 1, sender=user))[0].body
        await anna.say(room, "!digest daily 18:00")
        confirmed = (await anna.wait_message(room, 2, sender=user))[1]
        assert "The newest item" in confirmed.body
        assert f"https://matrix.to/#/{user}" in confirmed.body
        await anna.say(room, "!digest language pl")
        await anna.wait_message(room, 3, sender=user)
        base = with_item(opened, "brand-new")
        fact = replace(base.facts["van-camera-records"], item="brand-new")
        opened.base = replace(base, facts={**base.facts, fact.id: fact})
        clock.now = datetime(today.year, today.month, today.day, 17, 0, 1, tzinfo=UTC)
        posted = (await anna.wait_message(room, 4, sender=user))[3]
        assert "Title of brand-new" in posted.body
        assert f"Zapytaj prywatnie: https://matrix.to/#/{user}" in posted.body
        assert (posted.encrypted, posted.mentions) == (True, [])
        item = opened.base.items["brand-new"]
        opened.base = with_changed(opened, replace(item, summary={"en": "What is said now."}))
        edited = (await anna.wait_message(room, 5, sender=user))[4]
        assert edited.relates_to == {"rel_type": "m.replace", "event_id": posted.event_id}
        assert "What is said now." in edited.body
