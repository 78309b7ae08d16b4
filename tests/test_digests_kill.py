"""The promise of digests in its short form, on both databases: nothing lost, every possible repeat marked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import chaos_digests, chaos_matrix
from tests.matrix import Homeserver
from tests.postgres import Postgres


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.promises)])
async def test_no_item_is_lost_or_silently_repeated_over_kill_9_and_faults(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    server: Postgres | None = request.getfixturevalue("postgres_server") if engine == "postgresql" else None
    database = server.database() if server else None
    found = await chaos_digests.run(tmp_path, channels=4, items=13, kills=3, seed=3, database=database)
    assert (found.owed, found.lost, found.doubled) == (52, 0, 0)


@pytest.mark.promises
async def test_nor_where_the_database_server_is_killed(postgres_server: Postgres, tmp_path: Path) -> None:
    database = postgres_server.database()
    found = await chaos_digests.run(tmp_path, channels=4, items=13, kills=4, seed=5, database=database, server=postgres_server)
    assert (found.owed, found.lost, found.doubled) == (52, 0, 0)


@pytest.mark.promises
async def test_matrix_nothing_is_lost_or_doubled_at_all(hs: Homeserver, tmp_path: Path) -> None:
    found = await chaos_matrix.run(hs, tmp_path, channels=4, items=13, kills=4, seed=7)
    assert found == chaos_digests.Ledger(52, 0, 0, 0, 4)
