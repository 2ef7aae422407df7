"""An index of the attempts that have no end yet, for a view of other daemons' work.

The previous version can work on it too: it doesn't use the index.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerts.store.conditions import UNDER_WAY

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_NAME = "ix_attempt_under_way"


def upgrade() -> None:
    """Upgrade the database to this version; the previous version can go on working on it."""
    # A database from before the first release was given all tables by the first migration.
    if _NAME not in {each["name"] for each in sa.inspect(op.get_bind()).get_indexes("attempt")}:
        of_these = sa.text(UNDER_WAY)
        op.create_index(_NAME, "attempt", ["seq"], sqlite_where=of_these, postgresql_where=of_these)
