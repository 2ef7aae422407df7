"""Citizens' reports, their sources and their steps; with `report_rows` and `report_forgetting`.

A form that is sent twice is recognised by its `key`, a number is given once (`next_number`), and every change of a
report is one row of `report_step`, of which its reporter is notified.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from alerts.model.reason import read_reason
from alerts.model.reports import (
    COUNTING,
    UNPROVEN,
    CitizenReport,
    EarlierTelling,
    ReportSource,
    ReportState,
    ReportStep,
    Telling,
)
from alerts.store.conditions import CITED, OPEN_REPORTS, SOURCED, UNTOLD
from alerts.store.mapper import Mapper
from alerts.store.report_forgetting import ReportForgetting
from alerts.store.report_rows import REPORT, STEP, ReportParts
from alerts.store.statement import Statement, insert_into, insert_new, literals, moment, stamp

_UNREVIEWED_PHOTOS = Statement(f"""
    SELECT count(*) AS n
    FROM (SELECT seq FROM report WHERE {OPEN_REPORTS} AND state = 'held' AND has_photo = TRUE LIMIT :most) AS counted
""")
BEYOND = 2**62
_ADD = insert_into("report")
_SETS = ", ".join(f'"{name}" = :{name}' for name in REPORT.columns if name not in ("id", "number"))
_SET = Statement(f"UPDATE report SET {_SETS} WHERE id = :id")
_BY = {name: Statement(f'SELECT * FROM report WHERE "{name}" = :value') for name in ("id", "number", "key")}
# The index finds the box; the distance itself is computed afterwards.
_IN_BOX = "lat >= :south AND lat <= :north AND lon >= :west AND lon <= :east"
_AMONG = "IN (SELECT value FROM items(:reports))"
_LISTED = Statement("""
    SELECT * FROM report
    WHERE (CAST(:states AS text) IS NULL OR state IN (SELECT value FROM items(:states)))
    AND (CAST(:kind AS text) IS NULL OR kind = :kind)
    AND (CAST(:since AS bigint) IS NULL OR received_at >= :since) AND seq < :before
    ORDER BY seq DESC LIMIT :most
""")
_OPEN = Statement(f"SELECT * FROM report WHERE {OPEN_REPORTS} AND seq < :before ORDER BY seq DESC LIMIT :most")
_OF_KIND = Statement(f"""
    SELECT * FROM report WHERE kind = :kind AND at >= :since AND at <= :until AND {OPEN_REPORTS} AND {_IN_BOX}
    ORDER BY at DESC, seq DESC LIMIT :most
""")
_CITED = Statement("SELECT * FROM report WHERE draft = :draft ORDER BY seq")
_BROUGHT = Statement("""
    SELECT draft, "by" FROM report WHERE draft IN (SELECT value FROM items(:drafts)) AND "by" IS NOT NULL
    GROUP BY draft, "by" ORDER BY draft, "by"
""")
_OF_CHAT = Statement("SELECT * FROM report WHERE channel = :channel AND chat = :chat ORDER BY seq DESC LIMIT :most")
_DUPLICATES = Statement("SELECT * FROM report WHERE duplicate_of = :of ORDER BY seq LIMIT :most")
_MOVE_DUPLICATES = Statement("UPDATE report SET duplicate_of = :to WHERE duplicate_of = :of")
_NEXT = Statement("""
    INSERT INTO report_number (year, last) VALUES (:year, 1)
    ON CONFLICT (year) DO UPDATE SET last = report_number.last + 1 RETURNING last
