"""Acts on one citizen's report; the rules that they share are in `alerts.reports.acts`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from alerts.desk.act import Line, Lines, Name, Named, OfficerAct
from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.model.errors import Misuse
from alerts.model.events import ReportsChanged
from alerts.model.person import Act
from alerts.model.reason import Reason, because
from alerts.model.reports import CitizenReport, Closing, ReportState
from alerts.reports import acts
from alerts.reports.acts import BY_HAND, LONGEST_ASSIGNED, LONGEST_SAID, find_report
from alerts.reports.forwarding import forward_again
from alerts.reports.out import ReportOut

_TOLD = Named(help="Told to who reported.")
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

    def carry_out(self, officer: Officer) -> CitizenReport:
        """Do it, and return the report as it is then."""
        raise NotImplementedError

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
        return acts.accept(officer, self.id, self.text, was=self.was)


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
        return acts.accept(officer, self.id, self.text, was=self.was)


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
        """Assign it."""
        return acts.assign(officer, self.id, self.to, was=self.was)


@dataclass(frozen=True)
class CloseReport(ReportAct):
    """Close a report with an answer."""

    verb, body = "close", ("CloseReportWish", "How a report ended.")
    help = "Close a report; --text is the answer that who reported is told."

    text: Annotated[_Said | None, Field(description="The answer that who reported is told."), _TOLD] = None
    closing: Annotated[
        Closing,
        Field(description=f"One of {', '.join(f'`{each}`' for each in BY_HAND)}."),
        Named(help="How it ended: done, not ours or not found.", metavar="HOW"),
    ] = Closing.DONE
    was: _Was = None

    def carry_out(self, officer: Officer) -> CitizenReport:
        """Close it."""
        return acts.close(officer, self.id, self.closing, self.text, was=self.was)


@dataclass(frozen=True)
class CloseReportAsPrepared(CloseReport):
    """The same with one of the program's own sentences, which waits for nobody: no way in takes words for it."""

    def carry_out(self, officer: Officer) -> CitizenReport:
        """Close it."""
        return acts.close(officer, self.id, self.closing, self.text, was=self.was, prepared=True)


@dataclass(frozen=True)
class DuplicateReport(ReportAct):
    """Close a report as a duplicate of another one, which goes on."""

    verb, body = "duplicate", ("DuplicateReportWish", "The report that goes on.")

    of_report: Annotated[Name, Field(description="The number of the other one."), Named(key="of", metavar="NUMBER")]
    was: _Was = None

    def carry_out(self, officer: Officer) -> CitizenReport:
        """Close it."""
        return acts.duplicate(officer, self.id, self.of_report, was=self.was)


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
        return acts.about(officer, self.id, self.incident, was=self.was)


@dataclass(frozen=True)
class SetReportAside(ReportAct):
    """Set a report aside: it counts for nothing."""

    verb, body = "set-aside", ("SetReportAsideWish", "Why a report counts for nothing.")

    reason: _Reason
    was: _Was = None

    def carry_out(self, officer: Officer) -> CitizenReport:
        """Set it aside."""
        return acts.set_aside(officer, self.id, self.reason, was=self.was)


@dataclass(frozen=True)
class WithholdReport(ReportAct):
    """Withdraw a report's words and photo from the public."""

    verb, body = "withhold", ("WithholdReportWish", "Why a report isn't public.")

    reason: _Reason

    def carry_out(self, officer: Officer) -> CitizenReport:
        """Withhold it."""
        return acts.withhold(officer, self.id, self.reason)


@dataclass(frozen=True)
class ShowReportAgain(ReportAct):
    """Show the public a report again that was withheld."""

    verb = "show-again"
    details = "If two officers are needed, it takes an approver."

    def carry_out(self, officer: Officer) -> CitizenReport:
        """Show it."""
        return acts.show_again(officer, self.id)


@dataclass(frozen=True)
class EraseReport(ReportAct):
    """Erase all of a report that says who, where or what, for good."""

    verb, permission = "erase", Act.FORGET

    def carry_out(self, officer: Officer) -> CitizenReport:
        """Erase it."""
        return acts.erase(officer, self.id)


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
