"""The endpoint of a subscribed browser, and the digest of the token that may change its choices.

The previous version can work on it too: it has subscribers without either, and sends browsers nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerts.store.schema import subscriber

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the database to this version; the previous version can go on working on it."""
    bind = op.get_bind()
    # A database from before the first release was given all tables by the first migration.
    known = {column["name"] for column in sa.inspect(bind).get_columns("subscriber")}
    for name in ("endpoint", "token"):
        if name not in known:
            op.add_column("subscriber", sa.Column(name, subscriber.c[name].type))
    for index in subscriber.indexes:
        index.create(bind, checkfirst=True)
