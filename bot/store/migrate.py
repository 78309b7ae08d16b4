"""Migrations: the database to this version's schema, in one transaction."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from bot.keys import Keys


class NewerDatabase(Exception):
    """The database was written by a newer version of the product."""


def upgrade(connection: Connection, keys: Keys) -> None:
    """Every migration that this database lacks; `keys` opens what is sealed in it.

    :raises NewerDatabase: where it has one that this version does not know.
    """
    if connection.dialect.name == "postgresql":
        # Two processes that start at once migrate one after the other; the lock ends with the transaction.
        connection.execute(text("SELECT pg_advisory_xact_lock(7283765)"))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes.update(connection=connection, keys=keys)
    scripts = ScriptDirectory.from_config(config)
    has = MigrationContext.configure(connection).get_current_revision()
    if has is not None and has not in {script.revision for script in scripts.walk_revisions()}:
        raise NewerDatabase("the database was written by a newer version; install that, or restore a backup of this one")
    if has != scripts.get_current_head():
        command.upgrade(config, "head")
