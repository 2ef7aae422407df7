"""What hangs on a report: its photo, what is said against it, and how far it is on its way to other servers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Text, bindparam, or_, select

from alerts.model.reason import kept_reason
from alerts.model.reports import ContentNotice, Forwarding, ForwardState, ReportPhoto
from alerts.store.report_rows import forwarding_from, notice_from, plain
from alerts.store.schema import content_notice, report_forward, report_photo
from alerts.store.statement import Statement, UnitPart, moment, one_of, stamp, time_of, upsert_into

_PUT_PHOTO = upsert_into(report_photo)
_PHOTO = Statement(select(report_photo).where(report_photo.c.report == bindparam("report")))
_PUT_NOTICE = upsert_into(content_notice)
_NOTICES = Statement(
    select(content_notice)
    .where(or_(bindparam("report", type_=Text).is_(None), content_notice.c.report == bindparam("report")))
    .where(or_(bindparam("state", type_=Text).is_(None), content_notice.c.state == bindparam("state")))
    .order_by(content_notice.c.at)
    .limit(bindparam("most"))
)
_NOTICE = Statement(select(content_notice).where(content_notice.c.id == bindparam("id")))
_PUT_FORWARD = upsert_into(report_forward)
_FORWARDED = Statement(select(report_forward).where(report_forward.c.report == bindparam("report")))
_FORWARDED_ALL = Statement(select(report_forward).where(one_of(report_forward.c.report, "reports")))
_DUE = Statement(
    select(report_forward)
    .where(report_forward.c.forward == bindparam("forward"), report_forward.c.state == bindparam("state"))
    .where(report_forward.c.next_try <= bindparam("until"))
    .order_by(report_forward.c.next_try, report_forward.c.report)
    .limit(bindparam("most"))
)


class ReportParts(UnitPart):
    """Photos, notices and forwardings of reports."""

    # --- photos, and what is said against what is shown

    def put_photo(self, photo: ReportPhoto) -> None:
        """Keep the photo of a report, in place of the one before."""
        values = plain(photo)
        _PUT_PHOTO.run(self._db, **{**values, "at": stamp(photo.at), "released_at": stamp(photo.released_at)})

    def photo(self, identity: str) -> ReportPhoto | None:
        """The photo of that report."""
        row = _PHOTO.row(self._db, report=identity)
        if row is None:
            return None
        photo = ReportPhoto(row["report"], bytes(row["jpeg"]), row["likeness"], moment(row["at"]))
        return replace(photo, released_at=time_of(row["released_at"]), released_by=row["released_by"])

    def put_notice(self, notice: ContentNotice) -> None:
        """Keep what somebody says against a report, or what was decided about that."""
        _PUT_NOTICE.run(self._db, **{**plain(notice), "at": stamp(notice.at)})

    def notices(self, most: int, *, report: str | None = None, state: str | None = None) -> Sequence[ContentNotice]:
        """What was said against that report, or against all; oldest first."""
        return [notice_from(row) for row in _NOTICES.rows(self._db, report=report, state=state, most=most)]

    def notice(self, identity: str) -> ContentNotice | None:
        """What was said under that id."""
        row = _NOTICE.row(self._db, id=identity)
        return notice_from(row) if row else None

    # --- handing on

    def put_forwarding(self, forwarding: Forwarding) -> None:
        """Keep how far a report is on its way to another server."""
        values = {**plain(forwarding), "state": forwarding.state.value, "reason": kept_reason(forwarding.reason)}
        _PUT_FORWARD.run(self._db, **{**values, "next_try": stamp(forwarding.next_try), "at": stamp(forwarding.at)})

    def forwardings(self, identity: str) -> Sequence[Forwarding]:
        """How far that report is on its way to other servers."""
        return [forwarding_from(row) for row in _FORWARDED.rows(self._db, report=identity)]

    def forwardings_of(self, reports: Sequence[str]) -> Sequence[Forwarding]:
        """How far these reports are on their way to other servers."""
        return [forwarding_from(row) for row in _FORWARDED_ALL.rows(self._db, reports=json.dumps(list(reports)))]

    def due_forwardings(self, forward: str, state: ForwardState, until: datetime, most: int) -> Sequence[Forwarding]:
        """Of those on their way to that server, in this state, what there is to do by then; the earliest first."""
        rows = _DUE.rows(self._db, forward=forward, state=state.value, until=stamp(until), most=most)
        return [forwarding_from(row) for row in rows]
