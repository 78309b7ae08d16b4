"""`backup` and `restore` as an operator uses them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.commands.main import main
from bot.keys import load_keys
from bot.messages import Address
from bot.store import Store, open_store
from bot.store.lease import lease
from tests import postgres
from tests.filled import Rows, everything, fill

ROOT = Path(__file__).parent.parent


class Machine:
    """A folder with state and key file, and the commands on it."""

    def __init__(self, folder: Path, data: Path, **settings: str) -> None:
        self.folder = folder
        self.folder.mkdir(exist_ok=True)
        self.state, self.key = folder / "state", folder / "state.key"
        self.url = settings.get("RUECKSPIEGEL_DATABASE", f"sqlite+aiosqlite:///{self.state}/rueckspiegel.db")
        self.settings = {"RUECKSPIEGEL_STATE": str(self.state), "RUECKSPIEGEL_DATA": str(data), **settings}

    def run(self, *arguments: str | Path, status: int = 0) -> Result:
        done = CliRunner().invoke(main, [str(one) for one in arguments], env=self.settings)
        assert done.exit_code == status, done.output
        return done

    def fails(self, *arguments: str | Path) -> str:
        """The one line that a refused command says."""
        [line] = self.run(*arguments, status=2).stderr.splitlines()
        return line

    def killed(self, where: str, *arguments: str | Path) -> None:
        """Run in a process that kills itself when it comes to `where`."""
        deadly = "import os; die = lambda *given, **named: os.kill(os.getpid(), 9)"
        script = f"{deadly}\n{where}\nfrom bot.commands.main import main; main()"
        command = [sys.executable, "-c", script, *(str(one) for one in arguments)]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **self.settings}, timeout=120, check=False)
        assert done.returncode == -signal.SIGKILL

    def fill(self, rows: int = 7) -> None:
        self.do(lambda store: fill(store, rows))

    def rows(self) -> Rows:
        found: Rows = self.do(everything)
        return found

    def do(self, work):  # type: ignore[no-untyped-def]
        async def whole() -> object:
            async with open_store(self.url, load_keys(self.key)) as store:
                return await work(store)

        return asyncio.run(whole())


@pytest.fixture
def here(tmp_path: Path, bare: Path) -> Iterator[Machine]:
    mask = os.umask(0o022)
    machine = Machine(tmp_path / "here", bare)
    machine.fill()
    yield machine
    os.umask(mask)


@pytest.fixture
def there(tmp_path: Path, bare: Path) -> Machine:
    return Machine(tmp_path / "there", bare)


def _but_marks(rows: Rows) -> Rows:
    return {name: found for name, found in rows.items() if name != "answered"}


def test_another_machine_needs_backup_and_key_file(here: Machine, there: Machine, tmp_path: Path) -> None:
    file = tmp_path / "x.backup"
    assert "encrypted to the key file" in here.run("backup", file).output
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"chats" not in file.read_bytes()
    assert f"there is no key file {there.key}; put the copy there" in there.fails("restore", file)
    assert not there.key.exists()
    there.key.write_bytes(here.key.read_bytes())
    assert "rows restored" in there.run("restore", file).output
    assert _but_marks(there.rows()) == _but_marks(here.rows())
    assert (there.state / "rueckspiegel.db").stat().st_mode & 0o777 == 0o600


def test_to_a_public_key_and_with_its_identity_back(here: Machine, there: Machine, tmp_path: Path) -> None:
    file, identity = tmp_path / "x.backup", tmp_path / "identity.txt"
    public = here.run("backup", "--new-key", identity).stdout.strip().partition("=")[2]
    assert identity.stat().st_mode & 0o777 == 0o600
    assert "cannot be written" in here.fails("backup", "--new-key", identity)
    here.settings["RUECKSPIEGEL_BACKUP_TO"] = public
    assert f"encrypted to {public}" in here.run("backup", file).output
    assert "it is sealed for another key" in here.fails("restore", file, "--replace")
    assert "no identity of age" in here.fails("restore", file, "--replace", "--identity", here.key)
    there.key.write_bytes(here.key.read_bytes())
    there.run("restore", file, "--identity", identity)
    assert _but_marks(there.rows()) == _but_marks(here.rows())


def test_to_postgresql_and_back(here: Machine, tmp_path: Path, bare: Path, postgres_server: postgres.Postgres) -> None:
    large = Machine(here.folder, bare, RUECKSPIEGEL_DATABASE=postgres_server.database())
    here.run("backup", tmp_path / "1.backup")
    large.run("restore", tmp_path / "1.backup")
    assert _but_marks(large.rows()) == _but_marks(here.rows())
    large.run("backup", tmp_path / "2.backup")
    before = here.rows()
    assert "state/backups/replaced-rueckspiegel-" in here.run("restore", tmp_path / "2.backup", "--replace").output
    assert here.rows() == before


def test_what_is_replaced_can_be_had_back(here: Machine, tmp_path: Path) -> None:
    here.run("backup", tmp_path / "1.backup")
    chat = Address("telegram", "-100999")
    here.run("channel", "add", str(chat), "daily", "18:00")
    assert "is not empty; --replace" in here.fails("restore", tmp_path / "1.backup")
    later = here.rows()
    here.run("restore", tmp_path / "1.backup", "--replace")
    assert here.rows() != later
    [kept] = (here.state / "backups").iterdir()
    here.run("restore", kept, "--replace")
    assert here.rows() == later


def test_a_lost_key_file_costs_the_subscriptions_and_says_so(here: Machine, there: Machine, tmp_path: Path) -> None:
    identity = tmp_path / "identity.txt"
    public = here.run("backup", "--new-key", identity).stdout.strip().partition("=")[2]
    here.run("backup", tmp_path / "x.backup", "--recipient", public)
    load_keys(there.key)
    words = there.fails("restore", tmp_path / "x.backup", "--identity", identity)
    assert "addresses in it cannot be read with this key file; put back the key file" in words
    there.key.unlink()
    done = there.run("restore", tmp_path / "x.backup", "--identity", identity, "--without-addresses")
    assert f"The key file {there.key} was made" in done.stderr
    assert there.rows()["chats"] == set()
    assert there.rows()["items"] == here.rows()["items"]


def test_a_dated_file_in_a_folder_and_old_ones_go(here: Machine, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    for name in ("rueckspiegel-20200101T000000Z.backup", "theirs.backup"):
        (folder / name).write_bytes(b"")
        long_ago = (datetime.now() - timedelta(days=15)).timestamp()
        os.utime(folder / name, (long_ago, long_ago))
    here.run("backup", "--into", folder)
    names = sorted(file.name for file in folder.iterdir())
    assert len(names) == 2
    assert names[0].startswith("rueckspiegel-2")
    assert names[0] != "rueckspiegel-20200101T000000Z.backup"


def test_unencrypted_only_on_purpose(here: Machine, tmp_path: Path) -> None:
    assert "NOT encrypted" in here.run("backup", tmp_path / "x", "--unencrypted").output
    before = here.rows()
    here.run("restore", tmp_path / "x", "--replace")
    assert here.rows() == before


def test_what_is_refused_says_why_and_what_to_do(here: Machine, tmp_path: Path) -> None:
    file = tmp_path / "x.backup"
    here.run("backup", file)
    whole, before = file.read_bytes(), here.rows()
    assert "there is such a file already; name another" in here.fails("backup", file)
    assert "either a FILE, a folder" in here.fails("backup")
    assert "contradict" in here.fails("backup", tmp_path / "y", "--unencrypted", "--recipient", "age1x")
    assert "age1x: that is no public key of age" in here.fails("backup", tmp_path / "y", "--recipient", "age1x")
    assert "cannot be written (File exists)" in here.fails("backup", file / "y")
    assert "File name too long; write a shorter name" in here.fails("backup", tmp_path / ("y" * 300))
    for content, words in (
        (whole[:-1], "x.backup: the file is damaged or cut short; take another copy"),
        (whole[:100], "x.backup: the file is damaged or cut short; take another copy"),
        (b"", "x.backup: this is no backup of this product; name another file"),
        (b"SQLite format 3\0", "x.backup: this is no backup of this product; name another file"),
    ):
        file.write_bytes(content)
        assert words in here.fails("restore", file, "--replace")
    assert "cannot be read (No such file or directory)" in here.fails("restore", tmp_path / "none")
    here.settings["RUECKSPIEGEL_BACKUP_TO"] = "age1x"
    assert "RUECKSPIEGEL_BACKUP_TO: age1x: that is no public key of age" in here.fails("backup", tmp_path / "y")
    here.settings |= {"RUECKSPIEGEL_BACKUP_TO": "", "RUECKSPIEGEL_BACKUP_DAYS": "0"}
    assert "RUECKSPIEGEL_BACKUP_DAYS" in here.fails("backup", tmp_path / "y")
    del here.settings["RUECKSPIEGEL_BACKUP_DAYS"]
    assert here.rows() == before


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_nothing_is_restored_while_a_bot_runs(
    engine: str, here: Machine, bare: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    here.run("backup", tmp_path / "x.backup")
    machine = here
    if engine == "postgresql":
        url = request.getfixturevalue("postgres_server").database()
        machine = Machine(here.folder, bare, RUECKSPIEGEL_DATABASE=url)
        machine.run("restore", tmp_path / "x.backup")

    async def meanwhile(store: Store) -> str:
        async with lease(store, "telegram:1", machine.state, lambda: None):
            return await asyncio.to_thread(machine.fails, "restore", tmp_path / "x.backup", "--replace")

    before = machine.rows()
    assert "stop" in machine.do(meanwhile)
    assert machine.rows() == before
    machine.run("restore", tmp_path / "x.backup", "--replace")


def test_a_kill_while_backing_up_leaves_no_half_file(here: Machine, tmp_path: Path) -> None:
    file = tmp_path / "out" / "x.backup"
    here.killed("os.fsync = die", "backup", file)
    assert not file.exists()
    here.run("backup", file)
    assert sum(left.name.endswith(".part") for left in file.parent.iterdir()) == 1


def test_a_kill_while_restoring_changes_nothing(here: Machine, tmp_path: Path) -> None:
    """After all rows were written and before the end of the transaction, with more of them than SQLite keeps in memory."""
    here.run("backup", tmp_path / "small.backup")
    small = here.rows()
    (here.state / "rueckspiegel.db").unlink()
    here.fill(800)
    large = here.rows()
    here.killed("import bot.store.restoring as r; r.doubt = die", "restore", tmp_path / "small.backup", "--replace")
    assert here.rows() == large
    [kept] = (here.state / "backups").iterdir()
    here.run("restore", tmp_path / "small.backup", "--replace")
    assert _but_marks(here.rows()) == _but_marks(small)
    here.killed("import bot.store.restoring as r; r.doubt = die", "restore", kept, "--replace")
    assert _but_marks(here.rows()) == _but_marks(small)


def test_what_makes_the_key_file_says_once_where_it_is(there: Machine) -> None:
    said = there.run("channel", "add", "telegram:-1001", "daily", "18:00").stderr
    assert f"The key file {there.key} was made. Keep a copy of it elsewhere" in said
    assert there.run("channel", "list").stderr == ""
