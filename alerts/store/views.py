"""The views for people: on the desk, for programs, in metrics and for the public; and the changes in them."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.model.alert import Severity
from alerts.model.delivery import ChannelStatus, Progress
from alerts.model.incident import EVERYTHING, MOST_CHANGES, PastEvent, SourceStatus, StoredAlert, Wanted
from alerts.model.person import fold_name
from alerts.model.post import Post, PostState, Quota
from alerts.model.reason import read_reason
from alerts.store import lists, polls
from alerts.store.alerts import post_of, stored_alert_of
from alerts.store.bulk_results import progress, with_subscribers
from alerts.store.conditions import OPEN
from alerts.store.facts import fact
from alerts.store.memory import SourceMemory
from alerts.store.statement import Statement, UnitPart, stamp, time_of, upsert_into

# Nearly all there ever was is accepted: SQLite is to take the index of times, not that of states.
_ON_NOW = Statement(f"""
    SELECT * FROM alert
    WHERE id IN (SELECT id FROM alert WHERE unindexed(state) IN ('accepted', 'waiting') AND expires > :now
                 UNION SELECT alert_id FROM post WHERE {OPEN})
    AND {lists.NO_NOTICE} ORDER BY seq
""")
_ALL = Statement(f"SELECT * FROM alert WHERE {lists.NO_NOTICE} ORDER BY seq")
_POSTS = Statement("SELECT * FROM post WHERE alert_id IN (SELECT value FROM items(:alerts)) ORDER BY seq")
_SOURCES = Statement("SELECT * FROM source")
# From `tally`, which triggers keep: to count would be to read every post that there ever was, each few seconds.
_COUNTS = Statement("SELECT channel, state, posts FROM tally")
_OPEN_COUNTS = Statement(f"SELECT channel, state, count(*) AS posts FROM post WHERE {OPEN} GROUP BY channel, state")


# An export is handed to others for analysis; whoever has these could sign in.
_HIDDEN = {
    "account": ("password", "totp", "handle"),
    "session": ("digest", "csrf", "challenge"),
    "token": ("digest",),
    "listening_secret": ("value",),
    "report_secret": ("value",),
    "report_source": ("source", "source_before"),
    # With these the votes of an open poll could be counted.
    "poll": ("secret",),
    "ballot": ("voter", "nonce", "mark", "network"),
}
# What people said and what leads to them: told to who asks for it alone.
_SAID = {
    "utterance": ("remote_id", "parent", "author", "sealed", "name", "text", "url", "vector", "place"),
    "question": ("words", "centroid"),
    "report": (
        "lat",
        "lon",
        "place",
        "text",
        "token",
        "key",
        "source",
        "source_before",
        "channel",
        "chat",
        "likeness",
        "held",
        "answer",
        "withheld",
        "assigned_to",
    ),
    "report_step": ("said", "channel", "chat"),
    "report_source": ("lat", "lon"),
    "report_photo": ("jpeg", "likeness"),
    "report_forward": ("remote_id", "token", "said", "reason"),
    "content_notice": ("why", "name", "email", "answer"),
    "idempotency": ("body",),
}


_DECISIONS = Statement("""
    SELECT decision.at, decision.alert_id, post.channel, decision.post_id, decision.what, decision.reason
    FROM decision JOIN alert ON alert.id = decision.alert_id LEFT JOIN post ON post.id = decision.post_id
    WHERE alert.incident = :incident ORDER BY decision.seq
""")
# By its alert's: what answers somebody has a thread of its own.
_ATTEMPTS = Statement("""
    SELECT attempt.*, post.id AS of, post.alert_id
    FROM attempt JOIN post ON post.id = attempt.post_id JOIN alert ON alert.id = post.alert_id
    WHERE alert.incident = :incident ORDER BY attempt.seq
