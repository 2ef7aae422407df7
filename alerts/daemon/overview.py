"""What is shown of the whole: alerts with their posts, sources, channels, and one alert's history."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from alerts.config import MANUAL
from alerts.daemon.counter import Counter, now
from alerts.delivery.limiter import Pace
from alerts.desk.account import account_of
from alerts.desk.approval import find_alert
from alerts.desk.thread import channels_on
from alerts.model.cap_xml import write
from alerts.model.errors import Refused
from alerts.model.incident import AlertState, Record
from alerts.model.ports import Standing
from alerts.model.post import TO_BE_SEEN_TO
from alerts.sources.settings import PolledSettings
from alerts.store import queries
from alerts.store.books import StoredBooks
from alerts.store.standings import read_standing

QUIET_AFTER = timedelta(minutes=30)
_PENDING = ("queued", "sending", "in_doubt", "waiting")


def accounts(counter: Counter, *, everything: bool) -> list[dict[str, Any]]:
    """What is on, waiting, failed or in doubt; everything: all there ever was, with what was left out."""

    def question(db: sqlite3.Connection) -> list[dict[str, Any]]:
        records = queries.everything(db) if everything else _concerning(db, queries.on_now(db, now()))
        return _with_posts(counter, db, records)

    return counter.query(question)


def _concerning(db: sqlite3.Connection, records: Sequence[Record]) -> list[Record]:
    """Of each incident the newest message, while it is on; and every message of which a post is still to be seen to."""
    newest = {record.incident_id: record for record in records if record.state is not AlertState.LEFT_OUT}
    posts = queries.posts_by_alert(db, [record.id for record in records])
    books = StoredBooks(db)
    return [
        record
        for record in records
        if any(post.state in TO_BE_SEEN_TO for post in posts[record.id])
        or (newest.get(record.incident_id) == record and channels_on(books.thread(record.incident_id)))
    ]


def one_account(counter: Counter, name: str) -> dict[str, Any]:
    """One alert with its posts. Raises Misuse."""

    def question(db: sqlite3.Connection) -> dict[str, Any]:
        return _with_posts(counter, db, [find_alert(StoredBooks(db), name)])[0]

    return counter.query(question)


def _with_posts(counter: Counter, db: sqlite3.Connection, records: Sequence[Record]) -> list[dict[str, Any]]:
    station = counter.desk.station
    posts = queries.posts_by_alert(db, [record.id for record in records])
    return [account_of(record, posts[record.id], station.timezone, station.language) for record in records]


def cap_message(counter: Counter, name: str) -> str:
    """One alert as a CAP 1.2 message. Raises Misuse, or Refused for an entry that could not be read."""
    record = counter.query(lambda db: find_alert(StoredBooks(db), name))
    if record.alert is None:
        raise Refused(f"{record.id} could not be read when it came, so there is no message: {record.reason}")
    return write(record.alert).decode()


def sources(counter: Counter) -> Iterator[dict[str, Any]]:
    """How each source is doing, as `status --json` has it."""
    known = counter.query(queries.sources)
    zone = counter.desk.station.timezone
    for name, settings in counter.config.sources.items():
        if name == MANUAL or not isinstance(settings, PolledSettings):
            continue
        found = known.get(name)
        last_ok = found.last_ok if found else None
        quiet = last_ok is None or now() - last_ok > max(settings.every * 3, QUIET_AFTER)
        state = "failing" if found and found.reason else "quiet" if quiet else "ok"
        yield {
            "source": name,
            "state": state,
            "last_ok": last_ok.astimezone(zone).isoformat(timespec="seconds") if last_ok else None,
            "reason": (found.reason if found else None) or ("it was not read lately" if state == "quiet" else None),
        }


def channels(counter: Counter) -> Iterator[dict[str, Any]]:
    """How each channel is doing and how much of its windows is left, as `status --json` has it."""
    moment = now()
    counts = counter.query(queries.post_counts)
    for name, settings in counter.config.channels.items():
        pace = Pace(settings.limits, settings.kept_back)
        left, standing = counter.query(partial(_pace_and_standing, name, moment - pace.memory))
        troubled = standing.state == "blocked" or (
            standing.blocked_until is not None and standing.blocked_until > moment
        )
        yield {
            "channel": name,
            "state": standing.state if troubled else "ok",
            "left": pace.left(left, moment),
            "reserve": pace.reserve,
            "queued": sum(counts.get((name, state), 0) for state in _PENDING),
            "reason": standing.reason if troubled else None,
        }


def _pace_and_standing(name: str, since: datetime, db: sqlite3.Connection) -> tuple[list[datetime], Standing]:
    return queries.departures(db, name, since), read_standing(db, name)


def history(counter: Counter, name: str) -> list[dict[str, Any]]:
    """Every decision and attempt of an alert and its whole incident, in order. Raises Misuse."""
    zone = counter.desk.station.timezone

    def question(db: sqlite3.Connection) -> list[dict[str, Any]]:
        record = find_alert(StoredBooks(db), name)
        return [_spell(event, zone) for event in queries.history(db, record.incident_id)]

    return counter.query(question)


def _spell(event: queries.Event, zone: Any) -> dict[str, Any]:
    at: datetime = event.at.astimezone(zone)
    return {
        "at": at.isoformat(timespec="milliseconds"),
        "alert": event.alert_id,
        "channel": event.channel,
        "post": event.post_id,
        "what": event.what,
        "reason": event.reason,
    }
