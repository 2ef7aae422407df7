"""A server keeps a copy of each picture that posts carry; the version before has files alone, and goes on with them."""

from __future__ import annotations

from alembic import op

from alerts.store.schema import picture

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database to this version; the version before goes on working beside it."""
    # A database from before the first release was given all tables by the first migration.
    picture.create(op.get_bind(), checkfirst=True)
