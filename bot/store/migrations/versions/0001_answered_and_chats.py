"""What was answered, and the chats that get digests."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "answered",
        sa.Column("mark", sa.Text(), primary_key=True, nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_answered_hour", "answered", ["hour"])
    op.create_table(
        "chats",
        sa.Column("id", sa.Text(), primary_key=True, nullable=False),
        sa.Column("mark", sa.Text(), nullable=False, unique=True),
        sa.Column("sealed", sa.Text(), nullable=False),
    )
