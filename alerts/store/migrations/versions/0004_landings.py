"""Which messages to subscribers are out, jotted down until the next turn files them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database from the version before to this one; the version before goes on working beside it."""
    op.create_table(
        "bulk_landed",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("bulk", sa.String(length=26), nullable=False),
        sa.Column("got", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_bulk_landed")),
    )
