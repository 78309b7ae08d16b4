"""Which bot account serves a chat. What there was belongs to the account of the environment's settings."""

import sqlalchemy as sa
from alembic import context, op

revision = "0009"
down_revision = "0008"
FIRST = "main"


def upgrade() -> None:
    op.add_column("chats", sa.Column("account", sa.Text(), nullable=False, server_default=FIRST))
    op.create_index("ix_chats_account", "chats", ["account"])
    connection, keys = op.get_bind(), context.config.attributes["keys"]
    for id, sealed in connection.execute(sa.text("SELECT id, sealed FROM chats")).all():
        values = {"id": id, "mark": keys.mark(keys.open(sealed, "chat"), f"chat/{FIRST}")}
        connection.execute(sa.text("UPDATE chats SET mark = :mark WHERE id = :id"), values)
