"""Whether stewards stopped all publishing."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "panic",
        sa.Column("one", sa.BigInteger(), primary_key=True, nullable=False, autoincrement=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
    )
