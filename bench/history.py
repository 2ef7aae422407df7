"""A database with years of finished posts, made in half a minute: `python -m bench.history FILE [POSTS]`.

One row of each table is laid out in Python, by the store's own functions; SQLite then counts up and replaces what
differs from row to row: ids, words, times. The indexes are dropped meanwhile and made at the end, and no journal is
written: nobody else may have the file open, and after a kill halfway one begins again with a new file.

`copy_to` makes one for all subjects of a run, and copies it.
"""

from __future__ import annotations

import atexit
import json
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from alerts.model.alert import Severity
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.post import Means, Message, Post, PostKind, PostState, Receipt
from alerts.model.reason import because, kept_reason
from alerts.store.alerts import ALERT_ROW, POST_ROW
from alerts.store.files import connect, migrate
from alerts.store.statement import stamp
from bench import samples

POSTS = 1_000_000
CHANNELS = ("x", "page", "telegram")
"""On which each alert has a post, unless told otherwise."""
YEARS = timedelta(days=3 * 365)
"""How far back the history goes; its newest alert was over two days ago."""
_HOUR = timedelta(hours=1) // timedelta(microseconds=1)
_LASTED = timedelta(hours=9)
_EVENTS = (
    "Vent violent",
    "Orage",
    "Crue",
    "Verglas",
    "Canicule",
    "Coupure d’eau",
    "Feu de forêt",
    "Éboulement",
    "Neige",
)
_PLACES = ("Bellevue", "Saint-Roch", "la Halle", "Pont-Neuf", "les Chênes", "Montplaisir", "l’Église", "Île-Verte")
_N, _E, _P = "{number}", "{event}", "{place}"
_WORDS = f"{_E} à {_P} : rue {_N}"
_COUNT = """
WITH RECURSIVE count(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM count WHERE n < :last), one AS (
    SELECT n, printf('h%011d', n) AS name, :began + n * :step AS at,
        json_extract(:events, '$[' || (n * 7 % :kinds) || ']') AS event,
        json_extract(:places, '$[' || (n * 13 % :spots) || ']') AS place
    FROM count)
"""


