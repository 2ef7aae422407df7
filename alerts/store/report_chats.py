"""What is kept of reports for the private chats of a bot: what somebody is reporting there, and whose a report is."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, delete, null, select, update

from alerts.model.reports import BegunReport
from alerts.store.schema import report, report_begun, report_step
from alerts.store.statement import Statement, UnitPart, moment, stamp, upsert_into

# `of` and `who`, for Core keeps the names of columns for what an INSERT or UPDATE sets.
_HERE = (report_begun.c.channel == bindparam("of"), report_begun.c.chat == bindparam("who"))
_BEGIN = upsert_into(report_begun)
_BEGUN = Statement(select(report_begun).where(*_HERE))
_END = Statement(delete(report_begun).where(*_HERE))
_DROP = Statement(delete(report_begun).where(report_begun.c.at < bindparam("before")))
_OWN = select(report.c.id).where(report.c.channel == bindparam("of"), report.c.chat == bindparam("who"))
_PART = (
    Statement(update(report_step).where(report_step.c.report.in_(_OWN)).values(channel=null(), chat=null())),
    Statement(
        update(report)
        .where(report.c.channel == bindparam("of"), report.c.chat == bindparam("who"))
        .values(channel=null(), chat=null())
    ),
)


class ReportChats(UnitPart):
    """The chats in which people report. None is named in a log."""

    def begin(self, begun: BegunReport) -> None:
        """Keep what a chat is reporting, in place of what it was."""
        _BEGIN.run(
            self._db, channel=begun.channel, chat=begun.chat, key=begun.key, kind=begun.kind, at=stamp(begun.at),
            lat=begun.lat, lon=begun.lon, place=begun.place, text=begun.text,
        )  # fmt: skip

    def begun(self, channel: str, chat: int) -> BegunReport | None:
        """What that chat is reporting; None: nothing."""
        row = _BEGUN.row(self._db, of=channel, who=chat)
        if row is None:
            return None
        return BegunReport(
            row["channel"], row["chat"], row["key"], row["kind"], moment(row["at"]), row["lat"], row["lon"],
            row["place"], row["text"],
        )  # fmt: skip

    def end(self, channel: str, chat: int) -> None:
        """That chat reports nothing any more: it was sent, or given up."""
        _END.run(self._db, of=channel, who=chat)

    def drop_begun(self, before: datetime) -> None:
        """Forget what was begun and left since then."""
        _DROP.run(self._db, before=stamp(before))

    def part(self, channel: str, chat: int) -> None:
        """Nobody reads in that chat any more: what was reported from it stays, and is told to no chat."""
        for statement in _PART:
            statement.run(self._db, of=channel, who=chat)
