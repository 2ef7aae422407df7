"""Citizens' reports for programs: a program with the role `reporter` submits reports, others read and decide.

A report is stored in a transaction of the intake's own, with many others. So an answer is stored under the program's
own key (`Idempotency-Key`) after it: if a crash comes between, the same key finds the same report, by the form's key
that is made of it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from alerts.desk.act import Line, Lines, Moment, Name
from alerts.desk.draft import read_time
from alerts.desk.out import Out
from alerts.desk.unit import DeskUnit
from alerts.model.errors import Misuse
from alerts.model.person import REPLIES_KEPT, Act, KeptReply
from alerts.model.reason import because
from alerts.model.reports import LONGEST_PLACE, LONGEST_TEXT, CitizenReport, ReportState, Via
from alerts.reports.intake import ReportIntake
from alerts.reports.out import ReportOut
from alerts.reports.steps import find_report
from alerts.reports.taking import ReportDraft, TakenReport, link_of
from alerts.store.reports import BEYOND
from alerts.web.api.acts import operations_of
from alerts.web.api.commands import once_at_a_time, replayed
from alerts.web.api.models import Base64, Paging, RequestBody
from alerts.web.api.operation import Api, ApiCall, ApiResponse, Operation, json_reply
from alerts.web.api.problems import Fault, Problem, ProblemType, invalid
from alerts.web.api.queries import next_link

Code = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9_-]*$")]
Opaque = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]


class ReportWish(RequestBody):
    """A report to store."""

    kind: Code = Field(description="The code of one of the town's kinds.")
    lat: Annotated[float, Field(ge=-90, le=90)] | None = Field(None, description="WGS 84.")
    lon: Annotated[float, Field(ge=-180, le=180)] | None = None
    address: Annotated[Line, StringConstraints(max_length=LONGEST_PLACE)] | None = Field(
        None, description="In place of a position, or what people there call the place."
    )
    text: Annotated[Lines, StringConstraints(max_length=LONGEST_TEXT)] | None = Field(
        None, description="What they say; officers read it first."
    )
    source: Opaque = Field(
        description="A key of your own for who reports: two of one key count as one. Kept for a day, as a digest."
    )
    at: Moment | None = Field(None, description="When it was: not in the future, not older than a day. Else now.")
    photo: Base64 | None = Field(None, description="A photo (JPEG, PNG or WebP) in base64, up to 5 MiB before.")
    language: (
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)] | None
    ) = Field(None, description="The language of who reports, if not the station's.")


class ReportFilters(Paging):
    """Which reports a list shows."""

    before: Name | None = Field(None, description="The number of a report: those from before it.")
    state: ReportState | None = None
    kind: Code | None = None


@dataclass(frozen=True)
class ReportPage(Out):
    """A part of the list of reports, newest first; `next` is the `before` of the part that follows."""

    reports: Sequence[ReportOut]
    next: str | None


@dataclass(frozen=True)
class ReportReceipt(Out):
    """A report that was taken. `link` is for who reported alone: state, answers, and erasing it."""

    report: str
    state: ReportState
    link: str


async def post_report(api: Api, call: ApiCall) -> ApiResponse:
    """Take a report."""
    intake = _intake(api)
    wish = call.wishing(ReportWish)
    # In a thread: megabytes of base64 hold the loop for longer than an alert may wait.
    photo = await asyncio.to_thread(_photo, wish.photo) if wish.photo is not None else None
    now, town = api.service.now(), api.station
    draft = ReportDraft(
        kind=wish.kind,
        via=Via.API,
        # With the token's digest before it: two programs may call different people by the same key.
        source=f"key {call.token} {wish.source}",
        lat=wish.lat,
        lon=wish.lon,
        address=wish.address,
        text=wish.text or "",
        photo=photo,
        language=wish.language or town.language,
        key=form_key(call.token, call.conditions.key),
        by=call.actor,
        at=read_time("at", wish.at, now, town.zone) if wish.at is not None else None,
    )
    # A second try waits for the first one, and gets the same number.
    async with once_at_a_time(api, call):
        if (kept := await replayed(api, call)) is not None:
            return kept
        reply = json_reply(201, _receipt(api, await intake.take(draft)))
        if (key := call.conditions.key) is not None:
            # After it was taken: should a kill come between, the report is found again by its own key.
            known = KeptReply(call.token, key, call.digest, reply.status, reply.body.decode(), now)
            await api.service.keep(lambda unit: _keep(unit, known))
        return reply


def form_key(token: str, key: str | None) -> str | None:
    """Return the key that identifies a repeated report; it includes the token's hash, so nobody else can guess it."""
    return f"{token} {key}" if key is not None else None


