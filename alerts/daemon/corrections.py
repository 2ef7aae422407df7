"""Those on duty hear of each correction: its words go out at once, and nobody validated them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.daemon.awaited_words import Corrected, word_corrected
from alerts.daemon.warnings import Notice, topic_of
from alerts.delivery.watch import Say
from alerts.desk.routing import PRACTICE
from alerts.model.alert import Severity
from alerts.model.person import Entry
from alerts.store import awaited as stored
from alerts.store.books import StoredBooks

NEWS_FOR = timedelta(hours=1)
"""How long ago it may have been said for those on duty to be told: as long as the daemon may have been down."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """Finds the corrections that weren't told yet. `desk_url` is where the desk is, `language` the station's."""

    desk_url: str | None
    language: str

    def news(self, db: sqlite3.Connection, after: int, now: datetime) -> Sequence[Notice]:
        """A notice for each since the line `after` of the record of who did what; one that was told makes none."""
        books = StoredBooks(db)
        lines = stored.corrections(db, after, now - NEWS_FOR)
        untold = [line for line in lines if not books.by_topic(topic_of(_key(line.subject)), now)]
        return [self._notice(books, line) for line in untold]

    def _notice(self, books: StoredBooks, line: Entry) -> Notice:
        record = next(iter(books.by_id(line.subject)), None)
        alert = record.alert if record else None
        info = alert.info_for(self.language) if alert else None
        severity = record.severity if record else Severity.UNKNOWN
        corrected = Corrected(
            headline=(info.headline or info.event) if info else line.subject,
            severity=severity,
            who=line.actor,
            said=alert.note if alert else None,
            exercise=alert is not None and alert.status in PRACTICE,
            link=f"{self.desk_url}/alerts/{line.subject}" if self.desk_url else None,
        )
        grave = max(Severity.MODERATE, severity, key=lambda each: each.rank)
        return Notice(_key(line.subject), Say.BEGINS, lambda language: word_corrected(corrected, language), grave)


def _key(alert_id: str) -> str:
    return f"corrected {alert_id}"