""")
_SOURCE_ROW = Mapper(ReportSource)
_TELL = insert_new("report_source", "report", "source")
_ADD_REPORTERS = Statement("UPDATE report SET tellers = coalesce(tellers, 1) + :more WHERE id = :key")
_TELLERS = Statement(f"SELECT * FROM report_source WHERE report {_AMONG} ORDER BY at")
_TELLINGS = Statement(f"""
    SELECT report_source.*, report.draft, report.incident, report."by", report.held, report.state,
           report.source AS sent_by
    FROM report_source JOIN report ON report.id = report_source.report
    WHERE report_source.kind = :kind AND report_source.at >= :since AND report_source.at <= :until
    AND report_source.lat >= :south AND report_source.lat <= :north
    AND report_source.lon >= :west AND report_source.lon <= :east
    AND report.state IN ({literals(COUNTING)}) AND (:uncited = 0 OR (report.draft IS NULL AND report.incident IS NULL))
    ORDER BY report_source.at DESC LIMIT :most
""")
# `at` is when it was sent: when it was, a program may tell as it likes.
_EARLIER_TELLINGS = Statement("""
    SELECT report.number,
           CASE WHEN report.source = report_source.source THEN report.received_at ELSE report_source.at END AS at,
           CASE WHEN report.source = report_source.source THEN report.text END AS text,
           CASE WHEN report.source = report_source.source THEN report.likeness END AS likeness
    FROM report_source JOIN report ON report.id = report_source.report
    WHERE report_source.source IN (SELECT value FROM items(:sources)) AND report_source.at >= :since
    ORDER BY report_source.at DESC LIMIT :most
""")
_RECEIVED_SINCE = Statement(f"""
    SELECT count(*) AS n FROM (SELECT seq FROM report WHERE {SOURCED} AND received_at > :since LIMIT :most) AS counted
""")
_CITE = Statement(f"UPDATE report SET draft = :named, changed_at = :at WHERE id {_AMONG}")
_ATTACH = Statement(f"UPDATE report SET incident = :named, changed_at = :at WHERE id {_AMONG}")
_AGREE = Statement(f"UPDATE report SET agreed = :agreed WHERE id {_AMONG}")
_DRAFTS = Statement(f"SELECT DISTINCT draft FROM report WHERE {CITED} AND received_at >= :since LIMIT :most")
_CITED_BY = Statement("SELECT draft, number FROM report WHERE draft IN (SELECT value FROM items(:drafts)) ORDER BY seq")
_STEP = insert_into("report_step")
_STEPS = Statement("SELECT * FROM report_step WHERE report = :report ORDER BY seq")
_UNTOLD = Statement(f"""
    SELECT * FROM report_step WHERE {UNTOLD} AND channel = :channel ORDER BY seq
