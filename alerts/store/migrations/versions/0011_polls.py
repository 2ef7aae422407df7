"""Polls, their places, their votes, and the poll of a post.

The previous version can work on it too: it knows of none.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text, inspect

from alerts.store.schema import ballot, poll, poll_place

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the database to this version; the previous version can go on working on it."""
    bind = op.get_bind()
    # A database from before the first release was given all tables by the first migration, but for `post`'s columns.
    for table in (poll, poll_place, ballot):
        table.create(bind, checkfirst=True)
    if "poll" not in {column["name"] for column in inspect(bind).get_columns("post")}:
        op.add_column("post", Column("poll", Text()))
