"""Feeds that are watched, what was seen of them, and the health of sources' addresses."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def _text(name: str, *, primary_key: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), nullable=False, primary_key=primary_key)


def _number(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "feeds",
        _text("url", primary_key=True),
        _text("etag"),
        _text("modified"),
        *(_number(name) for name in ("read", "pause", "next", "failures", "failing", "told")),
    )
    op.create_index("ix_feeds_next", "feeds", ["next"])
    op.create_table("feed_entries", _text("feed", primary_key=True), _text("entry", primary_key=True), _number("last"))
    op.create_table("links", _text("url", primary_key=True), *(_number(name) for name in ("checked", "dead", "told")))
