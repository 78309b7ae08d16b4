"""What the operator sees of a running bot: its heartbeat, status, metrics, the watchdog; and what nobody may see of it."""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from prometheus_client.openmetrics.parser import text_string_to_metric_families as families

from bot.app import App
from bot.commands.main import main
from bot.commands.status import status
from bot.config import read_settings
from bot.environment import BrokenSettings
from bot.heartbeat import FILE, Heartbeat, Pulse, last_heartbeat
from bot.loops.disk import LEAST_FREE, Disk
from bot.loops.rounds import Rounds
from bot.loops.tally import Tally
from bot.metrics import PortTaken
from bot.systemd import notify, watchdog_seconds
from tests.bot_api import ApiError, BotApi, Fault
from tests.conftest import NOW, Clock
from tests.live import QUESTION, app_on, live

BEAT = Heartbeat(
    at=1_796_000_000,
    since=1_795_000_000,
    version="1.2.3",
    platforms={"telegram": Pulse("listening", 1_795_999_980, 3, 1, 0, 2, 4)},
    lag=0.004,
    held=("disk",),
    channels=7,
    paused=1,
    due=2,
    overdue=31,
    deliveries={"sent": 40, "unknown": 1},
    base="abcdef012345",
    facts=45,
    unknowns=280,
    items=8,
    questions={"telegram": {"answer": 20}},
)
OPEN_METRICS = {"Accept": "application/openmetrics-text"}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def beat(state: Path) -> Heartbeat:
    """The bot's first heartbeat in which a platform listens and was heard."""
    async with asyncio.timeout(20):
        while True:
            found = last_heartbeat(state)
            if found is not None and all(pulse.contact is not None for pulse in found.platforms.values()):
                return found
            await asyncio.sleep(0.05)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.operating.BEAT_SECONDS", 0.1)


def test_a_heartbeat_is_read_as_it_was_written_by_its_owner_alone(tmp_path: Path) -> None:
    BEAT.written(tmp_path)
    assert last_heartbeat(tmp_path) == BEAT
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"platforms": {}}', '{"platforms": {"x": {"state": 1}}}'])
def test_a_heartbeat_that_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    assert last_heartbeat(tmp_path) is None
    (tmp_path / FILE).write_text(content, encoding="ascii")
    assert last_heartbeat(tmp_path) is None


@pytest.mark.usefixtures("quick")
async def test_the_running_bot_beats_and_forgets_its_heartbeat_at_the_end(api: BotApi, app: App, tmp_path: Path) -> None:
    async with live(app_on(app, api.url, tmp_path / "state")):
        found = await beat(tmp_path / "state")
        assert (found.base, found.facts) == (app.base.version, len(app.base.facts))
        pulse = found.platforms["telegram"]
        assert (pulse.state, pulse.restarts, pulse.waiting) == ("listening", 0, 0)
        assert pulse.contact is not None
        assert pulse.contact % 60 == 0
    assert last_heartbeat(tmp_path / "state") is None


def said(state: Path, *arguments: str) -> str:
    done = CliRunner().invoke(status, arguments, env={"RUECKSPIEGEL_STATE": str(state)})
    assert done.exception is None
    return done.stdout


def test_status_tells_of_a_bot_that_runs_one_that_hangs_and_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / "state"
    assert said(state).startswith("not running\n")
    state.mkdir()
    BEAT.written(state)
    monkeypatch.setattr("bot.commands.status.now", lambda: datetime.fromtimestamp(BEAT.at + 10, UTC))
    lines = said(state).splitlines()
    assert lines[0] == "running since 2026-11-18T11:06:40Z, event loop 4 ms late"
    assert lines[1].startswith("telegram: listening, last contact 2026-11-30T00:53Z, waiting 3, set free 1, lost 0, shed 2")
    assert "digests wait: the disk is nearly full; make room" in lines
    assert any("base: abcdef012345 (the folder holds " in line for line in lines)
    monkeypatch.setattr("bot.commands.status.now", lambda: datetime.fromtimestamp(BEAT.at + 61, UTC))
    assert said(state).startswith("not running, or hangs: last sign at 2026-11-30T00:53:20Z\n")
    found = json.loads(said(state, "--json"))
    assert found["running"] is False
    assert (found["base"], found["platforms"]["telegram"]["restarts"]) == ("abcdef012345", 4)


