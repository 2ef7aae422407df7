"""The journal of jobs: messages to one chat, reports handed on, and moderation.

What is under way goes on: it is wanted by rows of its own subject, from which jobs are begun. The previous version can
work on it too: it doesn't know the journal, does the same under the same leases, and what it has begun is in doubt.
"""

from __future__ import annotations

from alembic import op

from alerts.store import schema

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the database to this version; the previous version can go on working on it."""
    schema.job.create(op.get_bind(), checkfirst=True)
