"""Alerts, their posts and what was decided about them: what the desk reads and writes within one transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alerts.model.alert import Alert, Severity, alert_from_json, alert_to_json
from alerts.model.delivery import Bulk
from alerts.model.incident import EVERYTHING, MANUAL, MOST_CHANGES, AlertState, StoredAlert
from alerts.model.post import FOLLOWS, Message, PollForm, Post, PostImage, PostState, Receipt
from alerts.model.reason import Reason, in_words, kept_reason, read_reason
from alerts.store import bulk_statements
from alerts.store.bulk_results import add_bulk, bulks_of, with_subscribers
from alerts.store.mapper import Mapper
from alerts.store.memory import SourceMemory
from alerts.store.pictures import SharedPictures
from alerts.store.statement import Statement, UnitPart, Written, insert_into, moment, stamp, time_of

if TYPE_CHECKING:
    from alerts.store.dialect import Connection, Row

_ADD_ALERT = insert_into("alert", returning="seq")
_ADD_POST = insert_into("post")
_NOTE = insert_into("decision")
_BY_IDENTIFIER = Statement("""
    SELECT * FROM alert WHERE identifier = :identifier AND (CAST(:sender AS text) IS NULL OR sender = :sender)
    ORDER BY seq DESC
""")
_BY_CONTENT = Statement("""
    SELECT * FROM alert WHERE content_key = :content_key AND state <> 'left_out' ORDER BY seq DESC
""")
_BY_HEADLINE = Statement("""
    SELECT * FROM alert
    WHERE headline = :headline AND source = :source AND received_at >= :since AND state <> 'left_out'
    ORDER BY seq DESC
""")
_BY_TOPIC = Statement("""
    SELECT * FROM alert WHERE topic = :topic AND expires > :now AND state IN ('accepted', 'waiting') ORDER BY seq DESC
""")
_WAITING_ON = Statement("""
    SELECT * FROM alert WHERE topic = :topic AND expires > :now AND state = 'waiting' ORDER BY seq DESC
""")
_WAITING_OF = Statement("SELECT severity FROM alert WHERE state = 'waiting' AND source = :source")
_REFER = insert_into("reference")
_REFERRING = Statement("""
    SELECT alert.* FROM alert JOIN reference ON reference.alert_id = alert.id WHERE reference.identifier = :identifier
    ORDER BY alert.seq DESC
""")
_OF_REPORTS = Statement("""
    SELECT * FROM alert
    WHERE state = 'accepted'
    AND incident IN (SELECT incident FROM report WHERE draft = :draft AND incident IS NOT NULL)
    ORDER BY seq DESC
""")
# The highest code point: whatever starts with a prefix sorts before the prefix with this behind it.
_LAST_CHARACTER = "\U0010ffff"
# As a range, which an index serves; LIKE would take `%` and `_` for more than they are. Six of a beginning show that it
# is ambiguous.
_BEGINNINGS = tuple(
    Statement(f"""
        SELECT DISTINCT {name} AS name FROM alert WHERE {name} >= :prefix AND {name} <= :last
        ORDER BY {name} LIMIT 6
    """)
    for name in ("id", "identifier", "incident")
)
_NAMED = Statement("""
    SELECT * FROM alert WHERE seq IN (
        SELECT max(seq) FROM alert WHERE id = :name UNION SELECT max(seq) FROM alert WHERE identifier = :name
        UNION SELECT max(seq) FROM alert WHERE incident = :name)
    ORDER BY seq
""")
_INCIDENT = Statement("SELECT * FROM alert WHERE incident = :incident ORDER BY seq")
_THREAD = Statement("""
    SELECT * FROM post WHERE incident = :incident AND (CAST(:channel AS text) IS NULL OR channel = :channel)
    ORDER BY seq
""")
# What was superseded before anybody could see it: a feed that goes on about one event leaves thousands of these.
_UNSUPERSEDED = Statement("""
    SELECT * FROM post WHERE incident = :incident AND (state <> 'superseded' OR outcome = 'in_doubt') ORDER BY seq
