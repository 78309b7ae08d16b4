"""Who approved which draft, what was published lately, and which drafts the stewards were shown."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def _text(name: str, *, primary_key: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), nullable=False, primary_key=primary_key)


def _number(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger(), nullable=False)


def upgrade() -> None:
    op.create_table("approvals", _text("draft", primary_key=True), _text("steward", primary_key=True), _text("mark"))
    op.create_table("releases", _text("entry", primary_key=True), _text("steward"), _number("at"), _number("until"))
    op.create_index("ix_releases_at", "releases", ["at"])
    op.create_table("shown", _text("draft", primary_key=True))
