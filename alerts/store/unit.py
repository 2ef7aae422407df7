"""The unit of work: one transaction, with everything that is read and written in it, by subject.

Whoever acts gets one as `unit` and reaches the tables through its parts alone: `unit.alerts.by_id(…)`,
`unit.audit.write(…)`. All parts share the unit's connection, so what is read is what is decided on, and what is written
is committed or undone together. Who begins the transaction, and ends it, is `alerts.store.database`.
"""

from __future__ import annotations

import sqlite3

from alerts.store.alerts import AlertRepository
from alerts.store.archive import Archive
from alerts.store.audit import AuditLog
from alerts.store.monitor import Monitor
from alerts.store.people import Accounts, Drafts, Replies
from alerts.store.restoring import Restored
from alerts.store.sources import SourceMemory
from alerts.store.subscribers import OfficerChats, Subscribers
from alerts.store.views import Views


class Unit:
    """One transaction. Its attributes are its parts, each told where its class is.

    `db` and `execute` are for the store's own statements and for tests.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self.execute = db.execute
        self.alerts = AlertRepository(db)
        self.views = Views(db)
        self.sources = SourceMemory(db)
        self.accounts = Accounts(db)
        self.drafts = Drafts(db)
        self.replies = Replies(db)
        self.audit = AuditLog(db)
        self.subscribers = Subscribers(db)
        self.officer_chats = OfficerChats(db)
        self.monitor = Monitor(db)
        self.archive = Archive(db)
        self.restored = Restored(db)
