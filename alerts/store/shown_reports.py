"""The reports that everybody may see, and what is told of them beside: whether a photo is released, how many agree.

What is open is found by the index of what is open, what is closed by the day on which it was: however many reports
there were over the years, a map is made of those few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, literal_column, or_, select, text

from alerts.model.reports import CitizenReport, ReportState
from alerts.store.report_rows import report_from
from alerts.store.schema import OPEN_REPORTS, report, report_photo
from alerts.store.statement import Statement, UnitPart, stamp

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
