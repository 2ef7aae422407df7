"""Reports, and what hangs on them, as rows: from what is kept to rows, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from alerts.model.reason import kept_reason, read_reason
from alerts.model.reports import (
    CitizenReport,
    Closing,
    ContentNotice,
    Forwarding,
    ForwardState,
    ReportState,
    ReportStep,
    Via,
)
from alerts.store.statement import moment, stamp, time_of

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
