"""P1. After conversations on both platforms, failing ones too, nothing that is kept tells who asked or what."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import json
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.keys import load_keys
from tests import chaos
from tests.bot_api.faults import ApiError, Fault
from tests.bot_api.process import RemoteBotApi
from tests.matrix import Homeserver, Person
from tests.matrix_runs import Account, meet, until
from tests.promises.conftest import Evidence
from tests.scan import Canary, Trace, scan, scan_database
from tests.seizure import as_stock, keys_of

FIRST_ID = 7_099_887_766_000
SHARED = "70998877"
"""The digits that all ids have in common: as a canary it finds each of them wherever it stands in digits."""
ROOM, CHANNEL = -(FIRST_ID + 10**9), -(FIRST_ID + 2 * 10**9)
WORDS = ("quixotrel", "vambrusta", "zelkandor", "morvinghast", "telpardine")
TOKEN = "123456:TEST"
SAMPLE = 1_000
PATIENCE = 3_600.0
FAULTS = (
    Fault("sendMessage", error=ApiError(403, "Forbidden: bot was blocked by the user"), chance=0.03, times=None),
    Fault("sendMessage", error=ApiError(400, "Bad Request: BUTTON_DATA_INVALID"), chance=0.03, times=None),
    Fault("sendMessage", error=ApiError(500, "Internal Server Error"), chance=0.03, times=None),
    Fault("sendMessage", before="502", chance=0.03, times=None),
    Fault("sendMessage", after="reset", chance=0.03, times=None),
    Fault("sendMessage", after="garbage", chance=0.03, times=None),
    Fault("getUpdates", before="502", chance=0.03, times=None),
    Fault("getUpdates", after="garbage", chance=0.02, times=None),
)


def _name(number: int) -> str:
    return f"{WORDS[number % len(WORDS)].title()} {number}"


def _canaries(people: int) -> list[Canary]:
    """All words, all ids in digits, and of a sample of the ids every other form as well."""
    ids = random.Random(1).sample(range(people), min(people, SAMPLE))
    whole = [Canary(f"id-{number}", FIRST_ID + number) for number in ids]
    words = [Canary(word, word) for word in WORDS]
    return [*whole, *words, Canary("id", SHARED), Canary("group", -FIRST_ID), Canary("token", TOKEN)]


async def _converse(api: RemoteBotApi, number: int) -> None:
    """One person's conversation; each tenth is longer, in a group, or odd."""
    name, id = _name(number), FIRST_ID + number
    await api.call("user", id=id, name=name, language_code=("de", "en", "pl")[number % 3], username=name.replace(" ", "_"))
    await api.say(id, f"what can the van camera record about {name.split()[0]} the driver?")
    match number % 10:
        case 0:
            await api.say(id, f"/ask {name}", chat=-FIRST_ID)
        case 1:
            await api.say(id, "/mydata")
            await api.say(id, "/forget")
        case 2:
            await api.call("send_media", user=id, kind="location")
        case 3:
            await api.call("raw_update", update={"message": {"message_id": 5, "date": name, "chat": name, "text": name}})
        case 4:
            await api.say(id, f"/gap my colleague {name} was filmed, is that allowed?")
        case 5:
            await api.say(id, f"/{WORDS[number % 5]} {name}")


async def _told(api: RemoteBotApi, chat: int, part: str, begin: int) -> dict[str, Any] | None:
    """A message of ours with such a button or word, soon."""
    for _ in range(100):
        for message in await api.sent(begin):
            if message["chat"]["id"] == chat and part in json.dumps(message):
                return dict(message)
        await asyncio.sleep(0.1)
    return None


async def _surely(api: RemoteBotApi, chat: int, part: str, do: Callable[[], Awaitable[object]]) -> dict[str, Any]:
    """Do it until that comes of it: handlers and the network fail now and then."""
    for _ in range(20):
        begin = (await api.state())["sent"]
        await do()
        if (found := await _told(api, chat, part, begin)) is not None:
            return found
    raise TimeoutError(part)


