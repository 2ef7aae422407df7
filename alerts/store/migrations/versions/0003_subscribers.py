"""Those who subscribed with a bot, and what is told to them in bulk."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database from the version before to this one; the version before goes on working beside it."""
    op.create_table(
        "bulk_flight",
        sa.Column("bulk", sa.String(length=26), nullable=False),
        sa.Column("chat", sa.BigInteger(), nullable=False),
        sa.Column("doubt", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("bulk", "chat", name=op.f("pk_bulk_flight")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "held_back",
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("chat", sa.BigInteger(), nullable=False),
        sa.Column("bulk", sa.String(length=26), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "chat", "bulk", name=op.f("pk_held_back")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("held_back", schema=None) as batch_op:
        batch_op.create_index("ix_held_back_until", ["channel", "until"], unique=False)

    op.create_table(
        "received",
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("chat", sa.BigInteger(), nullable=False),
        sa.Column("incident", sa.String(length=26), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "chat", "incident", name=op.f("pk_received")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("received", schema=None) as batch_op:
        batch_op.create_index("ix_received_incident", ["channel", "incident", "chat"], unique=False)

    op.create_table(
        "subscriber",
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("chat", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("districts", sa.Text(), nullable=False),
        sa.Column("topics", sa.Text(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("quiet", sa.String(length=11), nullable=True),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "chat", name=op.f("pk_subscriber")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "officer_chat",
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("chat", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("channel", "chat", name=op.f("pk_officer_chat")),
    )
    with op.batch_alter_table("officer_chat", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_officer_chat_account"), ["account"], unique=False)

    op.create_table(
        "link_code",
        sa.Column("account", sa.String(length=100), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_link_code")),
        sa.UniqueConstraint("digest", name=op.f("uq_link_code_digest")),
    )
    op.create_table(
        "officer_told",
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("chat", sa.BigInteger(), nullable=False),
        sa.Column("alert_id", sa.String(length=26), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "chat", "alert_id", name=op.f("pk_officer_told")),
    )
    op.create_table(
        "bulk",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("incident", sa.String(length=26), nullable=False),
        sa.Column("alert_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("topic", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("districts", sa.Text(), nullable=True),
        sa.Column("texts", sa.Text(), nullable=False),
        sa.Column("links", sa.Text(), nullable=False),
        sa.Column("exercise", sa.Boolean(), nullable=False),
        sa.Column("everyone", sa.Boolean(), nullable=False),
        sa.Column("edits", sa.Boolean(), nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_bulk_alert_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_bulk")),
        sa.UniqueConstraint("id", name=op.f("uq_bulk_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("bulk", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bulk_alert_id"), ["alert_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_bulk_incident"), ["incident"], unique=False)
        batch_op.create_index("ix_bulk_work", ["channel", "state", "seq"], unique=False)
