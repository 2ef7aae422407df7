"""The means that opened a session, and the time up to which its owner knows changes of their credentials.

The previous version can work on it too: its sessions were opened by nothing in particular, and whoever signs in there
learns of changes since their last sign-in.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerts.store import schema

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the database to this version; the previous version can go on working on it."""
    for table, name in ((schema.account, "changes_read_at"), (schema.session, "opened_by")):
        # A database from before the first release was given all tables by the first migration.
        known = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table.name)}
        if name not in known:
            op.add_column(table.name, sa.Column(name, table.c[name].type))