async def _do_the_rest(api: RemoteBotApi) -> None:
    """A channel with a digest, a question that is passed on, a report, and what wipes."""
    asker, name = FIRST_ID + 1, _name(1)
    await api.call("channel", id=CHANNEL, title=f"News {WORDS[1]}", admins=[FIRST_ID])
    await _surely(api, CHANNEL, "18:00", lambda: api.call("post", channel=CHANNEL, text="/digest daily 18:00"))
    gap = f"/gap does the lidl scanner count how often {name} sneezes"

    async def pass_on() -> None:
        shown = await _surely(api, asker, "1r/sendgap", lambda: api.say(asker, gap))
        await api.click(asker, shown, "1r/sendgap")

    await _surely(api, ROOM, name, pass_on)
    await _surely(api, ROOM, "van-camera-records", lambda: api.say(asker, "/report van-camera-records"))
    for said in ("/clean", "/forget"):
        await _surely(api, asker, ".", lambda said=said: api.say(asker, said))  # type: ignore[misc]


@asynccontextmanager
async def _machine(folder: Path, **more: str) -> AsyncIterator[dict[str, str]]:
    """Settings of a bot whose temporary files lie in the folder too."""
    (folder / "tmp").mkdir(parents=True)
    yield {"TMPDIR": str(folder / "tmp"), "RUECKSPIEGEL_LOG": "debug", **more}


def _kept(folder: Path, canaries: Iterable[Canary]) -> tuple[list[Trace], int]:
    """Traces in all that lies there, and how many bytes that are."""
    return scan([folder], canaries), sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _in_cells(url: str, canaries: Iterable[Canary]) -> tuple[list[Trace], list[Path]]:
    """Traces in the cells of a PostgreSQL database; and where its server keeps its files."""
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
        connection.exec_driver_sql("CHECKPOINT")
        folder = Path(connection.exec_driver_sql("SHOW data_directory").scalar_one())
        oid = connection.exec_driver_sql("SELECT oid FROM pg_database WHERE datname = current_database()").scalar_one()
        files = [folder / "base" / str(oid), *folder.glob("*log*")]
        return scan_database(connection, canaries), [file for file in files if file.exists()]


def _back_up(environment: dict[str, str], folder: Path) -> None:
    """As the operator does, and unpacked, so that the scan reads it."""
    words = [sys.executable, "-m", "bot", "backup", "--unencrypted", str(folder / "all.backup")]
    subprocess.run(words, env=environment, cwd=chaos.ROOT, check=True, capture_output=True)
    rows = gzip.decompress((folder / "all.backup").read_bytes())
    assert rows.startswith(b"{")
    (folder / "all.rows").write_bytes(rows)


