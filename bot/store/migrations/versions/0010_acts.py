"""What stewards did is counted by itself; posts wait for a withdrawal's reason as they do for what was published.

And since when a subscription rests; of those that do nobody knows, so they rest from now on.
"""

import time

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "acts",
        sa.Column("id", sa.Text(), primary_key=True, nullable=False),
        sa.Column("steward", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_acts_at", "acts", ["at"])
    op.execute("INSERT INTO acts (id, steward, at) SELECT entry, steward, at FROM releases")
    op.drop_column("releases", "steward")
    op.add_column("subscriptions", sa.Column("rests", sa.BigInteger(), nullable=False, server_default="0"))
    op.get_bind().execute(sa.text("UPDATE subscriptions SET rests = :now WHERE paused != ''"), {"now": int(time.time())})
    op.add_column("releases", sa.Column("reason", sa.BigInteger(), nullable=False, server_default="0"))
