"""The promise of digests in its short form, on both databases: nothing lost, every possible repeat marked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import chaos_digests
from tests.postgres import Postgres


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_no_item_is_lost_or_silently_repeated_over_kill_9_and_faults(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    server: Postgres | None = request.getfixturevalue("postgres_server") if engine == "postgresql" else None
    database = server.database() if server else None
    found = await chaos_digests.run(tmp_path, channels=4, items=13, kills=3, seed=3, database=database)
    assert (found.owed, found.lost, found.doubled) == (52, 0, 0)
