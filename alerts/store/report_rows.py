"""Reports, and what hangs on them, as rows: from what is kept to rows, and back.

Beside the reports: `ReportParts` is a report's photo, what is said against it, and how far it is on its way to other
servers. `ReportChats` is what somebody is reporting in a private chat of a bot, and whose a report is there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alerts.model.reason import kept_reason, read_reason
from alerts.model.reports import (
    BegunReport,
    CitizenReport,
    Closing,
    ContentNotice,
    Forwarding,
    ForwardState,
    ReportPhoto,
    ReportState,
    ReportStep,
    Via,
)
from alerts.store.schema import content_notice, report_begun, report_forward, report_photo
from alerts.store.statement import Statement, UnitPart, moment, stamp, time_of, upsert_into

if TYPE_CHECKING:
    from alerts.store.dialect import Row

_TIMES = ("at", "received_at", "changed_at")
_OTHER_TIMES = ("accepted_at", "closed_at")


def plain(value: Any) -> dict[str, Any]:
    """Its fields by name."""
    return {each.name: getattr(value, each.name) for each in fields(value)}


def values_of(of: CitizenReport) -> Mapping[str, Any]:
    """The row of a report, but for its place in the order."""
    values = plain(of)
    del values["seq"]
    times = {name: stamp(values[name]) for name in (*_TIMES, *_OTHER_TIMES)}
    return {**values, **times, "held": kept_reason(of.held)}


def report_from(row: Row) -> CitizenReport:
    """The report of a row."""
    values = {each.name: row[each.name] for each in fields(CitizenReport)}
    values.update({name: moment(values[name]) for name in _TIMES})
    values.update({name: time_of(values[name]) for name in _OTHER_TIMES})
    values.update({name: bool(values[name]) for name in ("agreed", "has_photo", "rounded")})
    values["tellers"] = values["tellers"] or 1  # of a version that doesn't count them
    closing = values.pop("closing")
    return CitizenReport(
        **{**values, "state": ReportState(row["state"]), "via": Via(row["via"]), "held": read_reason(row["held"])},
        closing=Closing(closing) if closing else None,
    )


def notice_from(row: Row) -> ContentNotice:
    """The notice of a row."""
    values = {each.name: row[each.name] for each in fields(ContentNotice)}
    return ContentNotice(**{**values, "at": moment(row["at"])})


def forwarding_from(row: Row) -> Forwarding:
    """The forwarding of a row."""
    values = {each.name: row[each.name] for each in fields(Forwarding)}
    values.update(next_try=time_of(row["next_try"]), at=time_of(row["at"]), reason=read_reason(row["reason"]))
    values["state"] = ForwardState(row["state"])
    return Forwarding(**values)


def step_from(row: Row) -> ReportStep:
    """The step of a row."""
    closing = Closing(row["closing"]) if row["closing"] else None
    return ReportStep(
        row["report"], moment(row["at"]), ReportState(row["state"]), closing, row["said"], row["incident"], row["by"],
        time_of(row["told_at"]), row["seq"],
    )  # fmt: skip


_PUT_PHOTO = upsert_into(report_photo)
_PHOTO = Statement("SELECT * FROM report_photo WHERE report = :report")
_PUT_NOTICE = upsert_into(content_notice)
_STATED = "(CAST(:state AS text) IS NULL OR state = :state)"
_NOTICES_OF = Statement(f"SELECT * FROM content_notice WHERE {_STATED} AND report = :report ORDER BY at LIMIT :most")
_NOTICES_OF_ALL = Statement(f"SELECT * FROM content_notice WHERE {_STATED} ORDER BY at LIMIT :most")
_NOTICE = Statement("SELECT * FROM content_notice WHERE id = :id")
_PUT_FORWARD = upsert_into(report_forward)
_FORWARDED = Statement("SELECT * FROM report_forward WHERE report = :report")
_FORWARDED_ALL = Statement("SELECT * FROM report_forward WHERE report IN (SELECT value FROM items(:reports))")
_DUE = Statement("""
    SELECT * FROM report_forward WHERE forward = :forward AND state = :state AND next_try <= :until
    ORDER BY next_try, report LIMIT :most
""")


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
        if report is None:
            return [notice_from(row) for row in _NOTICES_OF_ALL.rows(self._db, state=state, most=most)]
        return [notice_from(row) for row in _NOTICES_OF.rows(self._db, report=report, state=state, most=most)]

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


# `of` and `who`, for Core keeps the names of columns for what an INSERT or UPDATE sets.
_BEGIN = upsert_into(report_begun)
_BEGUN = Statement("SELECT * FROM report_begun WHERE channel = :of AND chat = :who")
_END = Statement("DELETE FROM report_begun WHERE channel = :of AND chat = :who")
_DROP = Statement("DELETE FROM report_begun WHERE at < :before")
_PART = (
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
