"""The reports of citizens in lists: filtered, a page at a time, counted, for the desk; and what everybody may see.

What waits for a first officer comes first, then what was taken up, then what is closed or set aside; of each the newest
first. A page goes on behind a *place*: the rank and the number of the last row that was shown. What is open is read by
the index of what is open, and sorted; what is over, by its number from the newest on, and never sorted: a page costs
the same however much was closed over the years.

`ShownReports` are those that everybody may see, and what is told of them beside. What is open is found by the index of
what is open, what is closed by the day on which it was: however many reports there were over the years, a map is made
of those few.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    text,
)

from alerts.model.reports import COUNTING, CitizenReport, ForwardState, ReportState, WantedReports
from alerts.store.report_rows import report_from
from alerts.store.reports import BEYOND
from alerts.store.schema import OPEN_REPORTS, content_notice, report, report_forward, report_photo, report_step
from alerts.store.statement import Statement, UnitPart, any_of, one_of, stamp

Place = tuple[int, int]
"""The rank and the number of a row: a page goes on behind it."""
BEGINNING: Place = (-1, 0)
_IS_OPEN = text(f"report.{OPEN_REPORTS}")
_WAITS, _OVER = (ReportState.RECEIVED, ReportState.HELD), (ReportState.CLOSED, ReportState.SET_ASIDE)
_RANKS = (_WAITS, (ReportState.ACCEPTED, ReportState.ASSIGNED), _OVER)
"""The states as they stand in a list: what waits for somebody, what is taken up, what is over."""


def _in(states: Sequence[ReportState]) -> Any:
    # Spelled out, since Core would expand a list anew for each execution.
    return report.c.state.in_([literal_column(f"'{state.value}'") for state in states])


_RANK = case(*((_in(states), literal_column(str(rank))) for rank, states in enumerate(_RANKS)))
_TOLD = (
    func.coalesce(report.c.text, literal_column("''"))
    + literal_column("' '")
    + func.coalesce(report.c.place, literal_column("''"))
    + literal_column("' '")
    + report.c.number
)


def _given(name: str, kind: Any = Text) -> Any:
    return bindparam(name, type_=kind).is_(None)


_FILTERS = (
    or_(_given("states"), one_of(report.c.state, "states")),
    or_(_given("kind"), report.c.kind == bindparam("kind")),
    or_(_given("district"), report.c.district == bindparam("district")),
    or_(_given("since", BigInteger), report.c.received_at >= bindparam("since")),
    or_(_given("incident"), report.c.incident == bindparam("incident")),
    or_(_given("draft"), report.c.draft == bindparam("draft")),
    or_(_given("words"), func.lower(_TOLD).like(bindparam("words"), escape="\\")),
)
_BEHIND = or_(
    bindparam("rank", type_=BigInteger) < _RANK,
    and_(bindparam("rank", type_=BigInteger) == _RANK, report.c.seq < bindparam("seq")),
)


def _newest_first(*conditions: Any) -> Statement:
    return Statement(
        select(report)
        .where(*_FILTERS, *conditions, report.c.seq < bindparam("before"))
        .order_by(report.c.seq.desc())
        .limit(bindparam("most"))
    )


_OPEN_LISTED = Statement(
    select(report).where(*_FILTERS, _BEHIND, _IS_OPEN).order_by(_RANK, report.c.seq.desc()).limit(bindparam("most"))
)
_IN_ORDER, _OVER_LISTED = _newest_first(), _newest_first(_in(_OVER))
_COUNTED = Statement(
    select(func.count().label("n")).select_from(
        select(report.c.seq).where(*_FILTERS).limit(bindparam("most")).subquery()
    )
)
_BY_STATE = Statement(select(report.c.state, func.count().label("n")).where(_IS_OPEN).group_by(report.c.state))
_WAITING = Statement(
    select(func.count().label("n")).select_from(
        select(report.c.seq).where(_IS_OPEN, _in(_WAITS)).limit(bindparam("most")).subquery()
    )
)
_OPEN_NOTICES = Statement(
    select(func.count().label("n")).select_from(
        select(content_notice.c.id)
        .where(content_notice.c.state == literal_column("'open'"))
        .limit(bindparam("most"))
        .subquery()
    )
)
_LAST_STEP = Statement(select(func.max(report_step.c.seq).label("last")))
_STUCK = Statement(
    select(report.c.number)
    .join(report_forward, report_forward.c.report == report.c.id)
    .where(one_of(report_forward.c.forward, "forwards"))
    .where(any_of(report_forward.c.state, [ForwardState.FAILED.value, ForwardState.IN_DOUBT.value]))
    .where(report_forward.c.next_try.is_(None), text(f"report.{OPEN_REPORTS}"))
    .order_by(report.c.seq.desc())
    .limit(bindparam("most"))
)
_TELLERS = Statement(select(report.c.id, report.c.tellers).where(one_of(report.c.id, "reports")))
_ASSIGNED = Statement(
    select(report.c.assigned_to, func.max(report.c.seq).label("last"))
    .where(_IS_OPEN, report.c.state == literal_column("'assigned'"))
    .group_by(report.c.assigned_to)
    .order_by(func.max(report.c.seq).desc())
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class ListedReport:
    """A report in a list, and the place behind which the list goes on."""

    report: CitizenReport
    place: Place


class ReportLists(UnitPart):
    """What the desk asks about many reports at once; each question has a bound."""

    def found(self, wanted: WantedReports, most: int, after: Place = BEGINNING) -> Sequence[ListedReport]:
        """Those that are wanted, from behind that place on."""
        values, states = _values(wanted), set(wanted.states) or set(ReportState)
        is_in_the_second_part = after[0] == rank_of(ReportState.CLOSED)
        rows: list[Any] = []
        if not is_in_the_second_part and states.intersection(COUNTING):
            rows += _OPEN_LISTED.rows(self._db, **values, rank=after[0], seq=after[1], most=most)
        if len(rows) < most and states.intersection(_OVER):
            before = after[1] if is_in_the_second_part else BEYOND
            rows += _OVER_LISTED.rows(self._db, **values, before=before, most=most - len(rows))
        found = [report_from(row) for row in rows]
        return [ListedReport(each, (rank_of(each.state), each.seq)) for each in found]

    def in_order(self, wanted: WantedReports, most: int, before: int = BEYOND) -> Sequence[CitizenReport]:
        """Those that are wanted, newest first, from before that one on: for all of many, since nothing is sorted."""
        return [report_from(row) for row in _IN_ORDER.rows(self._db, **_values(wanted), before=before, most=most)]

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
        """The numbers of open reports that one of these servers refused or may have, and that nobody looks for now."""
        rows = _STUCK.rows(self._db, forwards=json.dumps(list(forwards)), most=most)
        return list(dict.fromkeys(str(row["number"]) for row in rows))

    def told_by(self, reports: Sequence[str]) -> Mapping[str, int]:
        """By how many each of these was told."""
        rows = _TELLERS.rows(self._db, reports=json.dumps(list(reports)))
        return {row["id"]: row["tellers"] or 1 for row in rows}

    def assigned_to(self, most: int) -> Sequence[str]:
        """To whom open reports are assigned, the last first."""
        return [row["assigned_to"] for row in _ASSIGNED.rows(self._db, most=most) if row["assigned_to"]]


def rank_of(state: ReportState) -> int:
    """Where that state stands in a list: 0 waits for somebody, 1 is taken up, 2 is over."""
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


_IS: Mapping[ReportState, ColumnElement[Any]] = {state: literal_column(f"'{state.value}'") for state in ReportState}
# Words and a photo wait for an officer; without either two networks that tell the same are enough.
_MAY_SHOW = and_(
    report.c.lat.is_not(None),
    or_(
        report.c.accepted_at.is_not(None),
        and_(report.c.agreed, report.c.text.is_(None), report.c.has_photo.is_(False)),
    ),
)


def _shown() -> Select[Any]:
    return select(report, report_photo.c.released_at.label("released_at")).outerjoin(
        report_photo, report_photo.c.report == report.c.id
    )


# A sum, for in the order of `seq` itself SQLite would read the years backwards until it has enough.
_OPEN = Statement(
    _shown()
    .where(text(f"report.{OPEN_REPORTS}"), report.c.state != _IS[ReportState.HELD], _MAY_SHOW)
    .order_by((report.c.seq + literal_column("0")).desc())
    .limit(bindparam("most"))
)
_CLOSED = Statement(
    _shown()
    .where(report.c.closed_at >= bindparam("since"), report.c.state == _IS[ReportState.CLOSED], _MAY_SHOW)
    .order_by((report.c.seq + literal_column("0")).desc())
    .limit(bindparam("most"))
)
_ONE = Statement(_shown().where(report.c.number == bindparam("number")))


@dataclass(frozen=True, slots=True)
class ShownReport:
    """A report, whether its photo is released, and how many told of it."""

    report: CitizenReport
    photo_released: bool
    tellers: int


class ShownReports(UnitPart):
    """What the public side asks about reports; each question has a bound."""

    def current(self, closed_since: datetime, most: int) -> Sequence[ShownReport]:
        """Those that may be shown and are open, or were closed since then; of each the newest, newest first."""
        rows = [*_OPEN.rows(self._db, most=most), *_CLOSED.rows(self._db, since=stamp(closed_since), most=most)]
        return [_from(row) for row in sorted(rows, key=lambda row: -int(row["seq"]))[:most]]

    def one(self, number: str) -> ShownReport | None:
        """The one of that number, whether it may be shown or not."""
        row = _ONE.row(self._db, number=number)
        return _from(row) if row else None


def _from(row: Any) -> ShownReport:
    shown = report_from(row)
    return ShownReport(shown, row["released_at"] is not None, shown.tellers)
