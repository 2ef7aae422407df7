"""The conditions of partial indexes: only a statement with the same text uses them, so other queries are unaffected."""

from __future__ import annotations

# Posts that something may still happen to.
OPEN = "state IN ('waiting', 'queued', 'sending', 'in_doubt', 'failed')"
NOT_CLOSED = "state = 'accepted' AND closed_at IS NULL"
# Alerts that weren't accepted.
NOT_ACCEPTED = "state IN ('waiting', 'left_out', 'rejected')"
NAMED = "source <> ''"
KNOWN = "remote_id IS NOT NULL"
UNDER_WAY = "ended_at IS NULL"
UNHANDLED = "state = 'unread'"
ASKING = "question IS NOT NULL"
WORDS = "text IS NOT NULL"
ANSWERS = "answer IS NOT NULL"
OPEN_REPORTS = "state IN ('received', 'held', 'accepted', 'assigned')"
SOURCED = "source IS NOT NULL"
CITED = "draft IS NOT NULL AND incident IS NULL"
EXACT = "NOT rounded"
DUPLICATES = "duplicate_of IS NOT NULL"
UNTOLD = "told_at IS NULL AND chat IS NOT NULL"
