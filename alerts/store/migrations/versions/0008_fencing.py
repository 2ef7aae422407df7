"""Leases get a fencing number and the time since when; the daemons that run are registered.

The version before goes on beside it: it writes neither, and its leases have no number.
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
    """Bring the database to this version; the version before goes on working beside it."""
    op.add_column("lease", sa.Column("number", sa.BigInteger))
    op.add_column("lease", sa.Column("since", sa.BigInteger))
    # A database from before the first release was given all tables by the first migration.
    daemon.create(op.get_bind(), checkfirst=True)
