"""The triggers that index alerts' words, nested no deeper than SQLite's parser goes before 3.46.

The previous version can work on it too: its triggers index the same words.
"""

from __future__ import annotations

from alembic import op

from alerts.store.files import TRIGGERS

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the database to this version; the previous version can go on working on it."""
    if op.get_bind().dialect.name != "sqlite":
        return
    for name in ("alert_is_found", "alert_is_found_anew", "alert_is_found_no_more"):
        op.get_bind().exec_driver_sql(f"DROP TRIGGER {name}")
        op.get_bind().exec_driver_sql(f"CREATE TRIGGER {name} {TRIGGERS[name]}")
