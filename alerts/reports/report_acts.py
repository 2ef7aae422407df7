"""Acts on one citizen's report; the rules that they share are in `alerts.reports.steps`.

A repeated act, as by a double tap, is done once: no second step, no second line in the audit log. If the caller passes
the state in which they saw the report (`was`), and somebody else was faster, nothing is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from alerts.desk.act import Line, Lines, Name, Named, OfficerAct
from alerts.desk.approve import find_alert
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.model.errors import Misuse
from alerts.model.events import ReportsChanged
from alerts.model.person import Act
from alerts.model.reason import Reason, because
from alerts.model.reports import CitizenReport, Closing, ReportState
from alerts.reports.forgetting import erased
from alerts.reports.forwarding import forward_again
from alerts.reports.out import ReportOut
from alerts.reports.steps import (
    ACCEPTED,
    BY_HAND,
    LONGEST_ASSIGNED,
    LONGEST_SAID,
    TAKEN_UP,
    WAITING,
    change,
    closed,
    find_report,
    last_answer,
    may_go_out,
    may_second,
    may_vouch,
    must_be,
    must_undo,
    stripped,
    taken_up,
    tell_duplicates,
    touch,
    withhold,
)

_ANSWER = Named(help="Told to who reported.")
_Said = Annotated[Lines, StringConstraints(max_length=LONGEST_SAID)]
_Reason = Annotated[_Said, Field(description="Told to who reported.")]
_Was = Annotated[
    ReportState | None,
    Field(description="The state in which it was seen: if somebody was faster, nothing is done (409)."),
]


@dataclass(frozen=True)
class ReportAct(OfficerAct):
    """The base of them."""

    of, place, group, answers, permission = "reports", "/reports", "report", (ReportOut,), Act.TEND
    metavar: ClassVar[str] = "NUMBER"
    names: ClassVar[str] = "A report's number, such as SM-26-0417."

    def missing(self, unit: DeskUnit) -> Reason | None:
        """Why no report has this number."""
        if unit.desk.station.reports is None:
            return because("no_reports_here")
        try:
            find_report(unit, self.id)
        except Misuse as error:
            return error.reason
        return None

    def account(self, unit: DeskUnit, done: CitizenReport) -> ReportOut:
        """The report."""
        return ReportOut.of(unit, done)

    def before(self, unit: DeskUnit) -> ReportOut:
        """The report as it is now."""
        return ReportOut.of(unit, find_report(unit, self.id))

    def title(self, unit: DeskUnit) -> str:
        """The number and the words."""
        report = find_report(unit, self.id)
        return " – ".join(filter(None, (report.number, report.text)))

    def events(self, unit: DeskUnit, done: CitizenReport) -> Sequence[object]:  # noqa: ARG002 one for all
        """The report changed: no post is stored, so open pages would hear of nothing else."""
        return (ReportsChanged((done.number,)),)

    def page(self, unit: DeskUnit, done: CitizenReport) -> str:  # noqa: ARG002 it has its number
        """The report's own page."""
        return f"/reports/{done.number}"


@dataclass(frozen=True)
class AcceptReport(ReportAct):
    """Take a report up.

    One that was closed or set aside is open again.
    """

    verb, body = "accept", ("AcceptReportWish", "Words for who reported.")
    details = "Its words may then be public, and it is handed on where its kind is."

    text: Annotated[_Said | None, Field(description="Told to who reported.")] = None
    was: _Was = None

    def carry_out(self, officer: Officer) -> CitizenReport:
        """Accept it."""
        report, said = find_report(officer.unit, self.id), stripped(self.text)
        is_seen = report.accepted_at is not None or not (may_vouch(officer, report) or may_second(officer, report))
        if report.state in TAKEN_UP and is_seen and (said is None or said == last_answer(officer.unit, report)):
            return report
        must_be(report, self.was)
        state = report.state if report.state in TAKEN_UP else ReportState.ACCEPTED
        going_out = may_go_out(officer, report, said)
        accepted = taken_up(officer, report, state, going_out, vouches=may_vouch(officer, report))
        if report.state in TAKEN_UP and going_out is None:  # a second officer: who reported knows that it was taken up
            return touch(officer, accepted, ACCEPTED)
        return change(officer, accepted, ACCEPTED, going_out)


