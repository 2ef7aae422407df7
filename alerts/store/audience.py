"""Counts an alert's subscribers in the database, without naming anybody.

The rule is `alerts.model.subscriber.wants`, written in SQL: reading a hundred thousand rows into Python for a number
would block its interpreter for a third of a second, and the database answers in a twentieth. People who wait for a
preview ask this, so no query is long: a stretch covers `STRETCH` subscribers, in the order of their chats as a bulk
does. A full count continues from `last`, and other queries run in between.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alerts.model.alert import Severity
from alerts.model.subscriber import Notice, Quiet, Topic
from alerts.store.bulk_statements import FAR_BELOW
from alerts.store.statement import Statement, UnitPart
from alerts.store.subscribers import quiet_of

STRETCH = 5000
"""Subscribers that one query covers: some milliseconds."""

# Of each kind of quiet hours how many were looked at, and for how many it is; and the last chat of all.
_COUNTED = """
    SELECT quiet, count(*) AS people, max(chat) AS last, sum(CASE WHEN
        (:any_severity OR severity <= :rank)
        AND (:vital OR topics = '[]'
             OR EXISTS (SELECT 1 FROM items(looked.topics) WHERE value IN (SELECT value FROM items(:topic)))
             OR NOT EXISTS (SELECT 1 FROM items(looked.topics) WHERE value IN (SELECT value FROM items(:topics))))
        AND (:everywhere OR districts = '[]'
             OR EXISTS (SELECT 1 FROM items(looked.districts) WHERE value IN (SELECT value FROM items(:codes))))
        THEN 1 ELSE 0 END) AS wants"""
_CHOSEN = "subscriber.chat, subscriber.districts, subscriber.topics, subscriber.severity, subscriber.quiet"
EVERYBODY = Statement(f"""
    {_COUNTED} FROM (
        SELECT {_CHOSEN} FROM subscriber
        WHERE channel = :of AND chat > coalesce(:after, {FAR_BELOW}) AND is_on = TRUE ORDER BY chat LIMIT :most
    ) AS looked GROUP BY quiet
""")
REACHED = Statement(f"""
    {_COUNTED} FROM (
        SELECT {_CHOSEN}
        FROM received JOIN subscriber ON subscriber.channel = received.channel AND subscriber.chat = received.chat
        WHERE received.channel = :of AND received.incident = :about AND received.chat > coalesce(:after, {FAR_BELOW})
        AND subscriber.is_on = TRUE
        ORDER BY received.chat LIMIT :most
    ) AS looked GROUP BY quiet
""")


@dataclass(frozen=True, slots=True)
class Stretch:
    """The number of subscribers covered, and of those who want the alert, by their quiet hours.

    `last` is the place to continue from; None: nobody follows.
    """

    people: Mapping[Quiet | None, int] = field(default_factory=dict)
    wants: Mapping[Quiet | None, int] = field(default_factory=dict)
    last: int | None = None


class AudienceRows(UnitPart):
    """The subscribers of each channel, counted by what they chose."""

    def everybody(self, channel: str, notice: Notice, after: int | None) -> Stretch:
        """The next ones of all who are on."""
        return self._stretch(EVERYBODY, notice, of=channel, after=after)

    def reached(self, channel: str, notice: Notice, after: int | None, incident: str) -> Stretch:
        """Return the next stretch of the subscribers who got the incident's messages."""
        return self._stretch(REACHED, notice, of=channel, after=after, about=incident)

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
