"""An index of posts by the answer that they carry.

The previous version can work on it too: it knows no such index, and writes no answer.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerts.store.schema import post

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the database to this version; the previous version can go on working on it."""
    bind = op.get_bind()
    # A database from before the first release was given it with the table.
    known = {index["name"] for index in sa.inspect(bind).get_indexes("post")}
    for index in (each for each in post.indexes if each.name == "ix_post_answer" and each.name not in known):
        index.create(bind)
