"""Leases get a fencing number and a start; running daemons are registered.

The previous version can work on it too: it writes neither, and its leases have no number.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerts.store.schema import daemon

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the database to this version; the previous version can go on working on it."""
    op.add_column("lease", sa.Column("number", sa.BigInteger))
    op.add_column("lease", sa.Column("since", sa.BigInteger))
    # A database from before the first release was given all tables by the first migration.
    daemon.create(op.get_bind(), checkfirst=True)
