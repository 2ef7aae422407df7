"""Alerts that a fleet's operators send to several towns.

The previous version can work on it too: it knows of none.
"""

from __future__ import annotations

from alembic import op

from alerts.store.schema import dispatch, dispatch_town

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the database to this version; the previous version can go on working on it."""
    # A database from before the first release was given all tables by the first migration.
    dispatch.create(op.get_bind(), checkfirst=True)
    dispatch_town.create(op.get_bind(), checkfirst=True)
