"""A file of several bot accounts: what it may say, how mistakes are named, and commands for one of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy.exc import SQLAlchemyError

from bot.accounts import accounts_of
from bot.commands.main import main
from bot.config import read_settings
from bot.environment import BrokenSettings
from bot.keys import Keys
from bot.messages import Address
from bot.store import open_store
from bot.store.leases import leases
from tests.postgres import Postgres

POSTGRES = "postgresql+psycopg://u@h/d"
NORTH = "north:\n  telegram_token: 1001:AAA\n  contact: north@union.example\n"
SOUTH = "south:\n  telegram_token: 1002:BBB\n  contact: south@union.example\n"


def _settings(folder: Path, told: str, **more: str) -> dict[str, str]:
    (folder / "accounts.yaml").write_text(told, encoding="utf-8")
    shared = {"ACCOUNTS": str(folder / "accounts.yaml"), "DATABASE": POSTGRES, "STATE": str(folder / "state")}
    return {f"RUECKSPIEGEL_{name}": value for name, value in (shared | more).items()}


def test_each_account_has_its_own_and_shares_the_rest(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("1003:CCC\n", encoding="utf-8")
    told = f"""{NORTH}
  language: en
  stewards: [anna=telegram:1, ben=telegram:2]
  steward_room: telegram:-100
  preview_hours: 0
  timezone: Europe/London
west:
  telegram_token_file: {tmp_path}/token
  matrix_homeserver: https://matrix.example
  matrix_user: "@west:matrix.example"
  matrix_password: secret
  contact: west@union.example
  two_stewards: no
