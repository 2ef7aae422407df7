"""Citizens' reports in lists: filtered, a page at a time, counted, for the desk; and the public ones.

Those waiting for a first officer come first, then those taken up, then the closed or set aside; of each the newest
first. A page continues behind a *place*: the rank and the number of the last row that was shown. Open reports are read
by their index, and sorted; finished ones by their number from the newest on, without sorting: a page costs the same
however many were closed over the years.

`ShownReports` are the public ones and their public data. Open ones are found by the index of open reports, closed ones
by their day: however many reports there were over the years, a map is made of those few.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.model.reports import COUNTING, CitizenReport, ForwardState, ReportState, WantedReports
from alerts.store.conditions import OPEN_REPORTS
from alerts.store.report_rows import REPORT
from alerts.store.reports import BEYOND
from alerts.store.statement import Statement, UnitPart, literals, stamp

Place = tuple[int, int]
"""The rank and the number of a row: a page goes on behind it."""
# Before the first rank.
BEGINNING: Place = (-1, 0)
_RANKS = (
    (ReportState.RECEIVED, ReportState.HELD),
    (ReportState.ACCEPTED, ReportState.ASSIGNED),
    (ReportState.CLOSED, ReportState.SET_ASIDE),
)
"""The states as ranked in a list: waiting for an officer, taken up, over."""
_WAITS, _TAKEN_UP, _OVER = (f"state IN ({literals(states)})" for states in _RANKS)
_RANK = f"CASE WHEN {_WAITS} THEN 0 WHEN {_TAKEN_UP} THEN 1 WHEN {_OVER} THEN 2 END"
# The searched text of a report.
_TEXTS = "coalesce(text, '') || ' ' || coalesce(place, '') || ' ' || number"
_FILTERS = f"""
    (CAST(:states AS text) IS NULL OR state IN (SELECT value FROM items(:states)))
    AND (CAST(:kind AS text) IS NULL OR kind = :kind)
    AND (CAST(:district AS text) IS NULL OR district = :district)
    AND (CAST(:since AS bigint) IS NULL OR received_at >= :since)
    AND (CAST(:incident AS text) IS NULL OR incident = :incident)
    AND (CAST(:draft AS text) IS NULL OR draft = :draft)
    AND (CAST(:words AS text) IS NULL OR lower({_TEXTS}) LIKE :words ESCAPE '\\')"""
_OPEN_LISTED = Statement(f"""
    SELECT * FROM report
    WHERE {_FILTERS} AND (CAST(:rank AS bigint) < {_RANK} OR (CAST(:rank AS bigint) = {_RANK} AND seq < :seq))
    AND {OPEN_REPORTS}
    ORDER BY {_RANK}, seq DESC LIMIT :most
""")
_IN_ORDER = Statement(f"SELECT * FROM report WHERE {_FILTERS} AND seq < :before ORDER BY seq DESC LIMIT :most")
_OVER_LISTED = Statement(f"""
    SELECT * FROM report WHERE {_FILTERS} AND {_OVER} AND seq < :before ORDER BY seq DESC LIMIT :most
""")


def _up_to_most(table: str, conditions: str) -> Statement:
    """How many rows there are, counted no further than `most`."""
    return Statement(f"SELECT count(*) AS n FROM (SELECT 1 FROM {table} WHERE {conditions} LIMIT :most) AS counted")


_COUNTED = _up_to_most("report", _FILTERS)
_BY_STATE = Statement(f"SELECT state, count(*) AS n FROM report WHERE {OPEN_REPORTS} GROUP BY state")
_WAITING = _up_to_most("report", f"{OPEN_REPORTS} AND {_WAITS}")
_OPEN_NOTICES = _up_to_most("content_notice", "state = 'open'")
_LAST_STEP = Statement("SELECT max(seq) AS last FROM report_step")
_STUCK = Statement(f"""
    SELECT report.number FROM report JOIN report_forward ON report_forward.report = report.id
    WHERE report_forward.forward IN (SELECT value FROM items(:forwards))
    AND report_forward.state IN ('{ForwardState.FAILED}', '{ForwardState.IN_DOUBT}')
    AND report_forward.next_try IS NULL AND report.{OPEN_REPORTS}
    ORDER BY report.seq DESC LIMIT :most
""")
_TELLERS = Statement("SELECT id, tellers FROM report WHERE id IN (SELECT value FROM items(:reports))")
_ASSIGNED = Statement(f"""
    SELECT assigned_to, max(seq) AS last FROM report WHERE {OPEN_REPORTS} AND state = 'assigned'
    GROUP BY assigned_to ORDER BY max(seq) DESC LIMIT :most
