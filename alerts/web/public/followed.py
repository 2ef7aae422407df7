"""The private page of who reported, `/report/NUMBER/TOKEN`: how far it is, what the town answered, and erasing it.

Whoever has its address may see and erase it; nobody else learns from an answer whether there is such a number. The
address ends with what 128 bits of chance made, of which the town keeps a digest alone.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from alerts.access.sessions import digest
from alerts.desk.service import DeskService, DeskUnit
from alerts.model.events import ReportsChanged
from alerts.model.reports import CitizenReport, ReportStep
from alerts.reports.account import link_of
from alerts.reports.acts import erased
from alerts.reports.taking import section_of
from alerts.web.posted import must_be_from_here
from alerts.web.public.page import REPORT, Pages
from alerts.web.public.publisher import Publisher, nothing_there, own_page

_ONE = "report/{number:[A-Za-z0-9-]{3,24}}/{token:[0-9a-f]{32}}"


@dataclass(frozen=True, slots=True)
class _Followed:
    report: CitizenReport
    steps: Sequence[ReportStep]
    first: str | None
    """The number of the report that it is a duplicate of."""


class PrivatePages:
    """Private pages, for one town. `reads` answers what is looked at, `service` erases."""

    def __init__(self, publisher: Publisher, reads: DeskService, service: DeskService) -> None:
        self._publisher = publisher
        self._reads = reads
        self._service = service
        self._setting = setting = publisher.setting
        self._pages = {language: Pages(setting, language) for language in setting.languages}

    def routes(self) -> list[web.RouteDef]:
        """One address in each language, and one to erase it."""
        paths = [self._setting.path(language, _ONE) for language in self._setting.languages]
        return [web.get(path, self.show) for path in paths] + [web.post(f"{path}/erase", self.erase) for path in paths]

    async def show(self, request: web.Request) -> web.Response:
        """How far it is."""
        number, token = request.match_info["number"], request.match_info["token"]
        found = await self._reads.ask(lambda unit: _followed(unit, number, token))
        if found is None:
            return await nothing_there(self._publisher, request)
        edition, town = await self._publisher.edition(), self._setting.town
        language = self._setting.language_of(request.path)
        lasting = edition.incidents.get(found.report.incident or "")
        kind = section_of(town).kind(found.report.kind)
        page = self._pages[language].reported(
            "reported.html",
            edition.outlook,
            f"report/{found.report.number}/{token}",
            report=found.report,
            steps=found.steps,
            first=found.first,
            district={each.code: each.name for each in town.districts}.get(found.report.district or ""),
            kind=kind.name(language) if kind is not None else found.report.kind,
            pictogram_name=kind.pictogram if kind is not None else "other",
            token=token,
            told=lasting.told.get(language) if lasting is not None else None,
            link=link_of(town, found.report.number, token),
            just_sent="sent" in request.query,
        )
        return own_page(self._setting, page)

    async def erase(self, request: web.Request) -> web.Response:
        """Forget all of it, at once and for good."""
        must_be_from_here(request)
        number, token = request.match_info["number"].upper(), request.match_info["token"]
        if not await self._service.act(lambda unit: _erase(unit, number, token), posts=False):
            return await nothing_there(self._publisher, request)
        self._service.tell(ReportsChanged((number,)))
        edition = await self._publisher.edition()
        pages = self._pages[self._setting.language_of(request.path)]
        page = pages.reported("report_done.html", edition.outlook, REPORT, what="erased", kind=None)
        return own_page(self._setting, page)


def _owned(unit: DeskUnit, number: str, token: str) -> CitizenReport | None:
    """The report of that number, for who has its token."""
    found = unit.reports.by_number(number)
    # What was erased or forgotten has no token any more, and no link leads to it.
    known = found.token if found is not None and found.token else "-"
    return found if hmac.compare_digest(known.encode(), digest(token).encode()) else None


def _followed(unit: DeskUnit, number: str, token: str) -> _Followed | None:
    report = _owned(unit, number, token)
    if report is None:
        return None
    first = unit.reports.by_id(report.duplicate_of) if report.duplicate_of is not None else None
    return _Followed(report, unit.reports.steps(report.id), first.number if first is not None else None)


def _erase(unit: DeskUnit, number: str, token: str) -> bool:
    report = _owned(unit, number, token)
    if report is not None:
        erased(unit, report)
    return report is not None
