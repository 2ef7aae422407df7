"""What citizens report, on the command line: `tocsin reports`, and `tocsin report add`, `accept`, `close`.

`tocsin report ID` is the report of an incident, as ever: whatever isn't one of these words is an incident's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alerts.cli import options, screen
from alerts.cli.officer import report as incident_report
from alerts.cli.options import officer
from alerts.cli.screen import tell
from alerts.model.errors import Misuse
from alerts.model.person import Act
from alerts.model.reason import because
from alerts.model.reports import Closing, ReportState, Via

if TYPE_CHECKING:
    from alerts.daemon.desk import Control
    from alerts.desk.officer import Officer
    from alerts.desk.service import DeskUnit
    from alerts.model.reports import CitizenReport
    from alerts.model.town import Town
    from alerts.reports.out import ReportOut

MOST = 500
_STATES = {
    ReportState.RECEIVED: "new",
    ReportState.HELD: "held back",
    ReportState.ACCEPTED: "taken up",
    ReportState.ASSIGNED: "assigned",
    ReportState.CLOSED: "done with",
    ReportState.SET_ASIDE: "set aside",
}
_POSITION = re.compile(r"\s*(-?\d{1,2}(?:\.\d+)?)\s*[,;]\s*(-?\d{1,3}(?:\.\d+)?)\s*")
_INCIDENT = "of"


class ReportCommands(typer.core.TyperGroup):
    """Takes what is none of its commands for an incident's name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the hidden command before it."""
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = [_INCIDENT, *args]
        return super().parse_args(ctx, args)


report = typer.Typer(
    cls=ReportCommands,
    help="Tell all of an incident (tocsin report ID); or see to what a citizen reports.",
)
report.command(_INCIDENT, hidden=True)(incident_report)


def _state(text: str) -> ReportState:
    try:
        return ReportState(text.strip().casefold())
    except ValueError:
        raise Misuse(because("option_no_code", option="--state", text=repr(text), allowed=list(ReportState))) from None


def _closing(text: str) -> Closing:
    from alerts.reports.acts import BY_HAND

    named = text.strip().casefold()
    if named not in [each.value for each in BY_HAND]:
        raise Misuse(because("option_no_code", option="--closing", text=repr(text), allowed=list(BY_HAND)))
    return Closing(named)


_Number = Annotated[str, typer.Argument(metavar="NUMBER", help="A report's number, such as SM-26-0417.")]
_State = Annotated[
    ReportState | None,
    typer.Option("--state", parser=_state, metavar="STATE", help=f"Only these: {', '.join(ReportState)}."),
]
_OfKind = Annotated[str | None, typer.Option("--kind", metavar="KIND", help="Only this kind, by its code.")]
_Kind = Annotated[str, typer.Option("--kind", metavar="KIND", help="The kind's code, such as flooding.")]
_At = Annotated[str | None, typer.Option("--at", metavar="LAT,LON", help="Where it is.")]
_Address = Annotated[str | None, typer.Option("--address", metavar="TEXT", help="What the place is called.")]
_Words = Annotated[str, typer.Option("--text", metavar="TEXT", help="What is said about it.")]
_Answer = Annotated[str | None, typer.Option("--text", metavar="TEXT", help="Told to who reported.")]
_Closing = Annotated[
    Closing,
    typer.Option("--closing", parser=_closing, metavar="HOW", help="How it ended: done, not ours or not found."),
]


def reports(context: typer.Context, state: _State = None, kind: _OfKind = None, as_json: options.Json = False) -> int:
    """List what citizens reported, newest first."""
    from alerts.reports.out import ReportOut

    control = _reporting(context)
    states = (state,) if state is not None else None
    found = control.ask(lambda unit: ReportOut.each(unit, unit.reports.listed(MOST, states=states, kind=kind)))
    for each in found:
        screen.show_json(each) if as_json else screen.show(_line(control.town, each))
    if not found and not as_json:
        screen.say(tell("nothing was reported"))
    return 0


@report.command("add")
def add(
    context: typer.Context,
    kind: _Kind,
    at: _At = None,
    address: _Address = None,
    text: _Words = "",
    who: options.As = None,
    as_json: options.Json = False,
) -> int:
    """Take in what somebody reports at the counter or by telephone."""
    from alerts.reports.addresses import read_places
    from alerts.reports.taking import ReportDraft, placed, take

    control = _reporting(context)
    lat, lon = _position(at) if at is not None else (None, None)
    places = read_places(control.town)

    def act(unit: DeskUnit) -> CitizenReport:
        by = officer(unit, who, Act.TEND)
        by.must(Act.TEND)
        # Each that is told at the counter is somebody else's.
        source = f"counter {unit.new_id()}"
        language = control.town.language
        draft = ReportDraft(kind, Via.OFFICER, source, lat, lon, address, text, language=language, by=by.actor)
        return take(unit, placed(draft, places)).report

    return _done(control, act, as_json=as_json)


@report.command("accept")
def accept(
    context: typer.Context, number: _Number, text: _Answer = None, who: options.As = None, as_json: options.Json = False
) -> int:
    """Take a report up."""
    from alerts.reports import acts

    return _acting(context, who, lambda by: acts.accept(by, number, text), as_json=as_json)


@report.command("close")
def close(
    context: typer.Context,
    number: _Number,
    text: _Answer = None,
    closing: _Closing = Closing.DONE,
    who: options.As = None,
    as_json: options.Json = False,
) -> int:
    """Close a report; --text is the answer that who reported is told."""
    from alerts.reports import acts

    return _acting(context, who, lambda by: acts.close(by, number, closing, text), as_json=as_json)


def _acting(context: typer.Context, who: str | None, deed: Callable[[Officer], CitizenReport], *, as_json: bool) -> int:
    return _done(_reporting(context), lambda unit: deed(officer(unit, who, Act.TEND)), as_json=as_json)


def _done(control: Control, act: Callable[[DeskUnit], CitizenReport], *, as_json: bool) -> int:
    from alerts.reports.out import ReportOut

    done, _ = control.act(lambda unit: ReportOut.of(unit, act(unit)))
    screen.show_json(done) if as_json else screen.show(_line(control.town, done))
    return 0


def _reporting(context: typer.Context) -> Control:
    control: Control = context.obj.control()
    if control.town.reports is None:
        raise Misuse(because("no_reports_here"))
    return control


def _position(text: str) -> tuple[float, float]:
    match = _POSITION.fullmatch(text)
    if match is None:
        raise Misuse(because("position_unread", text=repr(text)))
    return float(match[1]), float(match[2])


def _line(town: Town, row: ReportOut) -> str:
    """One report as a person reads it: `--json` has the codes."""
    from alerts.reports.taking import section_of

    section = section_of(town)
    place = row.place
    where = place.words or (f"{place.lat:.5f},{place.lon:.5f}" if place.lat is not None else "-")
    known = section.kind(row.kind)
    kind = known.name(town.language) if known is not None else row.kind
    state = tell(_STATES[row.state])
    words = [row.report, row.at[:16].replace("T", " "), state, kind, screen.plain(where)]
    return "  ".join([*words, screen.plain(row.text or "")]).rstrip()