""")

# Which incidents the public may ask for; what of them it may see, `alerts.desk.publicity` decides.
LAST_DAY = timedelta(hours=24)

# What is let out is nearly all there is, and grows for ever: SQLite, which doesn't know, would read the whole of it.
_LET_OUT_FOR_REAL = "likely(state = 'accepted') AND likely(status = 'Actual')"
_CURRENT = Statement(f"""
    SELECT incident FROM alert WHERE unlikely(expires > :since) AND {_LET_OUT_FOR_REAL}
    GROUP BY incident ORDER BY min(seq)
""")
_PUBLISHED = Statement(f"""
    SELECT incident, max(received_at) AS at
    FROM (SELECT incident, received_at FROM alert WHERE {_LET_OUT_FOR_REAL} ORDER BY seq DESC LIMIT :most) AS newest
    GROUP BY incident ORDER BY max(received_at) DESC
""")
# The decisions that let a message out: at once, by a validation, or because nobody vetoed it in time.
_MESSAGES = Statement("""
    SELECT alert.*, (SELECT min(at) FROM decision
                     WHERE alert_id = alert.id AND what IN ('accepted', 'approved', 'queued')) AS let_out
    FROM alert WHERE incident IN (SELECT value FROM items(:incidents)) ORDER BY seq
""")
# Whatever changes what the public sees of an incident is decided, and written down with it.
_DECIDED_SINCE = Statement(f"""
    SELECT alert.incident, max(decision.seq) AS seq FROM alert JOIN decision ON decision.alert_id = alert.id
    WHERE decision.seq > :after GROUP BY alert.incident LIMIT {MOST_CHANGES + 1}
""")
_INCIDENT_OF = Statement("SELECT incident FROM alert WHERE id = :name OR incident = :name LIMIT 1")
_PACE = Statement("""
    SELECT left_at FROM attempt WHERE channel = :channel AND counts = TRUE AND left_at >= :since ORDER BY left_at
""")
_STATUS = Statement("SELECT * FROM channel WHERE name = :name")
_LOOK = Statement("SELECT alert_id FROM look WHERE account = :account AND incident = :incident")
_DEFERRED_UNTIL = Statement("SELECT bulk, max(until) AS until FROM held_back GROUP BY bulk")
_LOOKED = upsert_into("look", "account", "incident")


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far the changes were read: the last decision, the last attempt, and the attempts that had no end yet.

    An attempt may end long after later ones, so the newest number or time doesn't reveal it.
    """

    decision: int = 0
    attempt: int = 0
    poll_at: int = 0
    """When a poll is to be opened or closed next, as it is stored; 0: never. It is asked along with the rest."""
    under_way: frozenset[int] = frozenset()

    @property
    def next_poll(self) -> datetime | None:
        """The same as a time."""
        return time_of(self.poll_at or None)


# Each is the end of an index, or an index of few: to ask whether anything changed costs three look-ups, every second.
_DECIDED_LAST = Statement(f"""
    SELECT (SELECT coalesce(max(seq), 0) FROM decision) AS last, ({polls.NEXT_TIME}) AS poll_at
""")
_TRIED_LAST = Statement("SELECT coalesce(max(seq), 0) AS last FROM attempt")
_UNDER_WAY = Statement("SELECT seq FROM attempt WHERE ended_at IS NULL")
_DECIDED = Statement(f"""
    SELECT alert.incident FROM alert JOIN decision ON decision.alert_id = alert.id
    WHERE decision.seq > :after LIMIT {MOST_CHANGES + 1}
""")
_TRIED = Statement(f"""
    SELECT post.incident FROM post JOIN attempt ON attempt.post_id = post.id
    WHERE attempt.seq > :after LIMIT {MOST_CHANGES + 1}
""")
_ENDED = Statement(f"""
    SELECT post.incident FROM post JOIN attempt ON attempt.post_id = post.id
    WHERE attempt.seq IN (SELECT CAST(value AS bigint) FROM items(:attempts)) LIMIT {MOST_CHANGES + 1}
""")