@pytest.mark.promise("P1")
@pytest.mark.parametrize("people", [30, pytest.param(10_000, marks=pytest.mark.promises)])
async def test_p01_conversations_on_telegram_leave_no_trace(
    people: int, database_url: str, tmp_path: Path, evidence: Evidence
) -> None:
    kept, canaries = tmp_path / "kept", _canaries(people)
    own = {"RUECKSPIEGEL_DATABASE": database_url, "RUECKSPIEGEL_STEWARD_ROOM": f"telegram:{ROOM}"}
    async with _machine(kept, **own) as settings, RemoteBotApi() as api:
        await api.add_fault(*FAULTS)
        await api.call("group", id=-FIRST_ID, title=f"Depot {WORDS[0]}", members=[])
        await api.call("group", id=ROOM, title=f"Stewards {WORDS[2]}", members=[])
        async with chaos.bot(api.url, kept / "state", "tests.promises.tripping", **settings) as process:
            for number in range(people):
                await _converse(api, number)
            await api.wait_drained(PATIENCE)
            await _do_the_rest(api)
            process.terminate()
            assert await asyncio.wait_for(process.wait(), 60) == 0
        assert await api.call("state")
        _back_up(chaos.environment(api.url, kept / "state", **settings), kept)
    if database_url.startswith("sqlite"):
        Path(database_url.partition("///")[2]).rename(kept / "state" / "moved.db")
        cells: list[Trace] = []
    else:
        cells, files = _in_cells(database_url, canaries)
        cells += scan(files, canaries)
    log = (kept / "log").read_text(encoding="utf-8")
    assert "answer-failed" in log
    assert "update-set-aside" in log
    traces, size = _kept(kept, canaries)
    assert [*cells, *traces] == []
    planted = f"{FIRST_ID + people - 1} {_name(1)}"
    (kept / "planted").write_text(planted, encoding="utf-8")
    assert len(scan([kept / "planted"], canaries)) >= 2
    (kept / "planted").write_bytes(b"\0" + base64.urlsafe_b64encode(f"x{planted}".encode()))
    hidden = scan([kept / "planted"], canaries)
    (kept / "planted").write_bytes(WORDS[1].title().encode("utf-16-be") + hashlib.sha256(WORDS[2].encode()).digest())
    hidden += scan([kept / "planted"], canaries)
    ways = {"decimal base64", "base64", "utf-16-be", "sha256"} - {trace.encoding for trace in hidden}
    evidence.finds("an id and names in base64, UTF-16 and as a hash, in one file more", not ways)
    engine = database_url.partition("+")[0]
    evidence.measured(f"{people:,} conversations, 0 traces in {size / 2**20:.1f} MB, a backup and every cell ({engine})")


@pytest.mark.promise("P1")
@pytest.mark.parametrize("conversations", [6, pytest.param(500, marks=pytest.mark.promises)])
async def test_p01_conversations_on_matrix_leave_no_trace(
    conversations: int, hs: Homeserver, tmp_path: Path, evidence: Evidence
) -> None:
    # So many that none asks more than thirty times in a minute, which counts as a program that answers our answers.
    people = max(2, conversations // 25)
    names = [WORDS[number % len(WORDS)].title() for number in range(people)]
    persons = [await Person.join(hs, name, tmp_path / f"phone-{number}") for number, name in enumerate(names)]
    bot = await Account.make(hs, tmp_path / "kept" / "state")
    try:
        async with _machine(tmp_path / "kept") as settings, bot.apart(**settings) as process:
            await until(bot.signed, "the bot's keys at the homeserver", 300)
            await asyncio.gather(*(_asks(person, bot.user, conversations // people) for person in persons))
            process.terminate()
            assert await asyncio.wait_for(process.wait(), 60) == 0
    finally:
        for person in persons:
            await person.close()
    users = [Canary(f"user-{number}", person.user_id) for number, person in enumerate(persons)]
    devices = [canary for person in persons for canary in keys_of(person)]
    rooms = [Canary("room", room) for person in persons for room in person.client.nio.rooms]
    canaries = [Canary(word, word) for word in WORDS] + users + devices + rooms + [Canary("password", bot.password)]
    traces, size = _kept(tmp_path / "kept", canaries)
    assert traces == []
    (tmp_path / "kept" / "planted").write_text(persons[0].user_id, encoding="utf-8")
    evidence.finds("one user id in one file more", scan([tmp_path / "kept"], canaries))
    keys = load_keys(bot.state.with_name("state.key"))
    as_stock(bot.state, keys, bot.user, tmp_path / "stock")
    found = {trace.canary for trace in scan([tmp_path / "stock"], devices + rooms)}
    evidence.finds("device keys and rooms in nio's own store of the same sessions", len(found) > 2 * people)
    evidence.measured(
        f"{conversations} conversations of {people} people, 0 traces in {size / 2**20:.1f} MB, device store included: "
        "no user, no device key, no room"
    )


async def _asks(person: Person, bot: str, times: int) -> None:
    """The same person in one encrypted direct chat, question after question, answered each."""
    room = await meet(person, bot)
    for number in range(1, times + 1):
        word = WORDS[number % len(WORDS)]
        await person.say(room, f"what can the van camera record about {word}?" if number % 5 else f"!{word}")
        await person.wait_message(room, number, timeout=300)
