"""Citizens' reports on the command line: `tocsin reports`, and `tocsin report add` and the acts on a report.

`tocsin report ID` is the report of an incident: any other word is an incident's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alerts.cli import options, screen
from alerts.cli.acts import SHOWN, ActGroup
from alerts.cli.officer import report as incident_report
from alerts.cli.options import officer
from alerts.cli.screen import tell
from alerts.model.errors import Misuse
from alerts.model.person import Act
from alerts.model.reason import because
from alerts.model.reports import ReportState, Via

if TYPE_CHECKING:
    from alerts.daemon.desk import Control
    from alerts.desk.unit import DeskUnit
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


class ReportCommands(ActGroup):
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


_State = Annotated[
    ReportState | None,
    typer.Option("--state", parser=_state, metavar="STATE", help=f"Only these: {', '.join(ReportState)}."),
]
_OfKind = Annotated[str | None, typer.Option("--kind", metavar="KIND", help="Only this kind, by its code.")]
_Kind = Annotated[str, typer.Option("--kind", metavar="KIND", help="The kind's code, such as flooding.")]
_At = Annotated[str | None, typer.Option("--at", metavar="LAT,LON", help="Where it is.")]
_Address = Annotated[str | None, typer.Option("--address", metavar="TEXT", help="What the place is called.")]
_Words = Annotated[str, typer.Option("--text", metavar="TEXT", help="What is said about it.")]


def reports(context: typer.Context, state: _State = None, kind: _OfKind = None, as_json: options.Json = False) -> int:
    """List what citizens reported, newest first."""
    from alerts.reports.out import ReportOut

    control = _reporting(context)
    states = (state,) if state is not None else None
    found = control.ask(lambda unit: ReportOut.each(unit, unit.reports.listed(MOST, states=states, kind=kind)))
    for each in found:
        screen.show_json(each) if as_json else _show(each.as_json(), control.town)
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
    from alerts.reports.out import ReportOut
    from alerts.reports.taking import ReportDraft, placed, take

    control = _reporting(context)
    lat, lon = _position(at) if at is not None else (None, None)
    places = read_places(control.town)

    def act(unit: DeskUnit) -> ReportOut:
        by = officer(unit, who, Act.TEND)
        by.must(Act.TEND)
        # Each that is told at the counter is somebody else's.
        source = f"counter {unit.new_id()}"
        language = control.town.language
        draft = ReportDraft(kind, Via.OFFICER, source, lat, lon, address, text, language=language, by=by.actor)
        return ReportOut.of(unit, take(unit, placed(draft, places)).report)

    added, _ = control.act(act)
    screen.show_json(added) if as_json else _show(added.as_json(), control.town)
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


def _show(row: Mapping[str, Any], town: Town) -> None:
    """One report on a line, as a person reads it: `--json` has the codes."""
    from alerts.reports.taking import section_of

    place, known = row["place"], section_of(town).kind(row["kind"])
    where = place["words"] or (f"{place['lat']:.5f},{place['lon']:.5f}" if place["lat"] is not None else "-")
    kind = known.name(town.language) if known is not None else row["kind"]
    words = [row["report"], row["at"][:16].replace("T", " "), tell(_STATES[row["state"]]), kind, screen.plain(where)]
    screen.show("  ".join([*words, screen.plain(row["text"] or "")]).rstrip())


SHOWN["ReportOut"] = lambda out, town: _show(out.as_json(), town)