@dataclass(frozen=True)
class TellReporter(ReportAct):
    """Tell the person who reported something, while the report goes on.

    The words are the town's answer until there is another one.
    """

    verb, body = "tell", ("TellReporterWish", "Words for who reported.")
    details = "A report that waited is taken up by that."

    text: _Reason
    was: _Was = None

    def carry_out(self, officer: Officer) -> CitizenReport:
        """Store the words. Raises Misuse if they are blank."""
        if not self.text.strip():
            raise Misuse(because("report_told_nothing"))
        return AcceptReport(self.id, self.text, self.was).carry_out(officer)


@dataclass(frozen=True)
class AssignReport(ReportAct):
    """Assign a report to a person or a service."""

    verb, body = "assign", ("AssignReportWish", "Who sees to a report.")

    to: Annotated[
        Annotated[Line, StringConstraints(max_length=LONGEST_ASSIGNED)],
        Field(description="Their name."),
        Named(metavar="NAME"),
    ]
    was: _Was = None

    def carry_out(self, officer: Officer) -> CitizenReport:
        """Assign it. Raises Misuse where that is said in no word, or in too many."""
        report, whom = find_report(officer.unit, self.id), " ".join(self.to.split())
        if not whom or len(whom) > LONGEST_ASSIGNED:
            raise Misuse(because("report_assigned_to", most=LONGEST_ASSIGNED))
        if report.state is ReportState.ASSIGNED and report.assigned_to == whom:
            return report
        must_be(report, self.was)
        assigned = replace(taken_up(officer, report, ReportState.ASSIGNED, None), assigned_to=whom)
        return change(officer, assigned, "report assigned")


@dataclass(frozen=True)
class CloseReport(ReportAct):
    """Close a report with an answer."""

    verb, body = "close", ("CloseReportWish", "How a report ended.")
    prepared: ClassVar[bool] = False
    help = "Close a report; --text is the answer that who reported is told."

    text: Annotated[_Said | None, Field(description="The answer that who reported is told."), _ANSWER] = None
    closing: Annotated[
        Closing,
        Field(description=f"One of {', '.join(f'`{each}`' for each in BY_HAND)}."),
        Named(help="How it ended: done, not ours or not found.", metavar="HOW"),
    ] = Closing.DONE
    was: _Was = None

    def carry_out(self, officer: Officer) -> CitizenReport:
        """Close it. Another answer to a closed one is sent again."""
        unit, how = officer.unit, self.closing
        if how not in BY_HAND:
            raise Misuse(because("report_not_closed_so", closing=how, allowed=list(BY_HAND)))
        report, answer = find_report(unit, self.id), stripped(self.text)
        is_closed = report.closing is how and report.state is ReportState.CLOSED
        if is_closed and answer == last_answer(unit, report):
            return report
        must_be(report, self.was)
        going_out = answer if self.prepared else may_go_out(officer, report, answer)
        done = closed(unit, report, how, going_out)
        if is_closed and going_out is None and answer is not None:  # all that is new waits
            return touch(officer, replace(done, answer=report.answer), f"report closed, {how}")
        done = change(officer, done, f"report closed, {how}", going_out)
        tell_duplicates(unit, done, going_out, officer.actor.name)
        return done


@dataclass(frozen=True)
class CloseReportAsPrepared(CloseReport):
    """The same with one of the program's own sentences, which waits for nobody: no way in takes words for it."""

    prepared = True


@dataclass(frozen=True)
class DuplicateReport(ReportAct):
    """Close a report as a duplicate of another one, which goes on."""

    verb, body = "duplicate", ("DuplicateReportWish", "The report that goes on.")

    of_report: Annotated[Name, Field(description="The number of the other one."), Named(key="of", metavar="NUMBER")]
    was: _Was = None

    def carry_out(self, officer: Officer) -> CitizenReport:
        """Close it. Raises Misuse where the other one is itself."""
        unit = officer.unit
        report, first = find_report(unit, self.id), find_report(unit, self.of_report)
        if first.duplicate_of is not None:
            # One step is enough: what is made a duplicate has no duplicates of its own from then on.
            first = find_report(unit, first.duplicate_of)
        if first.id == report.id:
            raise Misuse(because("report_of_itself", report=report.number))
        if (report.state, report.duplicate_of) == (ReportState.CLOSED, first.id):
            return report
        must_be(report, self.was)
        done = replace(closed(unit, report, Closing.DUPLICATE), duplicate_of=first.id)
        unit.reports.move_duplicates(report.id, first.id)
        _carry_over(unit, report, first)
        return change(officer, done, f"report duplicates {first.number}")


