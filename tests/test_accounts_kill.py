"""The promise of several accounts in its short form: nothing lost, and served again within seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import chaos_accounts
from tests.postgres import Postgres


@pytest.mark.promises
async def test_nothing_is_lost_where_processes_and_the_database_server_are_killed(
    postgres_server: Postgres, tmp_path: Path
) -> None:
    found = await chaos_accounts.run(tmp_path, postgres_server, kills=2, seed=3)
    assert (found.digests.owed, found.digests.lost, found.digests.doubled) == (156, 0, 0)
    assert found.unanswered == 0
    assert found.answered_twice <= chaos_accounts.UPDATES_AT_ONCE * found.digests.kills