def _keep(unit: DeskUnit, reply: KeptReply) -> None:
    unit.replies.sweep(unit.now - REPLIES_KEPT)
    if unit.replies.reply(reply.token, reply.key) is None:
        unit.replies.keep(reply)


def _receipt(api: Api, taken: TakenReport) -> ReportReceipt:
    report = taken.report
    return ReportReceipt(report.number, report.state, link_of(api.station, report.number, taken.token))


def _photo(spelled: str) -> bytes:
    try:
        return base64.b64decode(spelled, validate=True)
    except binascii.Error:
        raise invalid([Fault("photo", "is no base64", "the file in base64, on one line")]) from None


async def list_reports(api: Api, call: ApiCall) -> ApiResponse:
    """The newest first."""
    _intake(api)
    wanted = call.asking(ReportFilters)

    def question(unit: DeskUnit) -> ReportPage:
        states = (wanted.state,) if wanted.state is not None else None
        before = _before(unit, wanted.before) if wanted.before is not None else BEYOND
        # One more than is shown: it tells whether there is a page after this one.
        found = unit.reports.listed(wanted.limit + 1, states=states, kind=wanted.kind, before=before)
        shown = found[: wanted.limit]
        return ReportPage(ReportOut.each(unit, shown), shown[-1].number if len(found) > wanted.limit else None)

    page = await api.service.ask(question)
    return json_reply(200, page, next_link("/reports", wanted, page.next))


def _before(unit: DeskUnit, number: str) -> int:
    found = unit.reports.by_number(number)
    if found is None:
        raise invalid([Fault("before", "names no report", "the `next` of the part before")])
    return found.seq


async def get_report(api: Api, call: ApiCall) -> ApiResponse:
    """One report."""
    _intake(api)
    return json_reply(200, await api.service.ask(lambda unit: ReportOut.of(unit, _found(unit, call.name))))


def _found(unit: DeskUnit, name: str) -> CitizenReport:
    try:
        return find_report(unit, name)
    except Misuse as error:
        raise Problem(ProblemType.UNKNOWN, error.reason) from None


def _intake(api: Api) -> ReportIntake:
    if api.reports is None:
        raise Problem(ProblemType.UNKNOWN, because("no_reports_here"))
    return api.reports


_ONE = {200: (ReportOut,)}
OPERATIONS = (
    Operation(
        "listReports",
        "GET",
        "/reports",
        "What residents report",
        list_reports,
        Act.VIEW,
        {200: (ReportPage,)},
        query=ReportFilters,
        troubles=(404,),
        details="Newest first. 404 where the town takes no reports.",
    ),
    Operation(
        "postReport",
        "POST",
        "/reports",
        "Report something for somebody",
        post_report,
        Act.REPORT,
        {201: (ReportReceipt,)},
        wish=ReportWish,
        troubles=(404,),
        details="For programs through which people report. It passes the same sieves as a report of the town's page.",
    ),
    Operation("getReport", "GET", "/reports/{id}", "One report", get_report, Act.VIEW, _ONE, details="By its number."),
    *operations_of("reports"),
)
"""The operations on reports."""