"""
    north, west = accounts_of(read_settings(_settings(tmp_path, told), tmp_path))
    assert (north.name, north.language, north.timezone, north.preview_hours) == ("north", "en", "Europe/London", 0)
    assert (north.stewards, north.two_stewards) == ({"telegram:1": "anna", "telegram:2": "ben"}, True)
    assert (north.steward_room, west.steward_room) == (Address("telegram", "-100"), None)
    assert (west.language, west.contact, west.two_stewards) == ("de", "west@union.example", True)
    assert west.identities == {"telegram": "telegram:1003", "matrix": "matrix:@west:matrix.example"}
    assert north.matrix_folder != west.matrix_folder
    assert north.database_url == west.database_url == POSTGRES
    assert "secret" not in repr(west)
    assert "CCC" not in repr(west)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (NORTH + "  contct: x\n", "accounts.yaml:4: north: contct: there is no such field; perhaps contact was meant"),
        (NORTH + "  language: deutsch\n", "accounts.yaml:4: north: language: 'deutsch' is no language code"),
        (NORTH + "  matrix_user: '@a:b'\n", "accounts.yaml:1: north: matrix_homeserver: it is missing"),
        (
            NORTH + "  telegram_token_file: pyproject.toml\n",
            "accounts.yaml:2: north: telegram_token: it is set twice, here and in",
        ),
        (NORTH + SOUTH.replace("1002", "1001"), "accounts.yaml:4: south: its telegram account is that of north too"),
        (NORTH + NORTH, "accounts.yaml:4: north: it stands there twice"),
        ("North Union:\n  contact: x\n", "accounts.yaml:1: North Union: that is no name"),
        ("north:\n", "accounts.yaml:1: north: it has no fields"),
        ("north:\n  contact: x\n", "accounts.yaml:1: north: no platform is set up"),
        ("north:\n  telegram_token: 1001:AAA\n", "accounts.yaml:1: north: contact is missing"),
        ("north:\n  contact:\n", "accounts.yaml:2: north: contact: it has no value"),
        ("north:\n  matrix_user: @a:b\n", "accounts.yaml:2: "),
        ("", "accounts.yaml:1: it names no account"),
        (
            NORTH + "  stewards: telegram:1\n" + SOUTH + "  stewards: telegram:2\n",
            "accounts.yaml:8: south: stewards: steward-1 is somebody else in another account",
        ),
        (
            NORTH + "  stewards: anna=telegram:1\n" + SOUTH + "  stewards: ann=telegram:1\n",
            "accounts.yaml:8: south: stewards: ann is somebody else in another account",
        ),
    ],
)
def test_a_mistake_is_named_with_line_account_field_and_remedy(tmp_path: Path, told: str, said: str) -> None:
    with pytest.raises(BrokenSettings) as error:
        accounts_of(read_settings(_settings(tmp_path, told), tmp_path))
    assert said in str(error.value)
    assert "RUECKSPIEGEL_" not in str(error.value)
    assert "AAA" not in str(error.value)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"DATABASE": "sqlite+aiosqlite:///x.db"}, "RUECKSPIEGEL_ACCOUNTS: several accounts need PostgreSQL"),
        ({"CONTACT": "x"}, "RUECKSPIEGEL_CONTACT: RUECKSPIEGEL_ACCOUNTS names a file"),
        ({"MOST_ACCOUNTS": "0"}, "RUECKSPIEGEL_MOST_ACCOUNTS: '0' is no number of accounts"),
        ({"ACCOUNTS": "/nowhere"}, "RUECKSPIEGEL_ACCOUNTS: /nowhere cannot be read"),
    ],
)
def test_the_environment_must_fit_the_file(tmp_path: Path, more: dict[str, str], said: str) -> None:
    with pytest.raises(BrokenSettings) as error:
        accounts_of(read_settings(_settings(tmp_path, NORTH, **more), tmp_path))
    assert said in str(error.value)


def test_commands_are_for_one_account_where_there_are_several(
    tmp_path: Path, postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in _settings(tmp_path, NORTH + SOUTH, DATABASE=postgres_server.database()).items():
        monkeypatch.setenv(name, value)

    def command(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, words)
        return done.exit_code, done.output

    add = ("channel", "add", "telegram:-1001", "daily", "18:00")
    status, said = command(*add)
    assert (status, "write --account and one of north, south" in said) == (2, True)
    assert command(*add, "--account", "east")[0] == 2
    for name in ("north", "south"):
        assert command(*add, "--account", name)[0] == 0
    assert command("channel", "pause", "telegram:-1001", "--account", "south")[0] == 0
    north, south = command("channel", "list")[1].splitlines()
    assert "de account=north id=" in north
    assert "paused=asked account=south id=" in south
    assert "18:00 Europe/Berlin de id=" in command("channel", "list", "--account", "north")[1]
    assert "\nchannels: 2, paused: 1\n" in command("status")[1]
    assert "\nchannels: 1, paused: 0\n" in command("status", "--account", "north")[1]
    assert command("channel", "remove", "telegram:-1001", "--account", "south")[0] == 0
    assert len(command("channel", "list")[1].splitlines()) == 1


def test_the_strictest_account_says_how_many_stewards_publishing_takes(tmp_path: Path) -> None:
    told = NORTH + "  stewards: [anna=telegram:1, ben=telegram:2]\n" + SOUTH + "  stewards: carla=telegram:3\n"
    assert [one.two_stewards for one in accounts_of(read_settings(_settings(tmp_path, told), tmp_path))] == [True, True]


def test_channels_of_an_account_that_left_the_file_can_still_be_removed(
    tmp_path: Path, postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"DATABASE": postgres_server.database(), "TELEGRAM_API_URL": "http://127.0.0.1:9"}
    for name, value in _settings(tmp_path, NORTH + SOUTH, **settings).items():
        monkeypatch.setenv(name, value)
    add = ("channel", "add", "telegram:-1001", "daily", "18:00", "--account", "south")
    assert CliRunner().invoke(main, add).exit_code == 0
    (tmp_path / "accounts.yaml").write_text(NORTH, encoding="utf-8")
    assert "accounts: south has channels and is in no settings" in CliRunner().invoke(main, ["doctor"]).output
    assert "telegram:-1001" in CliRunner().invoke(main, ["channel", "list", "--account", "south"]).output
    assert CliRunner().invoke(main, ["channel", "remove", "telegram:-1001", "--account", "south"]).exit_code == 0
    assert CliRunner().invoke(main, ["channel", "list", "--account", "south"]).exit_code == 2


async def test_a_process_that_hangs_loses_its_leases(postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.store.leases.IDLE_SECONDS", 1)
    async with open_store(postgres_server.database(), Keys(b"k" * 32)) as store, leases(store) as hanging:
        assert await hanging.take(["telegram:1"])
        monkeypatch.undo()
        async with leases(store) as other, asyncio.timeout(20):
            while not await other.take(["telegram:1"]):
                await asyncio.sleep(0.1)
        with pytest.raises(SQLAlchemyError):
            await hanging.standing()


async def test_processes_with_two_key_files_see_each_other(postgres_server: Postgres) -> None:
    url = postgres_server.database()
    async with open_store(url, Keys(b"k" * 32)) as store, leases(store) as one:
        assert not (await one.standing()).strangers
        async with open_store(url, Keys(b"o" * 32)) as foreign, leases(foreign) as other:
            assert (await other.standing()).strangers
            assert await one.take(["telegram:1"])
            assert not await other.take(["telegram:1"])


async def test_leases_of_several_processes(postgres_server: Postgres) -> None:
    async with open_store(postgres_server.database(), Keys(b"k" * 32)) as store:
        async with leases(store) as one, leases(store) as other:
            assert await one.take(["telegram:1", "matrix:@a:b"])
            assert not await other.take(["telegram:2", "telegram:1"])
            standing = await other.standing()
            assert (standing.processes, standing.wishing) == (2, 0)
            assert not other.is_free(["matrix:@a:b"], standing)
            assert other.is_free(["telegram:2"], standing)
            await other.wish(True)
            await other.wish(True)
            assert (await one.standing()).wishing == 1
            await other.wish(False)
            await one.give(["telegram:1"])
            assert await other.take(["telegram:2", "telegram:1"])
            assert (await one.standing()).wishing == 0
        async with leases(store) as later:
            async with asyncio.timeout(10):
                while not await later.take(["telegram:1", "telegram:2", "matrix:@a:b"]):
                    await asyncio.sleep(0.05)
            assert (await later.standing()).processes == 1