""")


@dataclass(frozen=True, slots=True)
class ListedReport:
    """A report in a list, and the place behind which the list goes on."""

    report: CitizenReport
    place: Place


class ReportLists(UnitPart):
    """The desk's queries over many reports; each has a bound."""

    def found(self, wanted: WantedReports, most: int, after: Place = BEGINNING) -> Sequence[ListedReport]:
        """Those that are wanted, from behind that place on."""
        values, states = _values(wanted), set(wanted.states) or set(ReportState)
        is_in_the_second_part = after[0] == rank_of(ReportState.CLOSED)
        rows: list[Any] = []
        if not is_in_the_second_part and states.intersection(COUNTING):
            rows += _OPEN_LISTED.rows(self._db, **values, rank=after[0], seq=after[1], most=most)
        if len(rows) < most and states.intersection(_RANKS[-1]):
            before = after[1] if is_in_the_second_part else BEYOND
            rows += _OVER_LISTED.rows(self._db, **values, before=before, most=most - len(rows))
        found = [REPORT.read(row) for row in rows]
        return [ListedReport(each, (rank_of(each.state), each.seq)) for each in found]

    def in_order(self, wanted: WantedReports, most: int, before: int = BEYOND) -> Sequence[CitizenReport]:
        """Those that are wanted, newest first, from before that one on: for all of many, since nothing is sorted."""
        return [REPORT.read(row) for row in _IN_ORDER.rows(self._db, **_values(wanted), before=before, most=most)]

    def count(self, wanted: WantedReports, most: int) -> int:
        """How many are wanted, counted up to `most`."""
        return _counted(_COUNTED.row(self._db, **_values(wanted), most=most))

    def open_counts(self) -> Mapping[ReportState, int]:
        """How many are in each of the open states."""
        return {ReportState(row["state"]): int(row["n"]) for row in _BY_STATE.rows(self._db)}

    def waiting(self, most: int) -> int:
        """How much waits for somebody, up to `most`: reports that nobody took up, and what is said against some."""
        waits = _counted(_WAITING.row(self._db, most=most))
        return min(waits + _counted(_OPEN_NOTICES.row(self._db, most=most)), most)

    def last_step(self) -> int:
        """The number of the newest step of any report: another one says that a report came or changed."""
        row = _LAST_STEP.row(self._db)
        return int(row["last"] or 0) if row else 0

    def stuck(self, forwards: Sequence[str], most: int) -> Sequence[str]:
        """Return the numbers of open reports that a server refused or may have, and that nothing will retry."""
        rows = _STUCK.rows(self._db, forwards=json.dumps(list(forwards)), most=most)
        return list(dict.fromkeys(str(row["number"]) for row in rows))

    def reporter_counts(self, reports: Sequence[str]) -> Mapping[str, int]:
        """Return the number of reporters of each report."""
        rows = _TELLERS.rows(self._db, reports=json.dumps(list(reports)))
        return {row["id"]: row["tellers"] or 1 for row in rows}

    def assigned_to(self, most: int) -> Sequence[str]:
        """To whom open reports are assigned, the last first."""
        return [row["assigned_to"] for row in _ASSIGNED.rows(self._db, most=most) if row["assigned_to"]]


def rank_of(state: ReportState) -> int:
    """Return a state's rank in a list: 0 waits for somebody, 1 is taken up, 2 is over."""
    return next(rank for rank, states in enumerate(_RANKS) if state in states)


def _counted(row: Any) -> int:
    return int(row["n"]) if row else 0


def _values(wanted: WantedReports) -> dict[str, Any]:
    states = json.dumps([state.value for state in wanted.states]) if wanted.states else None
    return {
        "states": states,
        "kind": wanted.kind,
        "district": wanted.district,
        "since": stamp(wanted.since),
        "incident": wanted.incident,
        "draft": wanted.draft,
        "words": _pattern(wanted.words) if wanted.words else None,
    }


def _pattern(words: str) -> str:
    """Those words anywhere, as a pattern in which nothing else is one."""
    plain = words.lower()
    for sign in ("\\", "%", "_"):
        plain = plain.replace(sign, f"\\{sign}")
    return f"%{plain}%"


_SHOWN = """
    SELECT report.*, report_photo.released_at
    FROM report LEFT JOIN report_photo ON report_photo.report = report.id"""
# Words and a photo wait for an officer; without either two networks that tell the same are enough. The order is that
# of a sum, for in the order of `seq` itself SQLite would read the years backwards until it has enough.
_MAY_SHOW = """
    report.lat IS NOT NULL
    AND (report.accepted_at IS NOT NULL OR (report.agreed = TRUE AND report.text IS NULL AND report.has_photo = FALSE))
    ORDER BY report.seq + 0 DESC LIMIT :most"""
_OPEN = Statement(f"{_SHOWN} WHERE report.{OPEN_REPORTS} AND report.state <> 'held' AND {_MAY_SHOW}")
_CLOSED = Statement(f"{_SHOWN} WHERE report.closed_at >= :since AND report.state = 'closed' AND {_MAY_SHOW}")
_ONE = Statement(f"{_SHOWN} WHERE report.number = :number")


@dataclass(frozen=True, slots=True)
class ShownReport:
    """A report, the release of its photo, and the number of its reporters."""

    report: CitizenReport
    photo_released: bool
    tellers: int


class ShownReports(UnitPart):
    """The public side's queries over reports; each has a bound."""

    def current(self, closed_since: datetime, most: int) -> Sequence[ShownReport]:
        """Those that may be shown and are open, or were closed since then; of each the newest, newest first."""
        rows = [*_OPEN.rows(self._db, most=most), *_CLOSED.rows(self._db, since=stamp(closed_since), most=most)]
        return [_from(row) for row in sorted(rows, key=lambda row: -int(row["seq"]))[:most]]

    def one(self, number: str) -> ShownReport | None:
        """The one of that number, whether it may be shown or not."""
        row = _ONE.row(self._db, number=number)
        return _from(row) if row else None


def _from(row: Any) -> ShownReport:
    shown = REPORT.read(row)
    return ShownReport(shown, row["released_at"] is not None, shown.tellers)