class Views(UnitPart):
    """The views for people: pages, programs, metrics, the public."""

    def on_now(self, now: datetime) -> list[StoredAlert]:
        """Return the alerts that are on, waiting, failed or in doubt, oldest first."""
        return [stored_alert_of(row) for row in _ON_NOW.rows(self._db, now=stamp(now))]

    def everything(self) -> list[StoredAlert]:
        """All messages, with those that were left out, oldest first."""
        return [stored_alert_of(row) for row in _ALL.rows(self._db)]

    def page(self, wanted: Wanted, *, before: str | None = None, most: int = 50) -> Sequence[StoredAlert]:
        """The newest messages first, from before the one of the id `before`."""
        given = lists.conditions_of(self._db, wanted, before)
        return [stored_alert_of(row) for row in lists.page_of(*given).rows(self._db, **given, most=most)]

    def on(self, now: datetime, *, most: int = 50) -> Sequence[StoredAlert]:
        """The newest message of each incident that is on for its readers, gravest first, then what ends first."""
        found: list[StoredAlert] = []
        for severity in Severity:
            rows = lists.ON.rows(self._db, severity=severity, now=stamp(now), most=most - len(found))
            found += [stored_alert_of(row) for row in rows]
        return found

    def posts_in(self, state: PostState, *, most: int = 50) -> Sequence[Post]:
        """The posts in a state of `TO_BE_SEEN_TO`, gravest first, the newest of them first."""
        return [post_of(row) for row in lists.POSTS_IN.rows(self._db, state=state, most=most)]

    def waiting(self, *, skip: int = 0, most: int = 50) -> Sequence[str]:
        """The alerts that wait: what goes out by itself first, the first of it first, then the gravest, the oldest."""
        return [str(row["alert_id"]) for row in lists.WAITING.rows(self._db, skip=skip, most=most)]

    def unsettled_counts(self) -> Mapping[PostState, int]:
        """How many alerts have posts that wait, failed or are in doubt."""
        return {PostState(row["state"]): int(row["alerts"]) for row in lists.UNSETTLED_COUNTS.rows(self._db)}

    def stored_alerts(self, alerts: Sequence[str]) -> Mapping[str, StoredAlert]:
        """The messages of these ids."""
        rows = lists.RECORDS.rows(self._db, alerts=json.dumps(list(alerts)))
        return {row["id"]: stored_alert_of(row) for row in rows}

    def threads(self, incidents: Sequence[str]) -> Mapping[str, Sequence[Post]]:
        """The posts of each of these incidents, in the order of storing."""
        grouped: dict[str, list[Post]] = {identity: [] for identity in incidents}
        for row in lists.THREADS.rows(self._db, incidents=json.dumps(list(incidents))):
            grouped[row["incident"]].append(post_of(row))
        return grouped

    def posts_by_alert(self, alerts: Sequence[str]) -> dict[str, list[Post]]:
        """The posts of each of these alerts, in order."""
        grouped: dict[str, list[Post]] = {identity: [] for identity in alerts}
        posts = [post_of(row) for row in _POSTS.rows(self._db, alerts=json.dumps(list(alerts)))]
        for each in with_subscribers(self._db, posts):
            grouped[each.alert_id].append(each)
        return grouped

    def history(self, incident: str) -> list[PastEvent]:
        """Every decision and attempt of an incident, in the order of time."""
        events = [
            PastEvent(at, row["alert_id"], row["channel"], row["post_id"], row["what"], read_reason(row["reason"]))
            for row in _DECISIONS.rows(self._db, incident=incident)
            if (at := time_of(row["at"]))
        ]
        for row in _ATTEMPTS.rows(self._db, incident=incident):
            of = (row["alert_id"], row["channel"], row["of"])
            if left_at := time_of(row["left_at"]):
                events.append(PastEvent(left_at, *of, row["action"], None))
            if ended_at := time_of(row["ended_at"]):
                named = row["remote_id"]
                events.append(
                    PastEvent(ended_at, *of, row["outcome"], read_reason(row["reason"] or named), remote_id=named)
                )
        return sorted(events, key=lambda event: event.at)

    def sources(self) -> dict[str, SourceStatus]:
        """Return the health of each source that was ever polled."""
        known = SourceMemory(self._db)
        return {
            row["name"]: SourceStatus(
                row["name"],
                time_of(row["last_ok"]),
                row["failures"],
                read_reason(row["reason"]),
                (known.gone_from(row["name"]) or ("", 0))[1] if row["failures"] else 0,
            )
            for row in _SOURCES.rows(self._db)
        }

    def post_counts(self) -> Mapping[tuple[str, PostState], int]:
        """How many posts are in each state, by channel and state."""
        return {(row["channel"], PostState(row["state"])): row["posts"] for row in _COUNTS.rows(self._db)}

    def open_counts(self) -> Mapping[tuple[str, PostState], int]:
        """How many posts are in each state of `TO_BE_SEEN_TO`, by channel and state."""
        return {(row["channel"], PostState(row["state"])): row["posts"] for row in _OPEN_COUNTS.rows(self._db)}

    def departures(self, channel: str, since: datetime) -> list[datetime]:
        """When the attempts that count left, from `since` on, oldest first."""
        rows = _PACE.rows(self._db, channel=channel, since=stamp(since))
        return [time for row in rows if (time := time_of(row["left_at"]))]

    def channel_status(self, channel: str) -> ChannelStatus:
        """Return a channel's health with its platform."""
        row = _STATUS.row(self._db, name=channel)
        if row is None:
            return ChannelStatus()
        quotas = tuple(
            Quota(quota["remaining"], reset, quota["limit"], quota["name"])
            for quota in json.loads(row["quotas"])
            if (reset := time_of(quota["reset"]))
        )
        return ChannelStatus(row["state"], read_reason(row["reason"]), time_of(row["blocked_until"]), quotas)

    def fact(self, channel: str, key: str) -> str | None:
        """Return the fact that a channel keeps under that name. Returns None if there is none."""
        return fact(self._db, channel, key)

    def sent_between(self, start: datetime, end: datetime, *, most: int = 500) -> Sequence[Post]:
        """The posts that went out in a span of time, oldest first; of more than `most`, the newest."""
        rows = lists.SENT_BETWEEN.rows(self._db, start=stamp(start), end=stamp(end), most=most)
        return [post_of(row) for row in reversed(rows)]

    def starting_between(self, start: datetime, end: datetime, *, most: int = 500) -> Sequence[StoredAlert]:
        """The messages that were taken in or wait, whose time touches the span, by when they are over."""
        rows = lists.TOUCHING.rows(self._db, start=stamp(start), end=stamp(end), most=most)
        return [stored_alert_of(row) for row in rows]

    def bulks(self, since: datetime) -> Sequence[Progress]:
        """Return the progress of the bulks that aren't over, or ended since then, in the order of storing."""
        until = {row["bulk"]: time_of(row["until"]) for row in _DEFERRED_UNTIL.rows(self._db)}
        return [replace(each, deferred_until=until.get(each.bulk.id)) for each in progress(self._db, since)]

    def last_look(self, account: str, incident: str) -> str | None:
        """Return the newest message of an incident at this account's last visit, by its id."""
        row = _LOOK.row(self._db, account=fold_name(account), incident=incident)
        return str(row["alert_id"]) if row else None

    def looked(self, account: str, incident: str, alert_id: str, now: datetime) -> None:
        """Keep what an account has now seen of an incident."""
        _LOOKED.run(self._db, account=fold_name(account), incident=incident, alert_id=alert_id, at=stamp(now))

    def public_incidents(self, now: datetime) -> Sequence[str]:
        """The incidents that are on or to come, or were over in the last day, in the order of their beginning."""
        return [row["incident"] for row in _CURRENT.rows(self._db, since=stamp(now - LAST_DAY))]

    def decided(self) -> int:
        """The number of the newest decision, to ask `decided_since` with."""
        return self.watermark_of_decisions()[0]

    def watermark_of_decisions(self) -> tuple[int, int]:
        """The number of the newest decision, and a watermark's `poll_at`."""
        row = _DECIDED_LAST.row(self._db)
        return (int(row["last"]), int(row["poll_at"] or 0)) if row is not None else (0, 0)

    def decided_since(self, after: int) -> Mapping[str, int] | None:
        """The incidents with a decision behind that one, and the number of the newest; None: those are very many."""
        found = {row["incident"]: int(row["seq"]) for row in _DECIDED_SINCE.rows(self._db, after=after)}
        return found if len(found) <= MOST_CHANGES else None

    def messages(self, incidents: Sequence[str]) -> Mapping[str, Sequence[StoredAlert]]:
        """The messages of each of these incidents, in the order of storing.

        One that waited was received, for the public, when it was let out: when it came is the desk's affair.
        """
        grouped: dict[str, list[StoredAlert]] = {identity: [] for identity in incidents}
        for row in _MESSAGES.rows(self._db, incidents=json.dumps(list(incidents))):
            stored = stored_alert_of(row)
            grouped[row["incident"]].append(replace(stored, received_at=time_of(row["let_out"]) or stored.received_at))
        return grouped

    def published(self, most: int) -> Sequence[tuple[str, datetime]]:
        """The incidents of the newest messages that were let out, with when each last changed."""
        return [(row["incident"], at) for row in _PUBLISHED.rows(self._db, most=most) if (at := time_of(row["at"]))]

    def incident_of(self, name: str) -> str | None:
        """The incident of that id, or of the message of that id."""
        row = _INCIDENT_OF.row(self._db, name=name)
        return str(row["incident"]) if row else None

    def version(self) -> int:
        """A number that changes once another connection has written; this connection's own writes don't change it."""
        if isinstance(self._db, sqlite3.Connection):
            return int(self._db.execute("PRAGMA data_version").fetchone()[0])
        return hash(self.watermark())

    def watermark(self) -> Watermark:
        """How far it goes now."""
        decided, poll_at = self.watermark_of_decisions()
        attempted = int(row["last"]) if (row := _TRIED_LAST.row(self._db)) else 0
        return Watermark(decided, attempted, poll_at, frozenset(int(row["seq"]) for row in _UNDER_WAY.rows(self._db)))

    def changed_since(self, mark: Watermark) -> tuple[frozenset[str], Watermark]:
        """The incidents that changed since the mark, and the mark to ask with next time.

        `EVERYTHING` where those are many. A process that only notes what it does itself misses what another
        one does; this finds it in the file.
        """
        now = self.watermark()
        ended = mark.under_way - now.under_way
        found: set[str] = set()
        for statement, is_new, asked in (
            (_DECIDED, now.decision != mark.decision, {"after": mark.decision}),
            (_TRIED, now.attempt != mark.attempt, {"after": mark.attempt}),
            (_ENDED, bool(ended), {"attempts": json.dumps([*ended])}),
        ):
            if is_new:
                rows = statement.rows(self._db, **asked)
                found.update(row["incident"] for row in rows)
                if len(rows) > MOST_CHANGES:
                    return frozenset({EVERYTHING}), now
        return frozenset(found), now

    def export(self, *, with_heard: bool = False) -> Iterator[dict[str, object]]:
        """Every row of every table, as `{"table": …, …}`; what lets somebody in, or could be made to, is `***`.

        So is what people said, unless it is asked for `with_heard`. Bytes are spelled in base64.
        """
        from alerts.store.schema import metadata  # noqa: PLC0415 with SQLAlchemy, which only an export pays for here

        for table in metadata.sorted_tables:
            secret = _HIDDEN.get(table.name, ()) + (() if with_heard else _SAID.get(table.name, ()))
            hidden = dict.fromkeys(secret, "***")
            for row in Statement(f"SELECT * FROM {table.name}").each(self._db):
                shown = {name: value if value is None else hidden.get(name, value) for name, value in dict(row).items()}
                yield {"table": table.name, **{name: _spelled(value) for name, value in shown.items()}}


def _spelled(value: object) -> object:
    """Return a value in a form that JSON can hold: bytes in base64."""
    return base64.b64encode(value).decode() if isinstance(value, bytes | memoryview) else value
