"""Reports and their dependent records as rows, and back.

`ReportParts` is a report's photo, the objections to it, and its forwarding to other servers. `ReportChats` has the
report that somebody is making in a private chat of a bot, and the chat of each report.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from alerts.model.reports import (
    BegunReport,
    CitizenReport,
    ContentNotice,
    Forwarding,
    ForwardState,
    ReportPhoto,
    ReportStep,
)
from alerts.store.mapper import Mapper
from alerts.store.statement import Statement, UnitPart, stamp, upsert_into

REPORT = Mapper(CitizenReport, without=("seq",))
"""The row of a report, but for its place in the order."""
STEP = Mapper(ReportStep, without=("seq",))
"""The row of a step; the chat to notify is stored with it."""
_PHOTO_ROW = Mapper(ReportPhoto, reads={"jpeg": bytes})
_NOTICE_ROW = Mapper(ContentNotice)
_FORWARDING_ROW = Mapper(Forwarding)
_BEGUN_ROW = Mapper(BegunReport)


_PUT_PHOTO = upsert_into("report_photo", "report")
_PHOTO = Statement("SELECT * FROM report_photo WHERE report = :report")
_PUT_NOTICE = upsert_into("content_notice", "id")
_STATED = "(CAST(:state AS text) IS NULL OR state = :state)"
_NOTICES_OF = Statement(f"SELECT * FROM content_notice WHERE {_STATED} AND report = :report ORDER BY at LIMIT :most")
_NOTICES_OF_ALL = Statement(f"SELECT * FROM content_notice WHERE {_STATED} ORDER BY at LIMIT :most")
_NOTICE = Statement("SELECT * FROM content_notice WHERE id = :id")
_PUT_FORWARD = upsert_into("report_forward", "report", "forward")
_FORWARDED = Statement("SELECT * FROM report_forward WHERE report = :report")
_FORWARDED_ALL = Statement("SELECT * FROM report_forward WHERE report IN (SELECT value FROM items(:reports))")
_DUE = Statement("""
    SELECT * FROM report_forward WHERE forward = :forward AND state = :state AND next_try <= :until
    ORDER BY next_try, report LIMIT :most
""")
_OPEN = Statement("""
    SELECT * FROM report_forward
    WHERE forward = :forward AND state IN ('waiting', 'sending', 'in doubt') AND next_try IS NOT NULL
    ORDER BY next_try, report
""")


class ReportParts(UnitPart):
    """Photos, notices and forwardings of reports."""

    # --- photos, and what is said against what is shown

    def put_photo(self, photo: ReportPhoto) -> None:
        """Keep the photo of a report, in place of the one before."""
        _PUT_PHOTO.run(self._db, **_PHOTO_ROW.values(photo))

    def photo(self, identity: str) -> ReportPhoto | None:
        """The photo of that report."""
        return _PHOTO_ROW.found(_PHOTO.row(self._db, report=identity))

    def put_notice(self, notice: ContentNotice) -> None:
        """Keep what somebody says against a report, or what was decided about that."""
        _PUT_NOTICE.run(self._db, **_NOTICE_ROW.values(notice))

    def notices(self, most: int, *, report: str | None = None, state: str | None = None) -> Sequence[ContentNotice]:
        """Return the objections to that report, or to all; oldest first."""
        if report is None:
            return [_NOTICE_ROW.read(row) for row in _NOTICES_OF_ALL.rows(self._db, state=state, most=most)]
        return [_NOTICE_ROW.read(row) for row in _NOTICES_OF.rows(self._db, report=report, state=state, most=most)]

    def notice(self, identity: str) -> ContentNotice | None:
        """Return the objection of that id. Returns None if there is none."""
        return _NOTICE_ROW.found(_NOTICE.row(self._db, id=identity))

    # --- handing on

    def put_forwarding(self, forwarding: Forwarding) -> None:
        """Keep how far a report is on its way to another server."""
        _PUT_FORWARD.run(self._db, **_FORWARDING_ROW.values(forwarding))

    def forwardings(self, identity: str) -> Sequence[Forwarding]:
        """How far that report is on its way to other servers."""
        return [_FORWARDING_ROW.read(row) for row in _FORWARDED.rows(self._db, report=identity)]

    def forwardings_of(self, reports: Sequence[str]) -> Sequence[Forwarding]:
        """How far these reports are on their way to other servers."""
        return [_FORWARDING_ROW.read(row) for row in _FORWARDED_ALL.rows(self._db, reports=json.dumps(list(reports)))]

    def open_forwardings(self, forward: str) -> Sequence[Forwarding]:
        """Return what isn't known to be there and is no officer's to decide, the earliest first."""
        return [_FORWARDING_ROW.read(row) for row in _OPEN.rows(self._db, forward=forward)]

    def due_forwardings(self, forward: str, state: ForwardState, until: datetime, most: int) -> Sequence[Forwarding]:
        """Of those on their way to that server, in this state, what there is to do by then; the earliest first."""
        rows = _DUE.rows(self._db, forward=forward, state=state.value, until=stamp(until), most=most)
        return [_FORWARDING_ROW.read(row) for row in rows]


_BEGIN = upsert_into("report_begun", "channel", "chat")
_BEGUN = Statement("SELECT * FROM report_begun WHERE channel = :of AND chat = :who")
_END = Statement("DELETE FROM report_begun WHERE channel = :of AND chat = :who")
_DROP = Statement("DELETE FROM report_begun WHERE at < :before")
_PART = (
    Statement("DELETE FROM job WHERE channel = :of AND chat = :who AND kind = 'news'"),
    Statement("""
        UPDATE report_step SET channel = NULL, chat = NULL
        WHERE report IN (SELECT id FROM report WHERE channel = :of AND chat = :who)
    """),
    Statement("UPDATE report SET channel = NULL, chat = NULL WHERE channel = :of AND chat = :who"),
)


class ReportChats(UnitPart):
    """The chats in which people report. None is named in a log."""

    def begin(self, begun: BegunReport) -> None:
        """Keep what a chat is reporting, in place of what it was."""
        _BEGIN.run(self._db, **_BEGUN_ROW.values(begun))

    def begun(self, channel: str, chat: int) -> BegunReport | None:
        """Return the unfinished report of that chat. Returns None if there is none."""
        return _BEGUN_ROW.found(_BEGUN.row(self._db, of=channel, who=chat))

    def end(self, channel: str, chat: int) -> None:
        """End that chat's unfinished report: it was sent, or given up."""
        _END.run(self._db, of=channel, who=chat)

    def drop_begun(self, before: datetime) -> None:
        """Forget what was begun and left since then."""
        _DROP.run(self._db, before=stamp(before))

    def part(self, channel: str, chat: int) -> None:
        """Detach a chat that nobody reads any more: its reports stay, without anybody to notify."""
        for statement in _PART:
            statement.run(self._db, of=channel, who=chat)
