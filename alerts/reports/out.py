"""The JSON object of a citizen's report, as the API answers it, `--json` prints it, and exports flatten it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field

from alerts.desk.out import Out, ReasonCode, ReasonWords, Versioned, VersionOut, spelled, worded
from alerts.desk.unit import DeskUnit
from alerts.model.reports import CitizenReport, Closing, Forwarding, ReportState, Via
from alerts.model.town import Town


@dataclass(frozen=True)
class ReportedPlace(Out):
    """Where it is; null once that was forgotten."""

    lat: float | None
    lon: float | None
    words: str | None


@dataclass(frozen=True)
class HandedOn(Out):
    """How far a report is on its way to another server; `remote_state` is what that one says of it."""

    to: str
    state: Annotated[str, Field(description="`waiting`, `sending`, `sent`, `failed` or `in doubt`")]
    remote_id: str | None
    remote_state: str | None
    said: str | None
    reason: ReasonWords
    reason_code: ReasonCode

    @classmethod
    def of(cls, town: Town, each: Forwarding) -> Self:
        """One hand-over."""
        return cls(each.forward, each.state, each.remote_id, each.remote_state, each.said, **worded(town, each.reason))


@dataclass(frozen=True)
class ReportOut(Versioned):
    """A citizen's report. `text` and the exact place are null once they were forgotten."""

    report: Annotated[str, Field(description="Its number, such as SM-26-0417.")]
    kind: str
    state: ReportState
    place: ReportedPlace
    at: str
    text: str | None
    incident: Annotated[str | None, Field(description="The incident that it is about.")]
    draft: Annotated[str | None, Field(description="The alert that cites it.")]
    received_at: str
    via: Via
    closing: Closing | None
    answer: str | None
    reason: Annotated[str | None, Field(description="Why it is held, in the station's language.")]
    reason_code: ReasonCode
    forwarded: tuple[HandedOn, ...]
    waits: Annotated[VersionOut | None, Field(description="The answer to it that waits for a second person.")] = None

    @classmethod
    def of(cls, unit: DeskUnit, report: CitizenReport) -> Self:
        """One report."""
        return cls.each(unit, [report])[0]

    @classmethod
    def each(cls, unit: DeskUnit, reports: Sequence[CitizenReport]) -> list[Self]:
        """Of a list, with two questions for all of them."""
        town = unit.desk.station
        handed = unit.reports.forwardings_of([each.id for each in reports])
        waits = {each.subject: VersionOut.of(each) for each in unit.listening.waiting_answers()}
        return [
            cls(
                report=each.number,
                kind=each.kind,
                state=each.state,
                place=ReportedPlace(each.lat, each.lon, each.place),
                at=spelled(town, each.at),
                text=each.text,
                incident=each.incident,
                draft=each.draft,
                received_at=spelled(town, each.received_at),
                via=each.via,
                closing=each.closing,
                answer=each.answer,
                **worded(town, each.held),
                forwarded=tuple(HandedOn.of(town, one) for one in handed if one.report == each.id),
                waits=waits.get(each.id),
            )
            for each in reports
        ]
