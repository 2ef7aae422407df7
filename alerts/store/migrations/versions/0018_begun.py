"""A report that is being written in a private chat with the bot, until it is sent."""

from __future__ import annotations

from alembic import op

from alerts.store import schema

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the database to this version; the previous version can go on working on it."""
    schema.report_begun.create(op.get_bind(), checkfirst=True)
