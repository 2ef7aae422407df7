"""The number of people who reported the same, which stays once nobody knows who they were.

The previous version can work on it too, and counts nobody who says "me too".
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerts.store import schema

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the database to this version; the previous version can go on working on it."""
    # A database from before the first release was given all tables by the first migration.
    known = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("report")}
    if "tellers" not in known:
        op.add_column("report", sa.Column("tellers", schema.report.c.tellers.type))
        sources = (
            sa.select(sa.func.count()).where(schema.report_source.c.report == schema.report.c.id).scalar_subquery()
        )
        op.execute(sa.update(schema.report).where(schema.report.c.source.is_not(None)).values(tellers=sources))
