"""People's remarks and the answers to them; posts that answer.

The previous version can work on it too as long as nobody listens: it knows of no utterance, and writes no answer.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerts.store.schema import answer, ear, forgotten, listening_secret, moderation, post, question, utterance

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the database to this version; the previous version can go on working on it."""
    bind = op.get_bind()
    # A database from before the first release was given all tables by the first migration, but for `post`'s columns.
    for table in (utterance, question, answer, ear, forgotten, listening_secret, moderation):
        table.create(bind, checkfirst=True)
    known = {column["name"] for column in sa.inspect(bind).get_columns("post")}
    for column in (post.c.in_reply_to, post.c.answer):
        if column.name not in known:
            op.add_column("post", sa.Column(column.name, column.type))
