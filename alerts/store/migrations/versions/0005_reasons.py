"""Which officers were asked why something is not to go out, until they answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database from the version before to this one; the version before goes on working beside it."""
    op.create_table(
        "officer_asked",
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("chat", sa.BigInteger(), nullable=False),
        sa.Column("alert_id", sa.String(length=26), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "chat", name=op.f("pk_officer_asked")),
    )
