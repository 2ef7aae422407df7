"""The first migration: whatever there is, if anything, becomes what the schema says.

An empty file needs none (`alerts.store.files` makes it from the schema at once). This one is for databases from
before the first release, which lack what came last: indexes, `tally`, `alert_words`, `archive`.
"""

from __future__ import annotations

from alembic import op

from alerts.store.files import count_and_index, create_all

revision = "0006"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the database to this version; the previous version can go on working on it."""
    create_all(op.get_bind())
    count_and_index(op.get_bind())
