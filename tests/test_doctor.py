"""`doctor`: each thing that can be wrong is a line of its own, with what to do; the others are looked at all the same."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.commands.doctor import doctor
from bot.commands.signs import Sign
from bot.digests import Schedule, Subscription
from bot.keys import load_keys
from bot.messages import parse_address
from bot.store import open_store, subscriptions
from tests.bot_api import BotApi
from tests.conftest import NOW
from tests.postgres import Postgres

CHANNEL, GONE = -1001000, -1002000


class Doctor:
    """The command on settings of its own; `signs` are its lines by what they are about."""

    def __init__(self, url: str, state: Path) -> None:
        state.mkdir()
        self.state, self.status = state, -1
        self.settings = {
            "RUECKSPIEGEL_STATE": str(state),
            "RUECKSPIEGEL_CONTACT": "union office",
            "RUECKSPIEGEL_TELEGRAM_TOKEN": "123456:TEST",
            "RUECKSPIEGEL_TELEGRAM_API_URL": url,
        }

    async def says(self, **settings: str) -> dict[str, Sign]:
        def run() -> dict[str, Sign]:
            done = CliRunner().invoke(doctor, ["--json"], env={**self.settings, **settings}, standalone_mode=False)
            assert done.exception is None, done.exception
            self.status = done.return_value
            found = [Sign(**json.loads(line)) for line in done.output.splitlines()]
            assert all(sign.remedy for sign in found if sign.state != "ok")
            return {sign.check: sign for sign in found}

        return await asyncio.to_thread(run)

    async def subscribe(self, *addresses: str, paused: str = "") -> None:
        url = f"sqlite+aiosqlite:///{self.state}/rueckspiegel.db"
        async with open_store(url, load_keys(self.state.with_name("state.key"))) as store:
            for address in addresses:
                one = Subscription("", parse_address(address), Schedule("daily", time(18), "UTC"), "en")
                made = await store.run(lambda t, one=one: subscriptions.subscribe(store, t, one, NOW, ()))
                await store.run(lambda t, one=made: subscriptions.change(t, replace(one, paused=paused), NOW))


@pytest.fixture
async def own(api: BotApi, tmp_path: Path) -> Doctor:
    api.channel(CHANNEL, "Union news", admins=[api.user(5, "Ben")])
    made = Doctor(api.url, tmp_path / "state")
    await made.subscribe(f"telegram:{CHANNEL}")
    return made


async def test_a_bot_that_is_well_has_no_line_that_fails(own: Doctor) -> None:
    found = await own.says(RUECKSPIEGEL_STEWARDS="anna=telegram:1", RUECKSPIEGEL_STEWARD_ROOM=f"telegram:{CHANNEL}")
    assert own.status == 0
    assert {sign.check for sign in found.values() if sign.state != "ok"} == {"running"}
    assert {"RUECKSPIEGEL_STATE", "data folder", "search", "key file", "disk", "clock against telegram", "database"} <= set(
        found
    )
    assert found["telegram"].says == "@test_bot"
    assert found["RUECKSPIEGEL_TELEGRAM_TOKEN"].says == "set"
    assert "123456" not in repr(found)


async def test_a_wrong_token_and_a_missing_contact_fail_and_the_rest_is_looked_at(own: Doctor) -> None:
    found = await own.says(RUECKSPIEGEL_TELEGRAM_TOKEN="123456:OTHER", RUECKSPIEGEL_CONTACT="")
    assert own.status == 1
    assert found["telegram"].state == found["RUECKSPIEGEL_CONTACT"].state == "fail"
    assert "BotFather" in found["telegram"].remedy
    assert found["database"].state == "ok"


async def test_a_bot_that_reads_groups_fails(own: Doctor, api: BotApi) -> None:
    api.can_read_all_group_messages = True
    found = await own.says()
    assert (found["telegram"].state, own.status) == ("fail", 1)
    assert "/setprivacy" in found["telegram"].remedy


async def test_a_platform_that_is_away_fails_and_condemns_no_channel(own: Doctor) -> None:
    found = await own.says(RUECKSPIEGEL_TELEGRAM_API_URL="http://127.0.0.1:9")
    assert (found["telegram"].state, found["clock against telegram"].state, own.status) == ("fail", "warn", 1)
    assert found["channels"].state == "ok"


async def test_a_channel_that_cannot_be_reached_is_named(own: Doctor, api: BotApi) -> None:
    api.channel(GONE, "Old news", admins=[api.user(5, "Ben")])
    await own.subscribe(f"telegram:{GONE}", "telegram:-1009999")
    api.set_status(GONE, "kicked")
    found = await own.says(RUECKSPIEGEL_STEWARD_ROOM="telegram:-1009999")
    assert found["channel"].state == "warn"
    assert found["stewards' room"].state == "fail"


async def test_a_stewards_room_that_got_another_id_is_named(own: Doctor, api: BotApi) -> None:
    api.migrate(api.group(-555, "Stewards", supergroup=False))
    found = await own.says(RUECKSPIEGEL_STEWARD_ROOM="telegram:-555")
    assert (found["stewards' room"].state, own.status) == ("fail", 1)


async def test_every_channel_that_is_gone_has_its_line(own: Doctor) -> None:
    await own.subscribe("telegram:-1009998", "telegram:-1009999")
    output = await asyncio.to_thread(lambda: CliRunner().invoke(doctor, env=own.settings, standalone_mode=False).output)
    lines = [line for line in output.splitlines() if line.startswith("warn channel: ")]
    assert len(lines) == 2
    assert all("channel remove telegram:-100999" in line for line in lines)


async def test_a_clock_that_is_wrong_fails(own: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.commands.reaching.now", lambda: datetime.now(UTC) + timedelta(minutes=5))
    found = await own.says()
    sign = found["clock against telegram"]
    assert (sign.state, own.status) == ("fail", 1)
    assert "time synchronisation" in sign.remedy


async def test_a_data_folder_with_mistakes_names_the_first(own: Doctor, folder: Path) -> None:
    file = folder / "facts" / "ring.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("place: [US]", "place: [XX]", 1), encoding="utf-8")
    found = await own.says(RUECKSPIEGEL_DATA=str(folder))
    assert (found["data folder"].state, own.status) == ("fail", 1)
    assert "facts/ring.yaml:" in found["data folder"].says
    assert found["telegram"].state == "ok"


async def test_a_key_file_that_others_may_read_and_a_wrong_one_fail(own: Doctor) -> None:
    key = own.state.with_name("state.key")
    key.chmod(0o644)
    found = await own.says()
    assert (found["key file"].state, found["key file"].remedy) == ("fail", f"chmod 600 {key}")
    key.unlink()
    found = await own.says()
    assert (found["key file"].state, own.status) == ("fail", 1)
    assert "put back the copy" in found["key file"].remedy
    load_keys(key)
    found = await own.says()
    assert (found["database"].state, own.status) == ("fail", 1)
    assert "put back the key" in found["database"].remedy


async def test_a_damaged_database_fails_and_names_the_backup(own: Doctor) -> None:
    file = own.state / "rueckspiegel.db"
    content = bytearray(file.read_bytes())
    content[4096 * 3 : 4096 * 4] = b"\xa5" * 4096
    file.write_bytes(content)
    found = await own.says()
    assert (found["database"].state, own.status) == ("fail", 1)
    assert "restore" in found["database"].remedy


async def test_little_room_is_a_warning_and_hardly_any_a_failure(own: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, state in ((200 * 2**20, "warn"), (63 * 2**20, "fail")):
        monkeypatch.setattr("bot.commands.signs.free_bytes", lambda _, free=free: free)
        assert (await own.says())["disk"].state == state


async def test_before_the_first_start_nothing_is_made_and_nothing_fails(api: BotApi, tmp_path: Path) -> None:
    fresh = Doctor(api.url, tmp_path / "state")
    fresh.state.rmdir()
    found = await fresh.says()
    assert fresh.status == 0
    assert found["key file"].state == found["database"].state == "warn"
    assert list(tmp_path.iterdir()) == []
    load_keys(tmp_path / "state.key")
    found = await fresh.says()
    assert (found["key file"].state, found["database"].state, fresh.status) == ("ok", "warn", 0)
    assert [one.name for one in tmp_path.iterdir()] == ["state.key"]


async def test_a_language_that_nothing_is_written_in_fails(own: Doctor) -> None:
    found = await own.says(RUECKSPIEGEL_LANGUAGE="xx")
    assert (found["data folder"].state, own.status) == ("fail", 1)
    assert "RUECKSPIEGEL_LANGUAGE" in found["data folder"].says


async def test_a_misspelt_setting_is_the_one_line(own: Doctor) -> None:
    found = await own.says(RUECKSPIEGEL_KONTACT="x")
    assert (list(found), own.status) == (["settings"], 1)
    assert "RUECKSPIEGEL_CONTACT" in found["settings"].remedy


async def test_each_account_of_a_file_has_lines_of_its_own(api: BotApi, tmp_path: Path, postgres_server: Postgres) -> None:
    tokens = {"north": "123456:TEST", "south": "123457:OTHER"}
    told = "".join(f"{name}:\n  telegram_token: {token}\n  contact: {name}\n" for name, token in tokens.items())
    (tmp_path / "accounts.yaml").write_text(told, encoding="utf-8")
    doctor = Doctor(api.url, tmp_path / "state")
    doctor.settings |= {
        "RUECKSPIEGEL_ACCOUNTS": str(tmp_path / "accounts.yaml"),
        "RUECKSPIEGEL_DATABASE": postgres_server.database(),
        "RUECKSPIEGEL_CONTACT": "",
        "RUECKSPIEGEL_TELEGRAM_TOKEN": "",
    }
    load_keys(tmp_path / "state.key")
    found = await doctor.says()
    assert (found["north: telegram"].state, found["south: telegram"].state, doctor.status) == ("ok", "fail", 1)
    assert found["north: RUECKSPIEGEL_CONTACT"].says == "north"
    assert found["north: channels"].state == found["database"].state == "ok"
    assert "RUECKSPIEGEL_CONTACT" not in found
