"""Which platform a chat is on, so that each process delivers to its own; an index for the next part of a chat."""

import sqlalchemy as sa
from alembic import context, op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("chats", sa.Column("platform", sa.Text(), nullable=False, server_default=""))
    connection, keys = op.get_bind(), context.config.attributes["keys"]
    for id, sealed in connection.execute(sa.text("SELECT id, sealed FROM chats")).all():
        values = {"id": id, "platform": keys.open(sealed, "chat").partition(":")[0]}
        connection.execute(sa.text("UPDATE chats SET platform = :platform WHERE id = :id"), values)
    op.drop_index("ix_deliveries_chat", "deliveries")
    op.create_index("ix_deliveries_chat_state", "deliveries", ["chat", "state"])
