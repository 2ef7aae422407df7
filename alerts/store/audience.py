"""For how many subscribers an alert is, counted by the database; nobody is named by it.

The rule is `alerts.model.subscriber.wants`, said in SQL: to bring a hundred thousand rows into Python for a number
would hold its interpreter for a third of a second, and the database answers in a twentieth. People who wait for a
preview ask this, so no question is long: a stretch looks at `STRETCH` subscribers, in the order of their chats as the
walk of a bulk does. Whoever counts them all goes on from `last`, and others have their turn in between.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Select, and_, bindparam, case, exists, func, literal_column, or_, select

from alerts.model.alert import Severity
from alerts.model.subscriber import Notice, Quiet, Topic
from alerts.store.bulk_statements import FAR_BELOW
from alerts.store.dialect import json_items
from alerts.store.schema import received, subscriber
from alerts.store.statement import Statement, UnitPart
from alerts.store.subscribers import quiet_of

STRETCH = 5000
"""Subscribers that one question looks at: some milliseconds."""

_AFTER: ColumnElement[int] = func.coalesce(bindparam("after"), literal_column(str(FAR_BELOW)))
_NONE: ColumnElement[str] = literal_column("'[]'")


def _shares(column: ColumnElement[str], parameter: str) -> ColumnElement[bool]:
    """Whether the column's JSON array and the parameter's have a value in common."""
    here, there = json_items(column), json_items(bindparam(parameter))
    return exists(select(here.c.value).where(here.c.value.in_(select(there.c.value))).correlate_except(here))


def _counted(stretch: Select[Any]) -> Statement:
    """Of each kind of quiet hours how many were looked at, and for how many it is; and the last chat of all."""
    looked = stretch.limit(bindparam("most")).subquery("looked")
    wanted = and_(
        or_(bindparam("any_severity", type_=Boolean), looked.c.severity <= bindparam("rank")),
        or_(
            bindparam("vital", type_=Boolean),
            looked.c.topics == _NONE,
            _shares(looked.c.topics, "topic"),
            ~_shares(looked.c.topics, "topics"),
        ),
        or_(bindparam("everywhere", type_=Boolean), looked.c.districts == _NONE, _shares(looked.c.districts, "codes")),
    )
    wants = func.sum(case((wanted, 1), else_=0)).label("wants")
    people, last = func.count().label("people"), func.max(looked.c.chat).label("last")
    return Statement(select(looked.c.quiet, people, wants, last).select_from(looked).group_by(looked.c.quiet))


_CHOSEN = (subscriber.c.districts, subscriber.c.topics, subscriber.c.severity, subscriber.c.quiet)
EVERYBODY = _counted(
    select(subscriber.c.chat, *_CHOSEN)
    .where(subscriber.c.channel == bindparam("of"), subscriber.c.chat > _AFTER, subscriber.c.is_on)
    .order_by(subscriber.c.chat)
)
THOSE_TOLD = _counted(
    select(received.c.chat, *_CHOSEN)
    .select_from(
        received.join(
            subscriber, and_(subscriber.c.channel == received.c.channel, subscriber.c.chat == received.c.chat)
        )
    )
    .where(received.c.channel == bindparam("of"), received.c.incident == bindparam("about"))
    .where(received.c.chat > _AFTER, subscriber.c.is_on)
    .order_by(received.c.chat)
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """How many were looked at, and for how many it is, by their quiet hours.

    `last` is where to go on; None: there is nobody behind it.
    """

    people: Mapping[Quiet | None, int] = field(default_factory=dict)
    wants: Mapping[Quiet | None, int] = field(default_factory=dict)
    last: int | None = None


class AudienceRows(UnitPart):
    """The subscribers of each channel, counted by what they chose."""

    def everybody(self, channel: str, notice: Notice, after: int | None) -> Stretch:
        """The next ones of all who are on."""
        return self._stretch(EVERYBODY, notice, of=channel, after=after)

    def told(self, channel: str, notice: Notice, after: int | None, incident: str) -> Stretch:
        """The next ones of those who were told of an incident."""
        return self._stretch(THOSE_TOLD, notice, of=channel, after=after, about=incident)

    def _stretch(self, statement: Statement, notice: Notice, **given: Any) -> Stretch:
        rows = statement.rows(self._db, most=STRETCH, **_asked(notice), **given)
        people = {quiet_of(row["quiet"]): int(row["people"]) for row in rows}
        wants = {quiet_of(row["quiet"]): int(row["wants"]) for row in rows}
        is_all = sum(people.values()) < STRETCH
        return Stretch(people, wants, None if is_all else max(row["last"] for row in rows))


def _asked(notice: Notice) -> Mapping[str, Any]:
    """The notice as the statements' parameters: as `wants` reads it."""
    return {
        "any_severity": notice.severity is Severity.UNKNOWN,
        "rank": notice.severity.rank,
        "vital": notice.vital,
        "topic": json.dumps(sorted(notice.topics)),
        "topics": json.dumps(list(Topic)),
        "everywhere": notice.districts is None,
        "codes": json.dumps(sorted(notice.districts or ()), ensure_ascii=False),
    }
