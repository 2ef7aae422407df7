"""A desk of a town that takes reports, and what citizens report there: through the one way in, as anybody's."""

from __future__ import annotations

import itertools
from contextlib import asynccontextmanager
from dataclasses import replace

from alerts.model.reports import CitizenReport, Via
from alerts.reports.intake import ReportIntake
from alerts.reports.taking import ReportDraft
from alerts.web.console import heard, reports, validate, versions
from tests.unit.web.console.watching import REPORTING, WATCH, Desk, a_desk

PARTS = (*WATCH, validate, heard, reports, versions)
HERE = (45.19, 5.71)
METRES = 111_320.0
_networks = itertools.count(1)


@asynccontextmanager
async def a_reporting_desk(tmp_path, language="en", publish="auto", town=REPORTING):
    """The desk, with the way in that its console has for what officers type in."""
    parts = tuple(_Part(part) for part in PARTS)
    async with a_desk(tmp_path, publish=publish, parts=parts, language=language, town=town) as desk:
        yield desk


class _Part:
    """A part of the desk whose console knows the way in for reports."""

    def __init__(self, part) -> None:
        self._part = part

    def routes(self, console):
        return self._part.routes(replace(console, reports=intake_of(console)))


def intake_of(console) -> ReportIntake:
    """The way in, over the console's own service."""
    return ReportIntake(console.frame.station, console.service, _Now(console))


class _Now:
    """The clock of the service, as the intake wants one; nobody waits here."""

    def __init__(self, console) -> None:
        self._service = console.service

    def now(self):
        return self._service.now()

    async def sleep(self, seconds: float) -> None:
        """A crowd's rest is no time for a test."""


async def report(desk: Desk, text="Le lampadaire clignote", kind="lighting", metres=0.0, **more) -> CitizenReport:
    """Somebody of another network reports that, so many metres north of the town's middle."""
    source = more.pop("source", None) or f"net 10.0.{next(_networks)}.0/24"
    place = (HERE[0] + metres / METRES, HERE[1])
    draft = ReportDraft(kind, more.pop("via", Via.PAGE), source, *place, text=text, **more)
    return (await intake_of(desk.console).take(draft)).report


async def kept(desk: Desk, number: str) -> CitizenReport:
    """It, as it is kept now."""
    found = await desk.service.ask(lambda unit: unit.reports.by_number(number))
    assert found is not None
    return found


async def steps_of(desk: Desk, of: CitizenReport):
    """What happened to it."""
    return await desk.service.ask(lambda unit: list(unit.reports.steps(of.id)))
