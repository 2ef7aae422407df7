"""The binding of an answer: the question, the incident, the other recipients; and its subject.

The previous version can work on it too. Its answers aren't bound: there the question has all of that.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerts.store.schema import answer

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_NEW = ("given_to", "asked", "incident", "next_ones", "digest")


def upgrade() -> None:
    """Upgrade the database to this version; the previous version can go on working on it."""
    # A database from before the first release was given all tables by the first migration.
    known = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("answer")}
    for name in _NEW:
        if name not in known:
            op.add_column("answer", sa.Column(name, answer.c[name].type))
