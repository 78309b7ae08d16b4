"""After many conversations, failing ones too, no byte on disk and no line of the log tells who asked what."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import chaos
from tests.bot_api.faults import ApiError, Fault
from tests.scan import Canary, scan

PEOPLE = 20
FIRST_ID = 7_099_887_766_000
WORDS = ("quixotrel", "vambrusta", "zelkandor", "morvinghast", "telpardine")


@pytest.mark.promises
async def test_conversations_leave_no_trace_of_a_person(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with chaos.RemoteBotApi() as api:
        await api.add_fault(
            Fault("sendMessage", error=ApiError(403, "Forbidden: bot was blocked by the user"), chance=0.05, times=None),
            Fault("sendMessage", after="reset", chance=0.05, times=None),
            Fault("sendMessage", after="garbage", chance=0.05, times=None),
            Fault("sendMessage", error=ApiError(400, "Bad Request: BUTTON_DATA_INVALID"), chance=0.05, times=None),
            Fault("getUpdates", before="502", chance=0.05, times=None),
        )
        await api.call("group", id=-FIRST_ID, title="Depot Vambrusta", members=[])
        async with chaos.bot(api.url, state, RUECKSPIEGEL_LOG="debug") as process:
            for number in range(PEOPLE):
                name = WORDS[number % len(WORDS)]
                id = FIRST_ID + number
                await api.call("user", id=id, name=name.title(), language_code="en", username=f"{name}_{number}")
                await api.say(id, f"what can the van camera record about {name} the driver?")
                await api.say(id, "/mydata")
                await api.call("send_media", user=id, kind="location")
                if number < 10:
                    await api.say(id, f"/ask {name}", chat=-FIRST_ID)
            await api.call("raw_update", update={"message": {"message_id": 5, "date": "never", "chat": WORDS[0]}})
            await api.wait_drained(120)
            process.terminate()
            assert await process.wait() == 0
    canaries = [Canary(f"id-{number}", FIRST_ID + number) for number in range(PEOPLE)]
    canaries += [Canary(f"group-{word}", word) for word in WORDS] + [Canary("group", -FIRST_ID), Canary("token", "123456:TEST")]
    assert (tmp_path / "log").stat().st_size > 10_000
    assert scan([state, tmp_path / "log", tmp_path / "state.key"], canaries) == []
    (state / "planted").write_text(WORDS[2], encoding="utf-8")
    assert len(scan([state], canaries)) > 0
