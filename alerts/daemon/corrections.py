"""Those on duty hear of what waits for nobody: a correction that went out, two messages that go by one name."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.daemon.awaited_words import Clashed, Corrected, word_clashed, word_corrected
from alerts.daemon.warnings import Notice, topic_of
from alerts.delivery.watch import Say
from alerts.desk.dedupe import clash_of
from alerts.desk.routing import PRACTICE
from alerts.desk.station import Station
from alerts.model.alert import Severity
from alerts.model.incident import AlertState, Record
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


class Clashes:
    """Finds the messages that go by another one's sender and identifier, and weren't told of yet."""

    def __init__(self, desk_url: str | None, station: Station) -> None:
        self._desk_url = desk_url
        self._station = station
        self._read_to: int | None = None

    def news(self, db: sqlite3.Connection, now: datetime) -> Sequence[Notice]:
        """A notice for each of the last hour; one that was told makes none."""
        books, height = StoredBooks(db), stored.decisions_height(db)
        notices = []
        for alert_id in stored.clashes(db, self._read_to, now - NEWS_FOR):
            record = next((each for each in books.by_id(alert_id) if each.id == alert_id), None)
            is_told = bool(books.by_topic(topic_of(_named(alert_id)), now))
            if record is not None and record.alert is not None and not is_told:
                clash = clash_of(books, record.alert, record.source, self._station)
                notices += [self._notice(record, clash.record)] if clash else []
        if not notices:
            self._read_to = height
        return notices

    def _notice(self, record: Record, other: Record) -> Notice:
        clash = Clashed(
            headline=self._headline(record),
            source=record.source,
            other=self._headline(other),
            other_source=other.source,
            kept_back=record.state is AlertState.LEFT_OUT,
            exercise=record.alert is not None and record.alert.status in PRACTICE,
            link=f"{self._desk_url}/alerts/{record.id}" if self._desk_url else f"tocsin explain {record.id}",
        )
        grave = max(Severity.MODERATE, record.severity, key=lambda each: each.rank)
        return Notice(_named(record.id), Say.BEGINS, lambda language: word_clashed(clash, language), grave)

    def _headline(self, record: Record) -> str:
        info = record.alert.info_for(self._station.language) if record.alert else None
        return (info.headline or info.event) if info else record.id


def _named(alert_id: str) -> str:
    return f"conflict {alert_id}"
