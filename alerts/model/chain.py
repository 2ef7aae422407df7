"""How the lines of the audit log are bound together."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

from alerts.model.person import AuditEntry

BEGINNING = "0" * 64
"""What stands for the line before the first."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def digest_of(previous: str, entry: AuditEntry) -> str:
    """SHA-256 over the line before and every field of this one, as JSON, so that no two fields can be run together.

    The time is in whole microseconds since 1970, in UTC.
    """
    fields = [
        previous,
        (entry.at - _EPOCH) // _MICROSECOND,
        entry.actor,
        entry.role,
        entry.origin,
        entry.address,
        entry.act,
        entry.subject,
        entry.detail,
    ]
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