@pytest.mark.usefixtures("quick")
async def test_metrics_are_open_metrics_of_fixed_labels(api: BotApi, app: App, tmp_path: Path) -> None:
    port = free_port()
    ana = api.user(7_099_887_766, "Ana", language_code="en")
    async with live(app_on(app, api.url, tmp_path / "state", metrics=("127.0.0.1", port))):
        api.say(ana, QUESTION)
        await api.wait_sent(1, 10)
        await beat(tmp_path / "state")
        async with httpx.AsyncClient() as client:
            text = (await client.get(f"http://127.0.0.1:{port}/metrics", headers=OPEN_METRICS)).text
    found = {family.name: family for family in families(text)}
    assert all(name.startswith("rueckspiegel_") for name in found)
    assert found["rueckspiegel_facts"].samples[0].value == len(app.base.facts)
    assert found["rueckspiegel_platform"].samples
    # One question is no number: it would tell when she asked.
    assert found["rueckspiegel_questions"].samples == []
    assert str(ana.id) not in text
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


async def test_a_port_that_is_taken_names_the_setting(api: BotApi, app: App, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = other.getsockname()
        with pytest.raises(PortTaken, match="RUECKSPIEGEL_METRICS"):
            async with live(app_on(app, api.url, tmp_path / "state", metrics=address)):
                pass


@pytest.mark.parametrize("value", ["0.0.0.0:9464", "192.168.1.2:9464", "127.0.0.1", ":9464", "127.0.0.1:0", "[::]:1", "x:1"])
def test_metrics_are_for_this_machine_alone(value: str) -> None:
    with pytest.raises(BrokenSettings, match=r"RUECKSPIEGEL_METRICS: .*127\.0\.0\.1:9464"):
        read_settings({"RUECKSPIEGEL_METRICS": value})
    assert read_settings({"RUECKSPIEGEL_METRICS": "[::1]:9464"}).metrics == ("::1", 9464)


def test_a_tally_is_late_by_a_whole_turn() -> None:
    clock = Clock(NOW)
    tally = Tally(clock, dice=lambda _: 0)
    for _ in range(3):
        tally.count("telegram", "answer")
    clock.now += timedelta(minutes=9)
    tally.count("telegram", "answer")
    clock.now += timedelta(minutes=1)
    assert tally.shown() == {}
    tally.count("matrix", "unknown")
    clock.now += timedelta(minutes=9)
    assert tally.shown() == {}
    clock.now += timedelta(minutes=1)
    assert tally.shown() == {"telegram": {"answer": 40}}
    clock.now += timedelta(minutes=25)
    assert tally.shown() == {"telegram": {"answer": 40}, "matrix": {"unknown": 10}}


def test_nobody_can_bring_a_tally_to_where_one_person_moves_it() -> None:
    """Whoever asks until it moves, and nine times more, learns of the next question no more than of any."""
    moved = 0
    for seed in range(2_000):
        clock, dice = Clock(NOW), random.Random(seed)
        tally = Tally(clock, dice.randrange)

        def ask(times: int, tally: Tally = tally, clock: Clock = clock) -> int:
            for _ in range(times):
                tally.count("telegram", "answer")
            clock.now += timedelta(minutes=30)
            return tally.shown().get("telegram", {}).get("answer", 0)

        while not ask(1):
            pass
        primed = ask(9)
        moved += ask(1) != primed
    assert 0.07 < moved / 2_000 < 0.13


def test_in_the_long_run_a_tally_is_right() -> None:
    clock, dice = Clock(NOW), random.Random(1)
    tally = Tally(clock, dice.randrange)
    for _ in range(100_000):
        tally.count("telegram", "answer")
    clock.now += timedelta(minutes=30)
    assert tally.shown()["telegram"]["answer"] == pytest.approx(100_000, rel=0.03)


async def test_every_question_of_a_chat_is_tallied_by_its_outcome(
    api: BotApi, app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[tuple[str, str]] = []
    monkeypatch.setattr(Tally, "count", lambda _, *what: counted.append(what))
    async with live(app_on(app, api.url, tmp_path / "state")):
        for text in (QUESTION, "does the van camera record sound?", "/help", "hello"):
            api.say(api.user(1, "Ana", language_code="en"), text)
        await api.wait_sent(4, 20)
    assert counted == [("telegram", "answer"), ("telegram", "unknown"), ("telegram", "decline")]


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """What systemd would listen on."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(str(tmp_path / "notify"))
    listening.settimeout(0)
    return listening


def heard(line: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(line.recv(200).decode())
        except BlockingIOError:
            return found


def test_systemd_is_told_where_it_listens(line: socket.socket, tmp_path: Path) -> None:
    notify("READY=1", {})
    assert heard(line) == []
    notify("READY=1")
    assert heard(line) == ["READY=1"]
    notify("READY=1", {"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    line.close()


def test_an_abstract_socket_is_told_too() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        name = f"rueckspiegel-test-{os.getpid()}"
        listening.bind(f"\0{name}")
        notify("WATCHDOG=1", {"NOTIFY_SOCKET": f"@{name}"})
        assert listening.recv(200) == b"WATCHDOG=1"


def test_the_watchdog_is_meant_for_the_process_it_names() -> None:
    assert watchdog_seconds({}) is None
    assert watchdog_seconds({"WATCHDOG_USEC": "180000000"}) == 180
    assert watchdog_seconds({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": str(os.getpid())}) == 180
    assert watchdog_seconds({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": "1"}) is None


async def test_the_watchdog_hears_of_a_bot_that_works_and_not_of_a_search_that_hangs(
    api: BotApi, app: App, tmp_path: Path, line: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.operating.BEAT_SECONDS", 0.05)
    monkeypatch.setattr("bot.publishing.TICK_SECONDS", 0.1)
    monkeypatch.setattr(Rounds.all_came, "__defaults__", (1.0,))
    hangs = threading.Event()
    opened = app_on(app, api.url, tmp_path / "state")
    async with live(opened):
        while "WATCHDOG=1" not in heard(line):
            await asyncio.sleep(0.05)
        opened.executor.submit(hangs.wait)
        async with asyncio.timeout(20):
            quiet = 0
            while quiet < 20:
                quiet = 0 if heard(line) else quiet + 1
                await asyncio.sleep(0.1)
        hangs.set()
        async with asyncio.timeout(20):
            while "WATCHDOG=1" not in heard(line):
                await asyncio.sleep(0.05)
    line.close()


def test_rounds_are_asked_for_by_name() -> None:
    moment = 0.0
    rounds = Rounds(lambda: moment)
    assert not rounds.all_came(["plan"], 10)
    rounds.came("plan")
    moment = 10
    assert rounds.all_came(["plan"], 10)
    assert not rounds.all_came(["plan", "search"], 10)
    moment = 11
    assert not rounds.all_came(["plan"], 10)


async def test_a_disk_that_fills_up_is_told_once_and_so_is_its_end(tmp_path: Path) -> None:
    told, room = [], LEAST_FREE

    async def tell(key: str, values: object) -> None:
        told.append(key)

    disk = Disk([tmp_path], tell, lambda _: room)
    await disk.look()
    assert disk.may()
    for room in (LEAST_FREE - 1, 0, LEAST_FREE, LEAST_FREE):
        await disk.look()
        assert disk.may() is (room >= LEAST_FREE)
    assert told == ["steward.disk", "steward.disk-well"]
    assert not Disk([tmp_path / "gone"], tell).full


async def test_a_folder_that_cannot_be_asked_counts_as_full(tmp_path: Path) -> None:
    async def tell(key: str, values: object) -> None:
        pass

    disk = Disk([tmp_path / "gone"], tell)
    await disk.look()
    assert not disk.may()


@pytest.mark.skipif(sys.platform != "linux", reason="core dumps are forbidden in the kernel's way")
def test_a_process_that_dies_leaves_no_core(tmp_path: Path) -> None:
    code = "import os, resource; from bot.hardening import forbid_dumps; {}; os.abort()"
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)

    def dies(call: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-c", code.format(call)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
            check=False,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, unlimited),
        )

    done = dies("forbid_dumps()")
    assert done.returncode == -signal.SIGABRT, done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="a child ends with its parent in the kernel's way")
def test_a_child_of_a_process_that_was_killed_ends() -> None:
    child = (
        "from bot.hardening import end_with_parent; end_with_parent(); print('works', flush=True); import time; time.sleep(600)"
    )
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    with subprocess.Popen([sys.executable, "-c", parent, child], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"works\n"
        process.kill()
        assert process.stdout.read() == b""  # Comes to its end once nobody holds the pipe any more.


@pytest.mark.usefixtures("quick")
async def test_a_flood_and_a_parked_chat_show_in_the_heartbeat(api: BotApi, app: App, tmp_path: Path) -> None:
    wait = ApiError(429, "Too Many Requests: retry after 60", retry_after=60)
    api.faults.append(Fault("sendMessage", chat_id=1, error=wait, times=None))
    state = tmp_path / "state"
    async with live(app_on(app, api.url, state)):
        api.say(api.user(1, "Ana", language_code="en"), QUESTION)
        async with asyncio.timeout(20):
            while (found := last_heartbeat(state)) is None or found.platforms["telegram"].set_free < 1:
                await asyncio.sleep(0.1)
        assert found.platforms["telegram"].waiting == 1


READING = ("status --json", "channel list", "deliveries", "gaps", "feed list", "digest preview telegram:-1001", "panic lift")


@pytest.mark.parametrize("words", [*READING, "channel remove telegram:-1001", "backup copy.age"])
def test_before_the_first_start_reading_says_that_nothing_was_kept_and_makes_nothing(
    bare: Path, tmp_path: Path, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare / "feeds.yaml").write_text("feeds:\n  - url: https://a.example/feed\n", encoding="utf-8")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    own = {"RUECKSPIEGEL_STATE": str(home / "state"), "RUECKSPIEGEL_DATA": str(bare)}
    done = CliRunner().invoke(main, words.split(), env=own)
    assert f"othing was kept yet: there is no database {home / 'state' / 'rueckspiegel.db'}" in done.stderr
    assert done.exit_code == (2 if "telegram" in words or "backup" in words else 0)
    assert [*home.iterdir()] == []


def test_without_the_key_of_a_database_reading_makes_no_other(bare: Path, tmp_path: Path) -> None:
    home, own = tmp_path / "home", {"RUECKSPIEGEL_STATE": str(tmp_path / "home" / "state"), "RUECKSPIEGEL_DATA": str(bare)}
    home.mkdir()
    made = CliRunner().invoke(main, ["channel", "add", "telegram:-1001", "daily", "18:00"], env=own)
    assert (made.exit_code, f"The key file {home / 'state.key'} was made" in made.stderr) == (0, True)
    assert CliRunner().invoke(main, ["channel", "list"], env=own).stdout.startswith("telegram:-1001 daily 18:00")
    (home / "state.key").unlink()
    done = CliRunner().invoke(main, ["channel", "list"], env=own)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"there is no key file {home / 'state.key'}; put back the copy that you kept" in done.stderr
    assert not (home / "state.key").exists()
