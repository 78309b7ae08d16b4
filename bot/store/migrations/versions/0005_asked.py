"""How often what was asked in a week, and of which weeks the stewards were told."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "asked",
        sa.Column("entry", sa.Text(), primary_key=True, nullable=False),
        sa.Column("week", sa.Text(), primary_key=True, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
    )
    op.create_table("notes", sa.Column("week", sa.Text(), primary_key=True, nullable=False))
