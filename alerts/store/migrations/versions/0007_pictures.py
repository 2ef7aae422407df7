"""A server keeps a copy of each post's picture; the previous version has files alone, and can work on it too."""

from __future__ import annotations

from alembic import op

from alerts.store.schema import picture

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the database to this version; the previous version can go on working on it."""
    # A database from before the first release was given all tables by the first migration.
    picture.create(op.get_bind(), checkfirst=True)
