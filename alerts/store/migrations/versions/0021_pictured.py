"""The hazard of a bulk, whose pictogram is next to its words on a telephone.

The previous version can work on it too: its bulks are shown without one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerts.store.schema import bulk

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the database to this version; the previous version can go on working on it."""
    # A database from before the first release was given all tables by the first migration.
    known = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("bulk")}
    if "hazard" not in known:
        op.add_column("bulk", sa.Column("hazard", bulk.c.hazard.type))
