"""Where and of what kind each telling of a report is, so that those near one another are found.

The version before writes them without, and they count in no cluster.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerts.store import schema

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_COLUMNS = ("kind", "lat", "lon")


def upgrade() -> None:
    """Bring the database to this version; the version before goes on working beside it."""
    bind = op.get_bind()
    # A database from before the first release was given all tables by the first migration.
    known = {column["name"] for column in sa.inspect(bind).get_columns("report_source")}
    for name in _COLUMNS:
        if name not in known:
            op.add_column("report_source", sa.Column(name, schema.report_source.c[name].type))
    for index in (*schema.report.indexes, *schema.report_source.indexes):
        index.create(bind, checkfirst=True)
