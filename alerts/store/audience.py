"""Counts an alert's subscribers in the database, without naming anybody.

The rule is that of `alerts.model.subscriber.wants`, written in SQL: reading a hundred thousand rows into Python to
count them would block its interpreter for a third of a second, and the database counts them in a twentieth. People wait
for the result in a preview, so no query is long: it covers a stretch of `STRETCH` subscribers, in the order of their
chats, like a bulk. The next stretch continues after `last`, and other queries run in between.
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
"""Subscribers that one query covers, in some milliseconds."""

# For each choice of quiet hours: the subscribers covered, the last chat among them, and how many want the alert.
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

    `last` is the chat after which the next stretch begins; None: this was the last stretch.
    """

    people: Mapping[Quiet | None, int] = field(default_factory=dict)
    wants: Mapping[Quiet | None, int] = field(default_factory=dict)
    last: int | None = None


class AudienceRows(UnitPart):
    """Counts the subscribers of a channel by their choices."""

    def everybody(self, channel: str, notice: Notice, after: int | None) -> Stretch:
        """Return the next stretch of all subscribers who are on, after that chat."""
        return self._stretch(EVERYBODY, notice, of=channel, after=after)

    def reached(self, channel: str, notice: Notice, after: int | None, incident: str) -> Stretch:
        """Return the next stretch of those who are on and got messages of the incident, after that chat."""
        return self._stretch(REACHED, notice, of=channel, after=after, about=incident)

    def _stretch(self, statement: Statement, notice: Notice, **given: Any) -> Stretch:
        rows = statement.rows(self._db, most=STRETCH, **_parameters(notice), **given)
        people = {quiet_of(row["quiet"]): int(row["people"]) for row in rows}
        wants = {quiet_of(row["quiet"]): int(row["wants"]) for row in rows}
        is_last = sum(people.values()) < STRETCH
        return Stretch(people, wants, None if is_last else max(row["last"] for row in rows))


def _parameters(notice: Notice) -> Mapping[str, Any]:
    """Return the notice as parameters of the statements."""
    return {
        "any_severity": notice.severity is Severity.UNKNOWN,
        "rank": notice.severity.rank,
        "vital": notice.vital,
        "topic": json.dumps(sorted(notice.topics)),
        "topics": json.dumps(list(Topic)),
        "everywhere": notice.districts is None,
        "codes": json.dumps(sorted(notice.districts or ()), ensure_ascii=False),
    }
