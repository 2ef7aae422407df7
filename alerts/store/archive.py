"""Moves finished incidents out of their tables, a few at a time; the data of their reports stays in the archive.

An incident may go when all its messages were over before a given time, and none of it waits, is under way, in doubt, or
being sent to subscribers. Its rows are packed into one row of `archive`, from which its report can be made at any time;
messages without any post leave nothing. The audit log is never touched.

One transaction takes a few milliseconds, so that a lane waits for no more. It follows the alerts by their number, and
returns the last one.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from alerts.model.incident import Archived
from alerts.store.alerts import AlertRepository
from alerts.store.files import blank
from alerts.store.statement import Statement, UnitPart, stamp, upsert_into
from alerts.store.views import Views

if TYPE_CHECKING:
    from alerts.store.dialect import Connection

MOST = 20
"""Incidents of one transaction."""
# Alerts read in one transaction, which the lanes wait for.
_LOOKED_AT = 200
# A failed post is finished: it waits for an officer, but after `[store] keep` nobody comes back to it.
_UNFINISHED = "'waiting', 'queued', 'sending', 'in_doubt'"
# Incidents without readers are closed after this; they never get an end.
_SETTLED_AFTER = timedelta(days=30)
_OLDEST = Statement(f"""
    SELECT seq, incident, received_at FROM alert WHERE seq > :after ORDER BY seq LIMIT {_LOOKED_AT}
""")
_LASTS = Statement(f"""
    SELECT seq FROM alert
    WHERE incident = :incident
    AND (received_at > :before OR expires > :before OR closed_at > :before OR state = 'waiting'
         OR EXISTS (SELECT 1 FROM post WHERE post.incident = alert.incident AND post.state IN ({_UNFINISHED}))
         OR EXISTS (
             SELECT 1 FROM bulk WHERE bulk.incident = alert.incident AND bulk.state IN ('queued', 'sending')))
    LIMIT 1
""")
_ALERTS = "SELECT id FROM alert WHERE incident = :incident"
# By their alert: an answer's post has a thread of its own, and goes with the alert that it belongs to.
_POSTS = "SELECT id FROM post WHERE alert_id IN (SELECT id FROM alert WHERE incident = :incident)"
_OF_INCIDENT = "SELECT id FROM post WHERE incident = :incident"
_BULKS = "SELECT id FROM bulk WHERE incident = :incident"
_CHANNELS = "SELECT channel FROM bulk WHERE incident = :incident"
# An incident's rows, table by table, in the order in which they may go: each is referred to by those before alone.
_ROWS = {
    "attempt": f"post_id IN ({_POSTS})",
    "decision": f"alert_id IN ({_ALERTS})",
    "reference": f"alert_id IN ({_ALERTS})",
    "bulk_flight": f"bulk IN ({_BULKS})",
    "bulk_landed": f"bulk IN ({_BULKS})",
    "received": f"incident = :incident AND channel IN ({_CHANNELS})",
    "bulk": "incident = :incident",
    "post": f"alert_id IN ({_ALERTS})",
    "alert": "incident = :incident",
}
# What a report is made of. What was answered isn't kept: it names who asked, by the platform's ids.
_REPORTED = {
    table: Statement(f"SELECT * FROM {table} WHERE {rows} ORDER BY seq")
    for table, rows in (
        ("alert", _ROWS["alert"]),
        ("post", "incident = :incident"),
        ("decision", f"{_ROWS['decision']} AND (post_id IS NULL OR post_id IN ({_OF_INCIDENT}))"),
        ("attempt", f"post_id IN ({_OF_INCIDENT})"),
    )
}
_GONE = tuple(Statement(f"DELETE FROM {table} WHERE {rows}") for table, rows in _ROWS.items())
_KEEP = upsert_into("archive", "name")
_FIND = Statement("SELECT incident FROM archive WHERE name = :name")
_PACKED = Statement("SELECT kept FROM archive WHERE name = :name AND kept IS NOT NULL")
# It has no readers, so its end is never published: left open, every search for expired alerts would pass it.
_CLOSE = Statement(f"""
    UPDATE alert SET closed_at = :now
    WHERE seq IN (
        SELECT seq FROM alert AS later
        WHERE state = 'accepted' AND closed_at IS NULL AND expires <= :before
        AND NOT EXISTS (
            SELECT 1 FROM post WHERE post.incident = later.incident AND post.state IN ({_UNFINISHED}, 'sent'))
        AND NOT EXISTS (SELECT 1 FROM bulk WHERE bulk.incident = later.incident AND bulk.started_at IS NOT NULL)
        LIMIT {_LOOKED_AT})
""")


@dataclass(frozen=True, slots=True)
class Slice:
    """The result of one transaction: the last alert's number, and how many incidents were archived."""

    after: int
    gone: int
    is_last: bool


class Archive(UnitPart):
    """The pruned incidents, and the pruning itself."""

    def prune(self, before: datetime, now: datetime, after: int = 0) -> Slice:
        """Archive some of the incidents that ended before `before`, beginning behind the alert number `after`."""
        gone: set[str] = set()
        for row in (rows := _OLDEST.rows(self._db, after=after)):
            if row["received_at"] > (stamp(before) or 0):
                return Slice(after, len(gone), is_last=True)
            incident = str(row["incident"])
            if incident not in gone and _LASTS.row(self._db, incident=incident, before=stamp(before)) is None:
                if len(gone) == MOST:
                    return Slice(after, len(gone), is_last=False)
                _take(self._db, incident, now)
                gone.add(incident)
            after = int(row["seq"])
        return Slice(after, len(gone), is_last=len(rows) < _LOOKED_AT)

    def close_what_nobody_reads(self, now: datetime) -> int:
        """Close messages that ended over a month ago and have no readers, some at a time; returns how many."""
        return _CLOSE.run(self._db, before=stamp(now - _SETTLED_AFTER), now=stamp(now)).rowcount

    def find(self, name: str) -> Archived | None:
        """Return the archive of the incident of that id, or of the message of that id.

        Returns None if there is none.
        """
        found = _FIND.row(self._db, name=name)
        packed = _PACKED.row(self._db, name=found["incident"]) if found else None
        if found is None or packed is None:
            return None
        kept: dict[str, list[dict[str, Any]]] = json.loads(zlib.decompress(packed["kept"]))
        incident = str(found["incident"])
        from alerts.store.schema import metadata  # noqa: PLC0415 with SQLAlchemy, which `blank` needs as well

        with blank() as paper:
            for table, rows in kept.items():
                known = {column.name for column in metadata.tables[table].columns}
                for row in rows:
                    columns = [name for name in row if name in known]
                    names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
                    values = [row[name] for name in columns]
                    paper.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)
            alerts = AlertRepository(paper)
            return Archived(
                incident, alerts.incident(incident), alerts.thread(incident), Views(paper).history(incident)
            )


def _take(db: Connection, incident: str, now: datetime) -> None:
    about = {"incident": incident}
    kept = {table: [dict(row) for row in reported.rows(db, **about)] for table, reported in _REPORTED.items()}
    if kept["post"]:
        packed = zlib.compress(json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode())
        for each in kept["alert"]:
            _KEEP.run(db, name=each["id"], incident=incident, kept=None, at=stamp(now))
        _KEEP.run(db, name=incident, incident=incident, kept=packed, at=stamp(now))
    for gone in _GONE:
        gone.run(db, **about)
