"""Another server's answers about a report that was forwarded to it.

The previous version can work on it too: it forwards nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerts.store.schema import report_forward

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the database to this version; the previous version can go on working on it."""
    # A database from before the first release was given them with the table.
    known = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("report_forward")}
    for name in ("token", "remote_state", "said"):
        if name not in known:
            op.add_column("report_forward", sa.Column(name, report_forward.c[name].type, nullable=True))
