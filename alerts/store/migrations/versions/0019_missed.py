"""The time since when a relay has refused a subscriber's mailbox as unknown.

The previous version can work on it too: it remembers that in memory alone.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerts.store.schema import subscriber

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the database to this version; the previous version can go on working on it."""
    # A database from before the first release was given all tables by the first migration.
    known = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("subscriber")}
    if "missed_at" not in known:
        op.add_column("subscriber", sa.Column("missed_at", subscriber.c.missed_at.type))