def _carry_over(unit: DeskUnit, report: CitizenReport, first: CitizenReport) -> None:
    """Count the sources of one report as the other's: each once, as far as their identities are known."""
    known = {
        digest for each in unit.reports.tellers([first.id]) for digest in (each.source, each.source_before) if digest
    }
    tellers = unit.reports.tellers([report.id])
    new = [each for each in tellers if not known & {each.source, each.source_before}]
    for each in new:
        unit.reports.tell(replace(each, report=first.id, kind=first.kind, lat=first.lat, lon=first.lon))
    unit.reports.add_reporters(first.id, report.tellers - (len(tellers) - len(new)))


@dataclass(frozen=True)
class AttachReport(ReportAct):
    """Attach a report to the incident that it is about.

    One that waited is taken up by that.
    """

    verb, body = "about", ("AttachReportWish", "The incident that a report is about.")

    incident: Annotated[Name, Field(description="The id of any of its alerts."), Named(metavar="ID")]
    was: _Was = None

    def carry_out(self, officer: Officer) -> CitizenReport:
        """Attach it."""
        report = find_report(officer.unit, self.id)
        belongs = find_alert(officer.unit.alerts, self.incident).incident_id
        if report.incident == belongs and report.state not in WAITING:
            return report
        must_be(report, self.was)
        state = ReportState.ACCEPTED if report.state in WAITING else report.state
        known = replace(report, incident=belongs)
        taken = taken_up(officer, known, state, None) if report.is_open else known
        return change(officer, taken, f"report about {belongs}")


@dataclass(frozen=True)
class SetReportAside(ReportAct):
    """Set a report aside: it counts for nothing."""

    verb, body = "set-aside", ("SetReportAsideWish", "Why a report counts for nothing.")

    reason: _Reason
    was: _Was = None

    def carry_out(self, officer: Officer) -> CitizenReport:
        """Set it aside. Raises Misuse without a reason."""
        report, why = find_report(officer.unit, self.id), stripped(self.reason)
        if why is None:
            raise Misuse(because("report_aside_without_reason"))
        if report.state is ReportState.SET_ASIDE:
            return report
        must_be(report, self.was)
        aside = replace(report, state=ReportState.SET_ASIDE, agreed=False, accepted_at=None)
        return change(officer, aside, "report set aside", why)


@dataclass(frozen=True)
class WithholdReport(ReportAct):
    """Withdraw a report's words and photo from the public."""

    verb, body = "withhold", ("WithholdReportWish", "Why a report isn't public.")

    reason: _Reason

    def carry_out(self, officer: Officer) -> CitizenReport:
        """Withhold it. Raises Misuse without a reason."""
        report, why = find_report(officer.unit, self.id), stripped(self.reason)
        if why is None:
            raise Misuse(because("report_withheld_without_reason"))
        return withhold(officer, report, why)


@dataclass(frozen=True)
class ShowReportAgain(ReportAct):
    """Show the public a report again that was withheld."""

    verb = "show-again"
    details = "If two officers are needed, it takes an approver."

    def carry_out(self, officer: Officer) -> CitizenReport:
        """Show it. Raises Forbidden for an author where two are needed."""
        report = find_report(officer.unit, self.id)
        if report.withheld is None:
            return report
        must_undo(officer)
        return touch(officer, replace(report, withheld=None), "report shown again")


@dataclass(frozen=True)
class EraseReport(ReportAct):
    """Erase all of a report that says who, where or what, for good."""

    verb, permission = "erase", Act.FORGET

    def carry_out(self, officer: Officer) -> CitizenReport:
        """Erase it."""
        report = find_report(officer.unit, self.id)
        if report.closing is Closing.ERASED:
            return report
        gone = erased(officer.unit, report)
        officer.write(Act.FORGET, report.number, "report erased")
        return gone


@dataclass(frozen=True)
class ForwardReportAgain(ReportAct):
    """Send a report again to other servers, if that failed or is in doubt."""

    verb, body = "forward-again", ("ForwardReportWish", "The server that a report is sent to again.")
    details = "What was in doubt may then be there twice."

    server: Annotated[
        Name | None, Field(description="Its name in `[[reports.forward]]`; else all."), Named(metavar="NAME")
    ] = None

    def carry_out(self, officer: Officer) -> CitizenReport:
        """Queue it. Raises Misuse if there is nothing to send again."""
        report = find_report(officer.unit, self.id)
        forward_again(officer, report, self.server)
        return report
