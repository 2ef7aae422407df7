"""Citizens' reports on the map.

The previous version can work on it too: it knows of no report.
"""

from __future__ import annotations

from alembic import op

from alerts.store import schema

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the database to this version; the previous version can go on working on it."""
    bind = op.get_bind()
    # A database from before the first release was given all tables by the first migration.
    for table in (
        schema.report,
        schema.report_source,
        schema.report_step,
        schema.report_photo,
        schema.content_notice,
        schema.report_forward,
        schema.report_secret,
        schema.report_number,
    ):
        table.create(bind, checkfirst=True)