""")
_FIRST_SUPERSEDED = Statement("""
    SELECT MIN(stored_at) AS at FROM post WHERE incident = :incident AND state = 'superseded' AND stored_at > :after
""")
_IS_ACCEPTED = Statement("SELECT 1 FROM alert WHERE incident = :incident AND state = 'accepted' LIMIT 1")
_POSTS_OF = Statement("SELECT * FROM post WHERE alert_id = :alert_id ORDER BY seq")
_POST_BY_PREFIX = Statement("SELECT * FROM post WHERE id >= :prefix AND id <= :last ORDER BY id LIMIT 6")
_SET_ALERT = Statement("UPDATE alert SET state = :state, reason = :reason WHERE id = :key")
# `was` again: a lane may have taken the post since it was read, and what is being sent can't be dropped any more. The
# next try is at once, by the clock of whoever sends it, which may be a little behind.
_MOVE_POST = Statement("""
    UPDATE post SET state = :state, reason = :reason, not_before = :not_before, next_try = NULL
    WHERE id = :key AND state = :was
""")
_PUT_AHEAD = Statement("UPDATE post SET priority = :priority WHERE id = :key AND state = 'queued'")
_TRY_NOW = Statement("UPDATE post SET next_try = NULL WHERE id = :key AND state = 'queued'")
_SET_CLOCK = Statement("""
    UPDATE post SET not_before = :not_before, next_try = :not_before WHERE id = :key AND state = 'waiting'
""")
# The newest message of each incident, and only where somebody reads it: no end is told where nothing was. Given up
# without an answer, a post may be out (`Post.is_doubtful`).
_OVER = Statement("""
    SELECT * FROM alert
    WHERE state = 'accepted' AND expires <= :now AND closed_at IS NULL
    AND NOT EXISTS (
        SELECT 1 FROM alert AS later
        WHERE later.incident = alert.incident AND later.seq > alert.seq
        AND (later.state = 'accepted'
             OR (later.state = 'waiting' AND (later.source = alert.source OR later.source = :manual))))
    AND (EXISTS (
             SELECT 1 FROM post
             WHERE post.incident = alert.incident
             AND (post.state IN ('sent', 'sending', 'in_doubt') OR post.outcome = 'in_doubt'))
         OR EXISTS (SELECT 1 FROM bulk WHERE bulk.incident = alert.incident AND bulk.started_at IS NOT NULL))
    ORDER BY seq LIMIT 100
