"""Passkeys that sign in by themselves: the permission, the last answered challenge, and the handle of their account.

The previous version can work on it too. A passkey that it registers is a second factor, since nothing says that it is
more.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerts.store import schema

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the database to this version; the previous version can go on working on it."""
    for table, names in ((schema.account, ["handle"]), (schema.passkey, ["alone", "asked_at"])):
        # A database from before the first release was given all tables by the first migration.
        known = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table.name)}
        for name in names:
            if name not in known:
                op.add_column(table.name, sa.Column(name, table.c[name].type))