def fill(path: Path, posts: int = POSTS, *, channels: Sequence[str] = CHANNELS, now: datetime | None = None) -> int:
    """Put so many sent posts, their alerts, attempts and decisions into the database at `path`; returns how many.

    The file is made and brought up to date where it isn't there. Each alert was published on each of the channels; all
    are over and closed, and lie evenly in the three years before `now`.
    """
    migrate(path)
    alerts = -(-posts // len(channels))
    last = (now or datetime.now(UTC)) - timedelta(days=2)
    with closing(connect(path)) as db:
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA cache_size = -200000")
        indexes = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
        for index in indexes:
            db.execute(f'DROP INDEX "{index["name"]}"')
        _insert(db, alerts, channels, last)
        for index in indexes:
            db.execute(index["sql"])
        db.execute("PRAGMA journal_mode = WAL")
    return alerts * len(channels)


def copy_to(path: Path, posts: int = POSTS) -> None:
    """Lay a database with such a history at `path`, where there is none. It is made once in this process."""
    shutil.copy(_made(posts), path)


@cache
def _made(posts: int) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tocsin-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    fill(folder / "history.db", posts)
    return folder / "history.db"


def _insert(db: sqlite3.Connection, alerts: int, channels: Sequence[str], last: datetime) -> None:
    first = (db.execute("SELECT max(seq) FROM alert").fetchone()[0] or 0) + 1
    counted: dict[str, Any] = {
        "first": first,
        "last": first + alerts - 1,
        "began": stamp(last - YEARS),
        "step": YEARS // timedelta(microseconds=1) // alerts,
        "events": json.dumps(_EVENTS),
        "kinds": len(_EVENTS),
        "places": json.dumps(_PLACES),
        "spots": len(_PLACES),
    }
    stored, post = _laid_out()
    over = f"at + {_LASTED // timedelta(microseconds=1)}"
    moments = {samples.NOW: "at", samples.NOW + timedelta(hours=1): f"at + {_HOUR}", samples.NOW + _LASTED: over}
    words = {_N: "n", _E: "event", _P: "place"} | {at.isoformat(): _iso(value) for at, value in moments.items()}
    times = {"sent": "at", "received_at": "at", "expires": over, "closed_at": over}
    own = {
        "id": "name",
        "incident": "name",
        "identifier": "'urn:history:' || n",
        "content_key": "name",
        "topic": "name",
    }
    texts = {column: _replaced(column, words) for column in ("headline", "document")}
    each = _COUNT + "SELECT {} FROM one"
    _multiply(db, "alert", ALERT_ROW.values(stored), {**times, **own, **texts}, each, given=counted)
    each = "SELECT {} FROM alert AS a, json_each(:channels) AS c WHERE a.seq BETWEEN :first AND :last ORDER BY a.seq"
    among = {"first": first, "last": first + alerts - 1, "channels": json.dumps(channels)}
    own = {"id": "'p' || c.key || substr(a.id, 2)", "alert_id": "a.id", "incident": "a.incident", "channel": "c.value"}
    times = {"stored_at": "a.received_at", "attempted_at": "a.received_at + 500", "sent_at": "a.received_at + 1000"}
    texts = dict.fromkeys(("text", "plain"), "a.headline || char(10) || :text")
    known = {"remote_id": "a.seq * 10 + c.key", "expires": "a.expires", "url": "'https://posts.example/' || a.seq"}
    _multiply(db, "post", POST_ROW.values(post), {**own, **times, **texts, **known}, each, given=among)
    of_posts = "SELECT {} FROM post AS p JOIN alert AS a ON a.id = p.alert_id WHERE a.seq BETWEEN :first AND :last"
    sent = {"action": "send", "owner": "history", "counts": 1, "outcome": "sent"}
    about = {"post_id": "p.id", "channel": "p.channel", "remote_id": "p.remote_id", "left_at": "p.sent_at"}
    _multiply(
        db, "attempt", sent, {**about, "ended_at": "p.sent_at + 200000"}, of_posts + " ORDER BY p.seq", given=among
    )
    decided = {"what": "accepted", "reason": kept_reason(because("taken_in", source="manual", publish="auto"))}
    of_alerts = "SELECT {} FROM alert AS a WHERE a.seq BETWEEN :first AND :last ORDER BY a.seq"
    _multiply(db, "decision", decided, {"at": "a.received_at", "alert_id": "a.id"}, of_alerts, given=among)


def _multiply(
    db: sqlite3.Connection,
    table: str,
    row: Mapping[str, Any],
    made: Mapping[str, str],
    rows: str,
    *,
    given: Mapping[str, Any],
) -> None:
    """Insert the row once for each that the query `rows` yields, with the columns that are `made` by an expression."""
    columns = {**{name: f":{name}" for name in row}, **made}
    names = ", ".join(f'"{name}"' for name in columns)
    db.execute(f"INSERT INTO {table} ({names}) {rows.format(', '.join(columns.values()))}", {**row, **given})


def _replaced(column: str, words: Mapping[str, str]) -> str:
    """An expression: the column's text with the marks replaced."""
    expression = f":{column}"
    for mark, value in words.items():
        expression = f"replace({expression}, '{mark}', {value})"
    return expression


def _iso(stamped: str) -> str:
    """An expression: that time as a document says it."""
    return f"strftime('%Y-%m-%dT%H:%M:%S+00:00', ({stamped}) / 1000000, 'unixepoch')"


def _laid_out() -> tuple[StoredAlert, Post]:
    alert = samples.an_alert("urn:history:" + _N)
    info = replace(alert.infos[0], headline=_WORDS, event=_E)
    stored = StoredAlert("", "", "manual", replace(alert, infos=(info,)), AlertState.ACCEPTED, samples.NOW)
    post = Post(
        id="",
        alert_id="",
        incident_id="",
        channel="",
        kind=PostKind.PUBLISH,
        means=Means.NEW,
        state=PostState.SENT,
        priority=100,
        message=Message(info.instruction or "", ""),
        severity=Severity.SEVERE,
        stored_at=samples.NOW,
        tries=1,
        receipt=Receipt("", ""),
        sent_at=samples.NOW,
        outcome="sent",
    )
    return stored, post


if __name__ == "__main__":
    print(fill(Path(sys.argv[1]), *map(int, sys.argv[2:3])))
