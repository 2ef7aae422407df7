"""The place and kind of each report, by which neighbours are found.

The previous version writes reports without them, which count in no cluster.
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
    """Upgrade the database to this version; the previous version can go on working on it."""
    bind = op.get_bind()
    # A database from before the first release was given all tables by the first migration.
    known = {column["name"] for column in sa.inspect(bind).get_columns("report_source")}
    for name in _COLUMNS:
        if name not in known:
            op.add_column("report_source", sa.Column(name, schema.report_source.c[name].type))
    for index in (*schema.report.indexes, *schema.report_source.indexes):
        index.create(bind, checkfirst=True)