""")
_INCIDENTS_OF = Statement("SELECT DISTINCT incident FROM alert WHERE id IN (SELECT value FROM items(:alerts))")
_CLOSE = Statement("UPDATE alert SET closed_at = :now WHERE id = :key")
_COPIED = {name: Statement(f"SELECT * FROM {name} WHERE incident = :incident") for name in ("alert", "post")}
Copied = Sequence[tuple[str, dict[str, Any]]]
"""Rows, each with its table."""


class AlertRepository(UnitPart):
    """Messages, the posts they came to and what was decided: what is read here is what is decided on."""

    def __init__(self, db: Connection, written: Written | None = None) -> None:
        super().__init__(db)
        self._written = written or Written()
        self._unknown: set[tuple[str, str | None]] = set()

    def changed(self) -> frozenset[str]:
        """The incidents about which something was decided in this transaction; `EVERYTHING` where those are many."""
        incidents = self._written.incidents
        asked = [alert_id for alert_id, incident in incidents.items() if incident is None]
        if len(asked) > MOST_CHANGES:
            return frozenset({EVERYTHING})
        rows = _INCIDENTS_OF.rows(self._db, alerts=json.dumps(asked)) if asked else []
        found = {row["incident"] for row in rows}.union(each for each in incidents.values() if each is not None)
        return frozenset(found if len(found) <= MOST_CHANGES else {EVERYTHING})

    def by_identifier(self, identifier: str, sender: str | None = None) -> Sequence[StoredAlert]:
        """The messages with this CAP identifier, newest first."""
        # Each rule of the desk asks this of a message, and nearly all are new: only `add` makes one known.
        if (identifier, sender) in self._unknown:
            return []
        rows = _BY_IDENTIFIER.rows(self._db, identifier=identifier, sender=sender)
        if not rows:
            self._unknown.add((identifier, sender))
        return [stored_alert_of(row) for row in rows]

    def by_content(self, content_key: str) -> Sequence[StoredAlert]:
        """The messages with the same words that were not left out, newest first."""
        return [stored_alert_of(row) for row in _BY_CONTENT.rows(self._db, content_key=content_key)]

    def by_headline(self, headline: str, source: str, since: datetime) -> Sequence[StoredAlert]:
        """The messages of a source with this headline that were taken in since, newest first."""
        rows = _BY_HEADLINE.rows(self._db, headline=headline, source=source, since=stamp(since))
        return [stored_alert_of(row) for row in rows]

    def by_topic(self, topic: str, now: datetime) -> Sequence[StoredAlert]:
        """The messages on the same event in the same areas that are taken in, waiting or out, and not over."""
        return [stored_alert_of(row) for row in _BY_TOPIC.rows(self._db, topic=topic, now=stamp(now))]

    def waiting_on(self, topic: str, now: datetime) -> Sequence[StoredAlert]:
        """Those of `by_topic` that wait for a validation or a veto."""
        return [stored_alert_of(row) for row in _WAITING_ON.rows(self._db, topic=topic, now=stamp(now))]

    def waiting_of(self, source: str) -> Sequence[Severity]:
        """How grave each message of a source is that waits for a validation or a veto."""
        return [Severity(row["severity"]) for row in _WAITING_OF.rows(self._db, source=source)]

    def of_reports(self, draft: str) -> Sequence[StoredAlert]:
        """Return the published alerts of the incidents of the reports that a draft cites, newest first."""
        return [stored_alert_of(row) for row in _OF_REPORTS.rows(self._db, draft=draft)]

    def referring(self, identifier: str) -> Sequence[StoredAlert]:
        """The messages whose references name this CAP identifier, newest first."""
        return [stored_alert_of(row) for row in _REFERRING.rows(self._db, identifier=identifier)]

    def by_id(self, prefix: str) -> Sequence[StoredAlert]:
        """The messages whose id, CAP identifier or incident is `prefix`, else those where it starts with it.

        Of an identifier and of an incident it is the newest. More than one: the name is ambiguous.
        """
        if not prefix:
            return []
        exact = _NAMED.rows(self._db, name=prefix)
        return _each_once(stored_alert_of(row) for row in exact or self._beginning_with(prefix))

    def _beginning_with(self, prefix: str) -> list[Row]:
        last = prefix + _LAST_CHARACTER
        return [
            row
            for beginning in _BEGINNINGS
            for name in beginning.rows(self._db, prefix=prefix, last=last)
            for row in _NAMED.rows(self._db, name=name["name"])
        ]

    def incident(self, incident_id: str) -> Sequence[StoredAlert]:
        """The messages of an incident, in the order of storing."""
        return [stored_alert_of(row) for row in _INCIDENT.rows(self._db, incident=incident_id)]

    def thread(self, incident_id: str, channel: str | None = None) -> Sequence[Post]:
        """The posts of an incident, on one channel or all, in the order of storing."""
        return [post_of(row) for row in _THREAD.rows(self._db, incident=incident_id, channel=channel)]

    def unsuperseded(self, incident_id: str) -> Sequence[Post]:
        """The posts of an incident that tell if it is open and where it is: without those superseded unseen."""
        return [post_of(row) for row in _UNSUPERSEDED.rows(self._db, incident=incident_id)]

    def first_superseded(self, incident_id: str, after: datetime | None = None) -> datetime | None:
        """When the first post of an incident was stored, after this time, that was superseded. Returns None if none."""
        row = _FIRST_SUPERSEDED.row(self._db, incident=incident_id, after=stamp(after) or 0)
        return time_of(row["at"]) if row else None

    def is_accepted(self, incident_id: str) -> bool:
        """True if a message of the incident was accepted."""
        return _IS_ACCEPTED.row(self._db, incident=incident_id) is not None

    def posts_of(self, alert_id: str) -> Sequence[Post]:
        """The posts of one alert, in the order of storing."""
        return with_subscribers(self._db, [post_of(row) for row in _POSTS_OF.rows(self._db, alert_id=alert_id)])

    def bulks_of(self, alert_id: str) -> Sequence[Bulk]:
        """Return the messages to the channels' subscribers about one alert."""
        return bulks_of(self._db, alert_id)

    def over(self, now: datetime) -> Sequence[StoredAlert]:
        """Return the newest alert of each incident with readers that is accepted, was over by `now` and isn't closed.

        A waiting alert is the newest too, if the same source or an officer sent it: its incident isn't over before the
        alert was released or rejected.
        """
        return [stored_alert_of(row) for row in _OVER.rows(self._db, now=stamp(now), manual=MANUAL)]

    def close(self, alert_id: str, now: datetime) -> None:
        """Keep that the incident's end was seen to."""
        _CLOSE.run(self._db, key=alert_id, now=stamp(now))

    def post_by_id(self, prefix: str) -> Sequence[Post]:
        """The post whose id is `prefix`, else those whose id starts with it."""
        last = prefix + _LAST_CHARACTER
        posts = [post_of(row) for row in _POST_BY_PREFIX.rows(self._db, prefix=prefix, last=last)] if prefix else []
        return [each for each in posts if each.id == prefix] or posts

    def add(self, stored: StoredAlert) -> None:
        """Keep a message."""
        row = _ADD_ALERT.row(self._db, **ALERT_ROW.values(stored))
        self._written.alert = int(row["seq"]) if row is not None else 0
        self._written.incidents[stored.id] = stored.incident_id
        self._unknown.clear()
        # A set: CAP allows the same reference twice, the table doesn't.
        for identifier in {each.identifier for each in stored.alert.references} if stored.alert else ():
            _REFER.run(self._db, identifier=identifier, alert_id=stored.id)

    def set_alert_state(self, alert_id: str, state: AlertState, reason: Reason | None) -> None:
        """Change what became of a message."""
        _SET_ALERT.run(self._db, key=alert_id, state=state, reason=kept_reason(reason))

    def add_post(self, new: Post) -> None:
        """Put a post into the outbox."""
        _ADD_POST.run(self._db, **POST_ROW.values(new))
        if new.message.image is not None:
            SharedPictures(self._db).share(new.message.image.path)

    def add_bulk(self, new: Bulk) -> None:
        """Store a bulk for a channel's subscribers; it is sent with the post of the same id."""
        add_bulk(self._db, new)

    def subscriber_channels(self, incident_id: str) -> frozenset[str]:
        """Return the channels whose subscribers got messages of the incident, but not its end."""
        return frozenset(row["channel"] for row in bulk_statements.REACHED_CHANNELS.rows(self._db, about=incident_id))

    def move_post(self, moved: Post, state: PostState, reason: Reason | None, *, not_before: datetime | None) -> None:
        """Change a post's state; raises ValueError where `FOLLOWS` doesn't allow it."""
        if state not in FOLLOWS[moved.state]:
            raise ValueError(f"a post that is {moved.state} can't become {state}")
        _MOVE_POST.run(
            self._db,
            key=moved.id,
            was=moved.state,
            state=state,
            reason=kept_reason(reason),
            not_before=stamp(not_before),
        )

    def put_ahead(self, queued: Post, priority: int) -> None:
        """Give a post that is still in the queue another place in its lane."""
        _PUT_AHEAD.run(self._db, key=queued.id, priority=priority)

    def try_now(self, queued: Post) -> None:
        """Have a post that is still in the queue tried again at once, rather than at a time of its own."""
        _TRY_NOW.run(self._db, key=queued.id)

    def set_clock(self, waiting: Post, not_before: datetime | None) -> None:
        """Let a post that waits go out by itself at that time; None: only when somebody validates it."""
        _SET_CLOCK.run(self._db, key=waiting.id, not_before=stamp(not_before))

    def gone_from(self, source: str) -> tuple[str, int] | None:
        """Return the entries that vanished from a source at once, undecided so far: their key and their number."""
        return SourceMemory(self._db).gone_from(source)

    def agree(self, source: str, key: str, now: datetime) -> None:
        """Keep that an officer agreed to what a source asked under that name: it finds it when it is read next."""
        SourceMemory(self._db).hear(source, [key], now)

    def note(self, at: datetime, alert_id: str, post_id: str | None, what: str, reason: Reason | None) -> None:
        """Write a decision down, for `explain`."""
        self._written.incidents.setdefault(alert_id, None)
        _NOTE.run(self._db, at=stamp(at), alert_id=alert_id, post_id=post_id, what=what, reason=kept_reason(reason))

    def copied(self, incident: str) -> Copied:
        """Return the rows that decide on a thread, for a decision outside the database."""
        rows = []
        for table in ("alert", "post"):
            found = _COPIED[table].rows(self._db, incident=incident)
            rows += [(table, dict(row)) for row in found]
        return rows

    def paste(self, copied: Copied) -> None:
        """Make these rows anew, in a database that knows none of them."""
        for table, values in copied:
            columns, marks = ", ".join(f'"{name}"' for name in values), ", ".join(f":{name}" for name in values)
            self._db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", values)


