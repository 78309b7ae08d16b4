"""Migrations: the database to this version's schema, in one transaction.

Alembic is loaded where something is to be migrated only, since it is large and no other start needs it.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from bot.keys import Keys

_MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATION_LOCK = 7283765


class NewerDatabase(Exception):
    """The database was written by a newer version of the product."""


def revision_of(connection: Connection) -> str | None:
    """The last migration that a database has had, None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def revisions() -> list[str]:
    """The migrations that this version has, in their order: what their files' names begin with."""
    return sorted(file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def is_known(revision: str) -> bool:
    """Whether this version has such a migration."""
    return revision in revisions()


def head() -> str:
    """The last migration that this version has."""
    return revisions()[-1]


def is_behind(connection: Connection) -> bool:
    """Whether a database of an older version waits for migrations."""
    has = revision_of(connection)
    return has is not None and is_known(has) and has != head()


def upgrade(connection: Connection, keys: Keys, to: str | None = None) -> None:
    """Every migration that this database lacks, at most up to `to`; `keys` opens what is sealed in it.

    :raises NewerDatabase: where it has one that this version does not know.
    """
    if connection.dialect.name == "postgresql":
        # Two processes that start at once migrate one after the other; the lock ends with the transaction.
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
    has, wanted = revision_of(connection), to or head()
    if has is not None and not is_known(has):
        raise NewerDatabase("the database was written by a newer version; install that, or restore a backup of this one")
    if has != wanted:
        _upgrade(connection, keys, wanted)


def _upgrade(connection: Connection, keys: Keys, to: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection, "keys": keys})
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, to)
