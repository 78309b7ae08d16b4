"""Its end in every state, one platform's crash beside the other, and disks and databases that fail."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from bot.app import App
from bot.deliveries import Outcome, Sent
from bot.loops.serve import Service
from bot.messages import Address, Message, Reply
from bot.store import BrokenStore, ledger, open_store
from bot.transports import May, Receive, TransportEnded, always
from bot.transports.inbox import Inbox
from tests import chaos, chaos_digests
from tests.bot_api import ApiError, BotApi, Fault
from tests.bot_api.process import RemoteBotApi
from tests.conftest import Clock
from tests.ledger_world import item
from tests.live import KEYS, QUESTION, ROOM, app_on, app_on_both, live, text, with_changed
from tests.matrix import Homeserver, Person, Proxy

MOST_SECONDS = 20
CHANNEL = -100900
NOBODY = "http://127.0.0.1:9"


async def ends(process: asyncio.subprocess.Process) -> int:
    """SIGTERM; the exit status."""
    process.terminate()
    return await asyncio.wait_for(process.wait(), MOST_SECONDS)


async def logged(state: Path, event: str) -> None:
    log = state.parent / "log"
    async with asyncio.timeout(60):
        while not log.exists() or f" {event}" not in log.read_text(encoding="utf-8"):
            await asyncio.sleep(0.05)


@asynccontextmanager
async def ready(url: str, state: Path, **more: str) -> AsyncIterator[asyncio.subprocess.Process]:
    async with chaos.bot(url, state, **more) as process:
        await logged(state, "started")
        yield process


async def test_it_ends_while_it_starts(tmp_path: Path) -> None:
    async with chaos.bot(NOBODY, tmp_path / "state") as process:
        assert await ends(process) in (0, -signal.SIGTERM)


async def test_it_ends_while_its_platforms_are_away(tmp_path: Path) -> None:
    matrix = {
        "RUECKSPIEGEL_MATRIX_HOMESERVER": NOBODY,
        "RUECKSPIEGEL_MATRIX_USER": "@bot:x",
        "RUECKSPIEGEL_MATRIX_PASSWORD": "x",
    }
    async with ready(NOBODY, tmp_path / "state", **matrix) as process:
        await logged(tmp_path / "state", "silent")
        assert await ends(process) == 0


@pytest.mark.promises
async def test_it_ends_while_it_polls(tmp_path: Path) -> None:
    async with RemoteBotApi() as api, ready(api.url, tmp_path / "state") as process:
        await logged(tmp_path / "state", "commands-set")
        assert await ends(process) == 0


async def test_it_ends_while_a_chat_is_parked(tmp_path: Path) -> None:
    wait = ApiError(429, "Too Many Requests: retry after 60", retry_after=60)
    async with RemoteBotApi() as api, ready(api.url, tmp_path / "state") as process:
        await api.add_fault(Fault("sendMessage", error=wait, times=None))
        await api.user(1, "Ana", "en")
        await api.say(1, "hello")
        await logged(tmp_path / "state", "chat-parked")
        assert await ends(process) == 0


@pytest.mark.promises
async def test_it_ends_while_a_digest_hangs(tmp_path: Path) -> None:
    state, data = tmp_path / "state", chaos_digests.data_of(tmp_path / "data", 1)
    async with RemoteBotApi() as api:
        await api.call("channel", id=CHANNEL, title="Union news", admins=[])
        await api.add_fault(Fault("sendMessage", before="hang", times=None))
        url = f"sqlite+aiosqlite:///{state}/rueckspiegel.db"
        async with chaos_digests.store_at(url, state) as store:
            await chaos_digests.subscribe(store, [Address("telegram", str(CHANNEL))])
        async with ready(api.url, state, RUECKSPIEGEL_DATA=str(data)) as process:
            await api.call("wait_calls", method="sendMessage", n=1, timeout=30)
            assert await ends(process) == 0
        async with chaos_digests.store_at(url, state) as store:
            assert set(await store.run(ledger.counts)) <= {"unknown", "sending"}


@pytest.mark.promises
async def test_it_ends_while_heads_are_fitted_and_leaves_no_child(tmp_path: Path) -> None:
    import psutil

    data = chaos_digests.data_of(tmp_path / "data", 1)
    file = next(path for path in (data / "facts").glob("*.yaml") if "van-camera-sound" in path.read_text(encoding="utf-8"))
    file.write_text(file.read_text(encoding="utf-8").replace("van-camera-sound", "van-camera-noise"), encoding="utf-8")
    async with RemoteBotApi() as api, ready(api.url, tmp_path / "state", RUECKSPIEGEL_DATA=str(data)) as process:
        async with asyncio.timeout(60):
            while not (children := psutil.Process(process.pid).children()):
                await asyncio.sleep(0.05)
        assert await ends(process) == 0
        assert [child for child in children if child.is_running() and child.status() != "zombie"] == []


@pytest.mark.promises
async def test_a_search_that_hangs_does_not_keep_the_process(tmp_path: Path) -> None:
    async with RemoteBotApi() as api, chaos.bot(api.url, tmp_path / "state", "tests.hanging") as process:
        await api.user(1, "Ana", "en")
        await api.say(1, "hello")
        await logged(tmp_path / "state", "hangs")
        assert await ends(process) != 0


class Platform:
    """A platform that does what it is told, each time it listens."""

    def __init__(self, platform: str, *deeds: BaseException | None) -> None:
        self.platform, self.deeds, self.listened = platform, list(deeds), 0
        self.inbox = Inbox(lambda chat: 0.0, lambda: 0.0)
        self._stopped = asyncio.Event()

    async def listen(self, receive: Receive) -> None:
        self.listened += 1
        deed = self.deeds.pop(0) if self.deeds else None
        if deed is not None:
            raise deed
        await self._stopped.wait()

    async def stop(self) -> None:
        self._stopped.set()

    async def close(self) -> None:
        pass

    async def send(self, address: Address, reply: Reply) -> Outcome:
        return Sent("")

    def since(self) -> None:
        return None

    async def post(self, address: Address, reply: Reply, key: str, *, silent: bool = False, may: May = always) -> Outcome:
        return Sent("")

    async def edit(self, address: Address, id: str, reply: Reply, key: str, *, may: May = always) -> Outcome:
        return Sent("")

    async def delete(self, address: Address, ids: tuple[str, ...]) -> int:
        return 0


async def nothing(message: Message, role_of: object) -> Reply | None:
    return None


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.loops.serve.LONGEST_PAUSE", 0.01)
    monkeypatch.setattr("bot.loops.serve.ENDED_PAUSE", 0.01)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("deed", [ValueError(), asyncio.CancelledError(), TransportEnded("away")])
async def test_a_platform_that_crashes_is_started_again_and_the_other_left_alone(deed: BaseException) -> None:
    one, other = Platform("telegram", deed, deed), Platform("matrix")
    heard: list[str] = []

    async def on_ended(transport: object, error: TransportEnded) -> None:
        heard.append(str(error))

    service = Service([one, other], nothing, on_ended=on_ended)
    running = asyncio.create_task(service.run())
    async with asyncio.timeout(10):
        while one.listened < 3:
            await asyncio.sleep(0.01)
    assert (other.listened, service.restarts["telegram"], service.ended) == (1, 2, [])
    assert heard == (["away"] * 2 if isinstance(deed, TransportEnded) else [])
    service.stop()
    await asyncio.wait_for(running, 5)


@pytest.mark.usefixtures("at_once")
async def test_where_no_platform_is_left_the_service_ends_and_says_why() -> None:
    ended = [TransportEnded("one"), TransportEnded("two")]
    service = Service(
        [Platform("telegram", ended[0], *[ended[0]] * 999), Platform("matrix", ended[1], *[ended[1]] * 999)], nothing
    )
    await asyncio.wait_for(service.run(), 5)
    assert service.ended == ended


@pytest.mark.usefixtures("at_once")
async def test_a_chore_that_fails_begins_anew() -> None:
    tries = 0
    done = asyncio.Event()

    async def chore() -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ValueError
        done.set()

    service = Service([Platform("telegram")], nothing, [chore])
    running = asyncio.create_task(service.run())
    await asyncio.wait_for(done.wait(), 5)
    service.stop()
    await asyncio.wait_for(running, 5)


@pytest.mark.usefixtures("at_once")
async def test_telegram_refuses_the_token_and_matrix_answers_on(
    api: BotApi, hs: Homeserver, app: App, anna: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.transports.telegram.intake import Patience

    user, password = await hs.new_user("bot")
    both = app_on_both(app, api.url, hs.url, user, password, tmp_path / "state")
    async with live(both, patience=Patience(refused=0.2)) as service:
        room = await anna.direct(user, encrypted=False)
        await anna.wait_member(room, user)
        api.token, right = "654321:OTHER", api.token
        async with asyncio.timeout(30):
            while not service.is_down("telegram"):
                await asyncio.sleep(0.01)
        await anna.say(room, QUESTION)
        assert "Netradyne" in (await anna.wait_message(room))[0].body
        api.token = right
        api.say(api.user(1, "Ana", language_code="en"), QUESTION)
        await api.wait_sent(1, 30)


async def test_the_homeserver_is_gone_and_telegram_answers_on(api: BotApi, hs: Homeserver, app: App, tmp_path: Path) -> None:
    user, password = await hs.new_user("bot")
    proxy = Proxy(hs.url)
    async with proxy, live(app_on_both(app, api.url, proxy.url, user, password, tmp_path / "state")) as service:
        async with asyncio.timeout(30):
            while service.transports[1].inbox.turned is None:
                await asyncio.sleep(0.05)
        proxy.down = True
        api.say(api.user(1, "Ana", language_code="en"), QUESTION)
        await api.wait_sent(1, 15)
        assert "Netradyne" in text(api)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Four megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], check=False, capture_output=True)
    if done.returncode:
        pytest.skip("only root may mount")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """A file that leaves no byte free."""
    file = folder / "filler"
    with suppress(OSError), file.open("wb", buffering=0) as out:
        while out.write(bytes(4096)):
            pass
    return file


async def test_a_full_disk_holds_digests_and_answers_go_on(
    api: BotApi, app: App, small_disk: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.loops.disk.EVERY_SECONDS", 0.1)
    monkeypatch.setattr("bot.loops.disk.LEAST_FREE", 2**20)
    api.channel(CHANNEL, "Union news", admins=[api.user(5, "Ben")])
    room = int(ROOM.partition(":")[2])
    api.group(room, "Stewards")
    opened = app_on(app, api.url, small_disk / "state", room=ROOM)
    async with live(opened):
        api.post(CHANNEL, "/digest daily 18:00")
        await api.wait_sent(1, 10)
        filled = fill(small_disk)
        await stands(api, room, "0 MB are left")
        opened.base = with_changed(opened, item("brand-new"))
        clock.now = clock.now.replace(hour=17, second=1)
        api.say(api.user(1, "Ana", language_code="en"), QUESTION)
        await stands(api, 1, "Netradyne")
        assert not any("#brand-new#" in message["text"] for message in api.sent)
        filled.unlink()
        await stands(api, CHANNEL, "#brand-new#")
        await stands(api, room, "There is room")
    async with open_store(opened.settings.database_url, KEYS) as store:
        assert await store.run(ledger.counts) == {"sent": 1}


async def stands(api: BotApi, chat: int, words: str) -> None:
    """Until a message with these words stands in a chat."""
    async with asyncio.timeout(20):
        while not any(words in message["text"] for message in api.messages(chat)):
            await asyncio.sleep(0.05)


async def refused(state: Path, **more: str) -> str:
    """The last line of a `run` that does not start."""
    async with chaos.bot(NOBODY, state, **more) as process:
        assert await asyncio.wait_for(process.wait(), 60) == 2
    return (state.parent / "log").read_text(encoding="utf-8").splitlines()[-1]


async def made(state: Path) -> Path:
    async with chaos_digests.store_at(f"sqlite+aiosqlite:///{state}/rueckspiegel.db", state):
        return state / "rueckspiegel.db"


async def test_a_disk_that_is_read_only_is_said_at_the_start(small_disk: Path, tmp_path: Path) -> None:
    await made(small_disk / "state")
    shutil.move(small_disk / "state.key", tmp_path / "own.key")
    await asyncio.to_thread(subprocess.run, ["mount", "-o", "remount,ro", str(small_disk)], check=True)
    state = tmp_path / "own" / "state"
    state.parent.mkdir()
    state.symlink_to(small_disk / "state")
    said = await refused(state, RUECKSPIEGEL_KEY_FILE=str(tmp_path / "own.key"))
    assert said.startswith("rueckspiegel: RUECKSPIEGEL_")
    assert "Read-only" in said


async def test_a_full_disk_at_the_start_is_said(small_disk: Path, tmp_path: Path) -> None:
    (small_disk / "state").mkdir()
    fill(small_disk)
    with pytest.raises(BrokenStore, match=r"full|space|cannot be"):
        async with open_store(f"sqlite+aiosqlite:///{small_disk}/state/a.db", KEYS):
            pass


@pytest.mark.parametrize("page", [0, 2, 5])
async def test_an_overwritten_page_is_found_at_the_start(tmp_path: Path, page: int) -> None:
    state = tmp_path / "state"
    file = await made(state)
    content = bytearray(file.read_bytes())
    content[4096 * page : 4096 * (page + 1)] = os.urandom(4096)
    file.write_bytes(content)
    with pytest.raises(BrokenStore, match=r"RUECKSPIEGEL_DATABASE: .*damaged; .*rueckspiegel restore"):
        await made(state)
    assert file.read_bytes() == bytes(content)


async def test_run_refuses_a_newer_database_and_changes_nothing(tmp_path: Path) -> None:
    file = await made(tmp_path / "state")
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = file.read_bytes()
    said = await refused(tmp_path / "state")
    assert "RUECKSPIEGEL_DATABASE: the database was written by a newer version; install that" in said
    assert file.read_bytes() == before
