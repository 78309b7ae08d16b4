"""Subscriptions, what each channel has had, and the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _text(name: str, *, primary_key: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), nullable=False, primary_key=primary_key)


def _number(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "subscriptions",
        _text("chat", primary_key=True),
        _text("settings"),
        _text("paused"),
        _number("planned"),
        _number("next"),
    )
    op.create_index("ix_subscriptions_next", "subscriptions", ["next"])
    op.create_table("seen", _text("chat", primary_key=True), _text("item", primary_key=True), _text("state"))
    op.create_table("items", _text("item", primary_key=True), _text("state"))
    op.create_table("digests", _text("chat", primary_key=True), _text("slot", primary_key=True), _number("at"), _text("state"))
    op.create_table(
        "deliveries",
        _text("id", primary_key=True),
        _text("chat"),
        *(_number(name) for name in ("at", "part")),
        _text("carries"),
        _text("payload"),
        _number("silent"),
        _text("state"),
        *(_number(name) for name in ("attempts", "due", "first")),
        _text("ref"),
        _text("why"),
    )
    op.create_index("ix_deliveries_chat", "deliveries", ["chat"])
    op.create_index("ix_deliveries_state_due", "deliveries", ["state", "due"])
