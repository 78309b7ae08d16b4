"""Migrations: the database to this version's schema, in one transaction."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from bot.keys import Keys

_HEAD = "head"
MIGRATION_LOCK = 7283765


class NewerDatabase(Exception):
    """The database was written by a newer version of the product."""


def revision_of(connection: Connection) -> str | None:
    """The last migration that a database has had, None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def is_known(revision: str) -> bool:
    """Whether this version has such a migration."""
    return revision in {script.revision for script in _scripts(Config()).walk_revisions()}


def head() -> str:
    """The last migration that this version has."""
    return str(_scripts(Config()).get_current_head())


def is_behind(connection: Connection) -> bool:
    """Whether a database of an older version waits for migrations."""
    has = revision_of(connection)
    return has is not None and is_known(has) and has != head()


def upgrade(connection: Connection, keys: Keys, to: str = _HEAD) -> None:
    """Every migration up to `to` that this database lacks; `keys` opens what is sealed in it.

    :raises NewerDatabase: where it has one that this version does not know.
    """
    if connection.dialect.name == "postgresql":
        # Two processes that start at once migrate one after the other; the lock ends with the transaction.
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
    config = Config()
    _scripts(config)
    config.attributes.update(connection=connection, keys=keys)
    has = revision_of(connection)
    if has is not None and not is_known(has):
        raise NewerDatabase("the database was written by a newer version; install that, or restore a backup of this one")
    if has != (head() if to == _HEAD else to):
        command.upgrade(config, to)


def _scripts(config: Config) -> ScriptDirectory:
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)
