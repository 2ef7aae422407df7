"""A connection as a sitting of the desk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime

from alerts.desk.actions import Desk
from alerts.desk.sitting import Sitting
from alerts.store.books import StoredBooks
from alerts.store.drafts import StoredDrafts
from alerts.store.idempotency import StoredReplies
from alerts.store.ledger import StoredLedger
from alerts.store.officer_chats import StoredOfficerChats
from alerts.store.people import StoredAccounts
from alerts.store.subscribers import StoredSubscribers
from alerts.store.views import StoredViews


def sit(db: sqlite3.Connection, desk: Desk, now: datetime, new_id: Callable[[], str]) -> Sitting:
    """All that belongs to the desk over a connection; one that is in a transaction, where anything is written."""
    return Sitting(
        books=StoredBooks(db),
        views=StoredViews(db),
        accounts=StoredAccounts(db),
        drafts=StoredDrafts(db),
        ledger=StoredLedger(db),
        desk=desk,
        now=now,
        new_id=new_id,
        replies=StoredReplies(db),
        subscribers=StoredSubscribers(db),
        officer_chats=StoredOfficerChats(db),
    )
