"""What is shown to people, over a connection that reads."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import bindparam, func, select

from alerts.model.actor import fold_name
from alerts.model.alert import Severity
from alerts.model.bulk import Progress
from alerts.model.incident import Record
from alerts.model.ports import Archived, Event, SourceStanding, Standing, Wanted
from alerts.model.post import Post, PostState
from alerts.store import lists, pruning, public_queries, queries
from alerts.store.bulk import progress
from alerts.store.rows import post_of, record_of
from alerts.store.schema import fact, held_back, look, stamp, time_of
from alerts.store.standings import read_standing
from alerts.store.statement import Statement, upsert_into

_FACT = Statement(select(fact.c.value).where(fact.c.channel == bindparam("channel"), fact.c.key == bindparam("key")))
_LOOK = Statement(
    select(look.c.alert_id).where(look.c.account == bindparam("account"), look.c.incident == bindparam("incident"))
)
_HELD_UNTIL = Statement(select(held_back.c.bulk, func.max(held_back.c.until).label("until")).group_by(held_back.c.bulk))
_LOOKED = upsert_into(look)


class StoredViews:
    """`alerts.model.ports.Views` over a connection."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def on_now(self, now: datetime) -> Sequence[Record]:
        """What is on, waiting, failed or in doubt, oldest first."""
        return queries.on_now(self._db, now)

    def everything(self) -> Sequence[Record]:
        """All messages, with those that were left out, oldest first."""
        return queries.everything(self._db)

    def page(self, wanted: Wanted, *, before: str | None = None, most: int = 50) -> Sequence[Record]:
        """The newest messages first, from before the one of the id `before`."""
        given = lists.conditions_of(wanted, before)
        return [record_of(row) for row in lists.page_of(*given).rows(self._db, **given, most=most)]

    def on(self, now: datetime, *, most: int = 50) -> Sequence[Record]:
        """The newest message of each incident that is on for its readers, gravest first, then what ends first."""
        found: list[Record] = []
        for severity in Severity:
            rows = lists.ON.rows(self._db, severity=severity, now=stamp(now), most=most - len(found))
            found += [record_of(row) for row in rows]
        return found

    def posts_in(self, state: PostState, *, most: int = 50) -> Sequence[Post]:
        """The posts in a state of `TO_BE_SEEN_TO`, gravest first, the newest of them first."""
        return [post_of(row) for row in lists.POSTS_IN.rows(self._db, state=state, most=most)]

    def waiting(self, *, skip: int = 0, most: int = 50) -> Sequence[str]:
        """The alerts that wait: what goes out by itself first, the first of it first, then the gravest, the oldest."""
        return [str(row["alert_id"]) for row in lists.WAITING.rows(self._db, skip=skip, most=most)]

    def held_counts(self) -> Mapping[PostState, int]:
        """How many alerts have posts that wait, failed or are in doubt."""
        return {PostState(row["state"]): int(row["alerts"]) for row in lists.HELD_COUNTS.rows(self._db)}

    def records(self, alerts: Sequence[str]) -> Mapping[str, Record]:
        """The messages of these ids."""
        rows = lists.RECORDS.rows(self._db, alerts=json.dumps(list(alerts)))
        return {row["id"]: record_of(row) for row in rows}

    def threads(self, incidents: Sequence[str]) -> Mapping[str, Sequence[Post]]:
        """The posts of each of these incidents, in the order of storing."""
        grouped: dict[str, list[Post]] = {identity: [] for identity in incidents}
        for row in lists.THREADS.rows(self._db, incidents=json.dumps(list(incidents))):
            grouped[row["incident"]].append(post_of(row))
        return grouped

    def posts_by_alert(self, alerts: Sequence[str]) -> Mapping[str, Sequence[Post]]:
        """The posts of each of these alerts, in order."""
        return queries.posts_by_alert(self._db, alerts)

    def history(self, incident: str) -> Sequence[Event]:
        """Every decision and attempt of an incident, in the order of time."""
        return queries.history(self._db, incident)

    def archived(self, name: str) -> Archived | None:
        """What was kept of a pruned incident, by its own id or that of one of its messages."""
        return pruning.archived(self._db, name)

    def sources(self) -> Mapping[str, SourceStanding]:
        """How each source that was ever looked at is doing."""
        return queries.sources(self._db)

    def post_counts(self) -> Mapping[tuple[str, PostState], int]:
        """How many posts are in each state, by channel and state."""
        counts = queries.post_counts(self._db)
        return {(channel, PostState(state)): posts for (channel, state), posts in counts.items()}

    def open_counts(self) -> Mapping[tuple[str, PostState], int]:
        """How many posts are in each state of `TO_BE_SEEN_TO`, by channel and state."""
        counts = queries.open_counts(self._db)
        return {(channel, PostState(state)): posts for (channel, state), posts in counts.items()}

    def departures(self, channel: str, since: datetime) -> Sequence[datetime]:
        """When the attempts that count left, from `since` on, oldest first."""
        return queries.departures(self._db, channel, since)

    def standing(self, channel: str) -> Standing:
        """How a channel stands with its platform."""
        return read_standing(self._db, channel)

    def fact(self, channel: str, key: str) -> str | None:
        """What a channel keeps under that name."""
        row = _FACT.row(self._db, channel=channel, key=key)
        return str(row["value"]) if row else None

    def sent_between(self, start: datetime, end: datetime, *, most: int = 500) -> Sequence[Post]:
        """The posts that went out in a span of time, oldest first; of more than `most`, the newest."""
        rows = lists.SENT_BETWEEN.rows(self._db, start=stamp(start), end=stamp(end), most=most)
        return [post_of(row) for row in reversed(rows)]

    def starting_between(self, start: datetime, end: datetime, *, most: int = 500) -> Sequence[Record]:
        """The messages that were taken in or wait, whose time touches the span, by when they are over."""
        rows = lists.TOUCHING.rows(self._db, start=stamp(start), end=stamp(end), most=most)
        return [record_of(row) for row in rows]

    def bulks(self, since: datetime) -> Sequence[Progress]:
        """How far what is told to subscribers is: what isn't over, or was over since, in the order of storing."""
        until = {row["bulk"]: time_of(row["until"]) for row in _HELD_UNTIL.rows(self._db)}
        return [replace(each, held_until=until.get(each.bulk.id)) for each in progress(self._db, since)]

    def last_look(self, account: str, incident: str) -> str | None:
        """The id of the newest message of an incident when this account last looked at it."""
        row = _LOOK.row(self._db, account=fold_name(account), incident=incident)
        return str(row["alert_id"]) if row else None

    def looked(self, account: str, incident: str, alert_id: str, now: datetime) -> None:
        """Keep what an account has now seen of an incident."""
        _LOOKED.run(self._db, account=fold_name(account), incident=incident, alert_id=alert_id, at=stamp(now))

    def public_incidents(self, now: datetime) -> Sequence[str]:
        """The incidents that are on or to come, or were over in the last day."""
        return public_queries.public_incidents(self._db, now)

    def messages(self, incidents: Sequence[str]) -> Mapping[str, Sequence[Record]]:
        """The messages of each of these incidents, in the order of storing."""
        return public_queries.messages(self._db, incidents)

    def published(self, most: int) -> Sequence[tuple[str, datetime]]:
        """The incidents of the newest messages that were let out, with when each last changed."""
        return public_queries.published(self._db, most)

    def incident_of(self, name: str) -> str | None:
        """The incident of that id, or of the message of that id."""
        return public_queries.incident_of(self._db, name)