""")
_STEP_OF_CHAT = Statement("SELECT 1 FROM report_step WHERE seq = :key AND channel = :of AND chat = :who")
_MARK_NOTIFIED = Statement("UPDATE report_step SET told_at = :told_at WHERE seq = :key")


def _is_proven(row: Any) -> bool:
    # Who says "me too" isn't who sent it without a proof.
    if row["state"] != ReportState.HELD.value or row["sent_by"] != row["source"]:
        return True
    doubt = read_reason(row["held"])
    return doubt is None or doubt.code not in UNPROVEN


class Reports(ReportParts, ReportForgetting):
    """Reports, and all that hangs on them."""

    # --- reports

    def add(self, new: CitizenReport) -> None:
        """Keep a new one; its number and its key are nobody else's."""
        _ADD.run(self._db, **REPORT.values(new))

    def put(self, changed: CitizenReport) -> None:
        """Replace what was kept of it."""
        _SET.run(self._db, **REPORT.values(changed))

    def by_id(self, identity: str) -> CitizenReport | None:
        """The one of that id."""
        return self._one("id", identity)

    def by_number(self, number: str) -> CitizenReport | None:
        """Return the report of that public number. Returns None if there is none."""
        return self._one("number", number.strip().upper())

    def by_key(self, key: str) -> CitizenReport | None:
        """The one that came by the form of that digest."""
        return self._one("key", key)

    def _one(self, column: str, value: str) -> CitizenReport | None:
        return REPORT.found(_BY[column].row(self._db, value=value))

    def listed(
        self,
        most: int,
        *,
        states: Sequence[ReportState] | None = None,
        kind: str | None = None,
        since: datetime | None = None,
        before: int = BEYOND,
    ) -> Sequence[CitizenReport]:
        """Those of these states and that kind, newest first, from behind the one of that number."""
        named = None if states is None else json.dumps([state.value for state in states])
        rows = _LISTED.rows(self._db, states=named, kind=kind, since=stamp(since), before=before, most=most)
        return [REPORT.read(row) for row in rows]

    def open(self, most: int, before: int = BEYOND) -> Sequence[CitizenReport]:
        """Those that the town still has to do with, newest first."""
        return [REPORT.read(row) for row in _OPEN.rows(self._db, before=before, most=most)]

    def of_kind(
        self, kind: str, since: datetime, until: datetime, box: tuple[float, float, float, float], most: int
    ) -> Sequence[CitizenReport]:
        """Those of a kind that count, of that time, within `box` (south, west, north, east); newest first."""
        south, west, north, east = box
        rows = _OF_KIND.rows(
            self._db, kind=kind, since=stamp(since), until=stamp(until),
            south=south, west=west, north=north, east=east, most=most,
        )  # fmt: skip
        return [REPORT.read(row) for row in rows]

    def cited_by(self, draft: str) -> Sequence[CitizenReport]:
        """The reports that made that alert, or joined it, in the order in which they came."""
        return [REPORT.read(row) for row in _CITED.rows(self._db, draft=draft)]

    def brought_by(self, drafts: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """Return the submitters of the reports that each of these alerts cites: officers, and owners of programs."""
        found: dict[str, tuple[str, ...]] = {}
        for row in _BROUGHT.rows(self._db, drafts=json.dumps(list(drafts))):
            found[str(row["draft"])] = (*found.get(str(row["draft"]), ()), str(row["by"]))
        return found

    def of_chat(self, channel: str, chat: int, most: int) -> Sequence[CitizenReport]:
        """Return the reports from that private chat, newest first."""
        return [REPORT.read(row) for row in _OF_CHAT.rows(self._db, channel=channel, chat=chat, most=most)]

    def duplicates_of(self, identity: str, most: int) -> Sequence[CitizenReport]:
        """The reports that an officer said to be the same as that one, oldest first."""
        return [REPORT.read(row) for row in _DUPLICATES.rows(self._db, of=identity, most=most)]

    def move_duplicates(self, identity: str, to: str) -> None:
        """Make what duplicates that report duplicates of another one."""
        _MOVE_DUPLICATES.run(self._db, of=identity, to=to)

    def next_number(self, year: int) -> int:
        """The next number of that year, which nobody else gets."""
        row = _NEXT.row(self._db, year=year)
        assert row is not None  # noqa: S101 it returns what it wrote
        return int(row["last"])

    # --- who told of them

    def tell(self, teller: ReportSource) -> bool:
        """Record a source of a report; returns False if it was recorded already."""
        return bool(_TELL.run(self._db, **_SOURCE_ROW.values(teller)).rowcount)

    def add_reporters(self, identity: str, more: int = 1) -> None:
        """Add to the number of sources: it remains once nobody knows who they were."""
        _ADD_REPORTERS.run(self._db, key=identity, more=more)

    def tellers(self, reports: Sequence[str]) -> Sequence[ReportSource]:
        """Return the sources of these reports, as long as they are known."""
        rows = _TELLERS.rows(self._db, reports=json.dumps(list(reports)))
        return [ReportSource(row["report"], row["source"], row["source_before"], moment(row["at"])) for row in rows]

    def earlier_tellings(self, sources: Sequence[str], since: datetime, most: int) -> Sequence[EarlierTelling]:
        """Return the earlier reports of these digests since then, newest first."""
        rows = _EARLIER_TELLINGS.rows(self._db, sources=json.dumps(list(sources)), since=stamp(since), most=most)
        return [EarlierTelling(row["number"], moment(row["at"]), row["text"], row["likeness"]) for row in rows]

    def received_since(self, since: datetime, most: int) -> int:
        """How many reports came after then, counted up to `most`; of the last day, while their sources are known."""
        row = _RECEIVED_SINCE.row(self._db, since=stamp(since), most=most)
        return int(row["n"]) if row else 0

    def unreviewed_photos(self, most: int) -> int:
        """How many photos of reports that are held are kept, counted up to `most`."""
        row = _UNREVIEWED_PHOTOS.row(self._db, most=most)
        return int(row["n"]) if row else 0

    # --- those near one another, and the alerts that cite them

    def tellings(
        self,
        kind: str,
        since: datetime,
        until: datetime,
        box: tuple[float, float, float, float],
        most: int,
        *,
        uncited: bool = False,
    ) -> Sequence[Telling]:
        """The tellings of a kind that count, of that time, within `box` (south, west, north, east); newest first.

        `uncited` leaves out those that an alert cites already.
        """
        south, west, north, east = box
        rows = _TELLINGS.rows(
            self._db, kind=kind, since=stamp(since), until=stamp(until),
            south=south, west=west, north=north, east=east, most=most, uncited=int(uncited),
        )  # fmt: skip
        names = ("report", "lat", "lon", "source", "source_before", "draft", "incident", "by")
        return [
            Telling(**{name: row[name] for name in names}, at=moment(row["at"]), proven=_is_proven(row)) for row in rows
        ]

    def cite(self, reports: Sequence[str], draft: str, at: datetime) -> None:
        """Keep that an alert cites these reports."""
        _CITE.run(self._db, reports=json.dumps(list(reports)), named=draft, at=stamp(at))

    def attach(self, reports: Sequence[str], incident: str, at: datetime) -> None:
        """Keep that these reports are about an incident."""
        _ATTACH.run(self._db, reports=json.dumps(list(reports)), named=incident, at=stamp(at))

    def agreed(self, reports: Sequence[str]) -> None:
        """Record that two sources agree on these reports."""
        _AGREE.run(self._db, reports=json.dumps(list(reports)), agreed=True)

    def drafts(self, since: datetime, most: int) -> Sequence[str]:
        """The alerts that cite reports which came since then and belong to no incident yet."""
        return [str(row["draft"]) for row in _DRAFTS.rows(self._db, since=stamp(since), most=most)]

    def drafted_from(self, drafts: Sequence[str]) -> Mapping[str, list[str]]:
        """The numbers of the reports that each of these alerts cites, in the order in which they came."""
        found: dict[str, list[str]] = {}
        for row in _CITED_BY.rows(self._db, drafts=json.dumps(list(drafts))):
            found.setdefault(str(row["draft"]), []).append(str(row["number"]))
        return found

    # --- what became of them

    def step(self, new: ReportStep, channel: str | None = None, chat: int | None = None) -> None:
        """Store a step; with `chat`, the chat is still to be notified."""
        _STEP.run(self._db, **STEP.values(new), channel=channel, chat=chat)

    def steps(self, identity: str) -> Sequence[ReportStep]:
        """Return the steps of a report, in order."""
        return [STEP.read(row) for row in _STEPS.rows(self._db, report=identity)]

    def untold(self, channel: str) -> Sequence[tuple[ReportStep, int]]:
        """Return the steps that a channel's bot must still report, in order, with their chats."""
        return [(STEP.read(row), int(row["chat"])) for row in _UNTOLD.rows(self._db, channel=channel)]

    def is_of_chat(self, step: ReportStep, channel: str, chat: int) -> bool:
        """True if the step is still kept with that chat."""
        return _STEP_OF_CHAT.row(self._db, key=step.seq, of=channel, who=chat) is not None

    def mark_notified(self, step: ReportStep, at: datetime) -> None:
        """Record that its chat was notified."""
        _MARK_NOTIFIED.run(self._db, key=step.seq, told_at=stamp(at))