def _each_once(stored_alerts: Iterable[StoredAlert]) -> list[StoredAlert]:
    return list({stored.id: stored for stored in stored_alerts}.values())


def _of_alert(value: Callable[[Alert], Any]) -> Callable[[StoredAlert], Any]:
    return lambda stored: value(stored.alert) if stored.alert else None


def _reasons(written: str) -> tuple[Reason, ...]:
    return tuple(reason for each in json.loads(written) if (reason := read_reason(each)))


def _kept_reasons(reasons: Sequence[Reason]) -> str:
    return json.dumps([each.kept() for each in reasons], ensure_ascii=False)


def _form_of(kept: str) -> PollForm:
    data = json.loads(kept)
    return PollForm(data["question"], tuple(data["options"]), moment(data["closes_at"]))


def _kept_form(form: PollForm) -> str:
    data = {"question": form.question, "options": form.options, "closes_at": stamp(form.closes_at)}
    return json.dumps(data, ensure_ascii=False)


ALERT_ROW = Mapper(
    StoredAlert,
    columns={"incident_id": "incident", "alert": "document"},
    reads={
        "alert": alert_from_json,
        "notes": lambda kept: tuple(read_reason(note) or in_words(note) for note in json.loads(kept)),
    },
    writes={"alert": alert_to_json, "notes": _kept_reasons},
    identifier=_of_alert(lambda alert: alert.identifier),
    sender=_of_alert(lambda alert: alert.sender),
    sent=_of_alert(lambda alert: stamp(alert.sent)),
    status=_of_alert(lambda alert: alert.status),
    msg_type=_of_alert(lambda alert: alert.msg_type),
    severity=lambda stored: stored.severity,
    headline=_of_alert(lambda alert: (alert.infos[0].headline or alert.infos[0].event) if alert.infos else None),
    expires=_of_alert(lambda alert: stamp(alert.ends)),
    closed_at=lambda _: None,
)
POST_ROW = Mapper(
    Post,
    columns={"incident_id": "incident"},
    without=("seq",),
    unstored=("subscribers",),
    reads={"warnings": _reasons},
    writes={"warnings": _kept_reasons},
    parts={
        "message": Mapper(
            Message,
            unstored=("about",),
            reads={"poll": _form_of},
            writes={"poll": _kept_form},
            parts={"image": Mapper(PostImage, columns={"path": "image"})},
        ),
        "receipt": Mapper(Receipt),
    },
)
stored_alert_of, post_of = ALERT_ROW.read, POST_ROW.read
