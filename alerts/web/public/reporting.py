"""The page on which citizens report, `/report` in every language: kind, place, known facts there, words, send.

    GET  /report                 the form, complete without script; `/signaler` redirects there
    POST /report                 `look`: the known facts at that place; `agree`: "me too" to a report; else it is sent,
                                 and its private page answers
    GET  /report/NUMBER/TOKEN    that private page: its progress, the town's answer, and erasing it
    GET  /report/fresh           a new form's own seal, for one that was kept on a telephone
    GET  /report/challenge       a browser's computation while somebody writes
    GET  /report/streets.json    the names of the town's streets: a typed address is sent to nobody

A report is identified by the key of its form, so one that is sent twice is one. None is refused for coming without
script or late: it is held, and somebody reviews it. No position is in an address that a server writes into its log.

The owner of a private page's address (`PrivatePages`) may see and erase the report; nobody else learns from an answer
if there is such a number. The address ends with 128 random bits, of which the town stores a digest alone.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any

from aiohttp import web

from alerts.access.sessions import digest
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.alert import Point
from alerts.model.bounds import IPV6, IPV6_GIVEN_AWAY, network_of, same
from alerts.model.errors import DatabaseRefused, Misuse
from alerts.model.events import ReportsChanged
from alerts.model.reason import Reason, because
from alerts.model.reports import CitizenReport, ReportKind, ReportStep, Via
from alerts.rendering.i18n import sentence
from alerts.reports.forgetting import erased
from alerts.reports.intake import ReportIntake
from alerts.reports.places import Places
from alerts.reports.public import Nearby, nearby
from alerts.reports.taking import ReportDraft, check, link_of, section_of
from alerts.web.console.arrival import address_of
from alerts.web.posted import must_be_from_here
from alerts.web.public.answers import HTML, JSON, UNKEPT, Cache, CachedResponse, answer, respond
from alerts.web.public.asking import QuestionPace
from alerts.web.public.page import REPORT, Pages, safety
from alerts.web.public.publisher import Publisher, nothing_there, own_page
from alerts.web.public.report_form import FormSeal, SentForm, field_of, read_sent
from alerts.web.public.snapshot import Snapshot
from alerts.web.room import NoRoom

LOOKS, ALL_LOOKS = 60, 3000
"""Places that one network, and all, may ask about in ten minutes; beyond, nothing is known there."""
AGREES, ALL_AGREES = 10, 600
MOST_STREETS = 20_000
_KEPT = ("kind", "lat", "lon", "address", "text", "key")
_KEY, _SEAL = "key-of-each-form", "seal-of-each-form"
"""Placeholders in a form that was made for several readers, where each has its own."""
_FIELDS = ("", "kind", "place", "text", "photo")


@dataclass(frozen=True, slots=True)
class _FormShown:
    """The form's further content: the input, its faults, the known facts at the place `found`."""

    values: Mapping[str, str]
    errors: Mapping[str, str]
    found: Point | None = None
    place: str | None = None
    outside: bool = False
    known: Nearby = field(default_factory=Nearby)
    status: int = HTTPStatus.OK


class ReportPages:
    """The addresses of reporting, for one town. `reads` answers queries, `service` stores."""

    def __init__(self, publisher: Publisher, reads: DeskService, service: DeskService, intake: ReportIntake) -> None:
        self._publisher = publisher
        self._reads = reads
        self._service = service
        self._intake = intake
        self._setting = setting = publisher.setting
        self._pages = {language: Pages(setting, language) for language in setting.languages}
        self._looks = QuestionPace(a_network=LOOKS, all_networks=ALL_LOOKS)
        self._agrees = QuestionPace(a_network=AGREES, all_networks=ALL_AGREES)
        self._blank: dict[str, tuple[Snapshot, str]] = {}
        self._streets = Cache()

    def routes(self) -> list[web.RouteDef]:
        """All of them: the form in each language, and what its script asks."""
        asked = [
            web.get("/report/fresh", self.fresh),
            web.get("/report/challenge", self.challenge),
            web.get("/report/streets.json", self.streets),
        ]
        for language in self._setting.languages:
            path = self._setting.path(language, "report")
            asked += [web.get(path, self.show), web.post(path, self.receive)]
            asked.append(web.get(self._setting.path(language, "signaler"), self.lead))
        return asked

    # --- what is looked at

    async def show(self, request: web.Request) -> web.Response:
        """The empty form, made once for all who open it in the same minute; `?kind=` may choose one.

        It alone may be found by who searches for it, and is packed: no stranger's word is in it.
        """
        if not request.query:
            headers = {**safety(self._setting, posts=True), "Cache-Control": UNKEPT["Cache-Control"]}
            return await respond(answer(await self._blank_form(request), HTML, extra=headers), request)
        return await self._form(request, _FormShown(_typed(SentForm({"kind": request.query.get("kind", "")[:40]})), {}))

    async def lead(self, request: web.Request) -> web.Response:
        """The other name of the page."""
        target = self._setting.path(self._setting.language_of(request.path), "report")
        return web.Response(status=HTTPStatus.MOVED_PERMANENTLY, headers={"Location": target})

    async def fresh(self, _: web.Request) -> web.Response:
        """A seal for a form that was kept on a telephone: what it was made with is too old by now."""
        return _answered({"form": (await self._seal()).made(self._service.now())})

    async def challenge(self, _: web.Request) -> web.Response:
        """Return the browser's computation."""
        now = self._service.now()
        proofs = await self._intake.proofs()
        return web.Response(text=proofs.challenge(now, self._intake.recent(now)), content_type=JSON, headers=UNKEPT)

    async def streets(self, request: web.Request) -> web.Response:
        """Return the names of the town's streets, sorted once for each version of its file."""
        places = await self._intake.places()
        found = await self._streets.made("", places, partial(_streets_of, places))
        assert found is not None  # noqa: S101 a list of names can be made
        return await respond(found, request)

    # --- what is sent

    async def receive(self, request: web.Request) -> web.Response:
        """Handle the form: show the known reports at a place, confirm one ("me too"), or submit one."""
        must_be_from_here(request)
        source = f"net {network_of(self._address(request))}"
        try:
            return await self._answer(request, await read_sent(request), source)
        except NoRoom:
            error, status = because("report_photos_many"), HTTPStatus.SERVICE_UNAVAILABLE
        except TimeoutError:
            error, status = because("report_form_slow"), HTTPStatus.REQUEST_TIMEOUT
        except ValueError:
            error, status = because("report_form_unread"), HTTPStatus.BAD_REQUEST
        response = await self._failed(request, SentForm({}), "", error, status)
        # The rest of the body isn't read, so the connection can't be used again.
        response.force_close()
        return response

    async def _answer(self, request: web.Request, sent: SentForm, source: str) -> web.Response:
        if sent.fault is not None:
            response = await self._failed(request, sent, "photo", sent.fault, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            response.force_close()
            return response
        try:
            if "agree" in sent.fields:
                return await self._agree(request, sent)
            return await self._report(request, sent, source)
        except Misuse as error:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
            return await self._failed(request, sent, field_of(error), error.reason, status)

    async def _report(self, request: web.Request, sent: SentForm, source: str) -> web.Response:
        kind = section_of(self._setting.town).kind(sent.line("kind"))
        if kind is None:
            raise Misuse(because("report_without_kind"))
        # Such a matter needs a call at once, so nothing is stored.
        if kind.stop is not None:
            return await self._done(request, "stopped", kind=kind)
        if "look" in sent.fields:
            return await self._form(request, await self._looked(request, sent, source))
        return await self._take(request, sent)

    async def _take(self, request: web.Request, sent: SentForm) -> web.Response:
        language, doubt = self._setting.language_of(request.path), await self._doubt(sent)
        draft = replace(
            self._draft(sent, self._source(request, is_proven=doubt is None)),
            language=language,
            photo=sent.photo,
            key=sent.line("key")[:100] or None,
            doubt=doubt,
        )
        try:
            taken = await self._intake.take(draft)
        except DatabaseRefused:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            return await self._failed(request, sent, "", because("reports_too_many"), status)
        path = self._setting.path(language, f"report/{taken.report.number}/{taken.token}")
        # In a fleet the door puts the town's own path before it.
        headers = {"Location": f"{path}?sent", **UNKEPT}
        return web.Response(status=HTTPStatus.SEE_OTHER, headers=headers)

    def _draft(self, sent: SentForm, source: str) -> ReportDraft:
        lat, lon = sent.number("lat"), sent.number("lon")
        if lat is None or lon is None:
            lat = lon = None
        text = sent.fields.get("text", "").replace("\r\n", "\n")
        return ReportDraft(sent.line("kind"), Via.PAGE, source, lat, lon, sent.line("address") or None, text)

    async def _doubt(self, sent: SentForm) -> Reason | None:
        """Return the reason for a review: a filled trap field, an impossible speed, no good proof. None: no doubt."""
        if sent.fields.get("website"):
            return because("report_form_trap")
        now = self._service.now()
        doubt = (await self._seal()).doubt(sent.fields.get("form", ""), now)
        # The proof is spent in any case, also for a form that is doubtful for another reason.
        proof = await self._proof_doubt(sent, now)
        return doubt or proof

    async def _proof_doubt(self, sent: SentForm, now: datetime) -> Reason | None:
        return await asyncio.to_thread((await self._intake.proofs()).doubt, sent.fields.get("altcha", ""), now)

    async def _looked(self, request: web.Request, sent: SentForm, source: str) -> _FormShown:
        """Return the form with the known reports at its place."""
        town, values, now = self._setting.town, _typed(sent), self._service.now()
        places = await self._intake.places()
        draft = await self._intake.placed(self._draft(sent, source))
        kind = check(town, draft, now)
        lat, lon = draft.lat, draft.lon
        assert lat is not None and lon is not None  # noqa: S101, PT018 it was checked
        known = Nearby()
        if kind.public and self._looks.takes(self._address(request), now):
            known = await self._reads.ask(lambda unit: nearby(unit, town, places, kind.code, lat, lon, now))
        # The fields stay as they were: without a script another typed address then counts.
        return _FormShown(values, {}, (lat, lon), draft.address, draft.is_outside, known)

    async def _agree(self, request: web.Request, sent: SentForm) -> web.Response:
        now = self._service.now()
        doubt = (await self._seal()).doubt(sent.fields.get("form", ""), now)
        if sent.fields.get("website") or doubt is not None:
            # A program that sends it learns nothing from the answer.
            return await self._done(request, "agreed")
        if not self._agrees.takes(self._address(request), now):
            status = HTTPStatus.TOO_MANY_REQUESTS
            return await self._failed(request, sent, "", because("reports_too_many"), status)
        is_proven = await self._proof_doubt(sent, now) is None
        await self._intake.agree(sent.line("agree")[:40], self._source(request, is_proven=is_proven))
        return await self._done(request, "agreed")

    # --- pages

    async def _failed(
        self, request: web.Request, sent: SentForm, field: str, error: Reason, status: HTTPStatus
    ) -> web.Response:
        """Return the form with the input, and the fault at its field."""
        return await self._form(request, _FormShown(_typed(sent), {field: self._said(request, error)}, status=status))

    async def _form(self, request: web.Request, shown: _FormShown) -> web.Response:
        language, snapshot = self._setting.language_of(request.path), (await self._publisher.edition()).snapshot
        seal = (await self._seal()).made(self._service.now())
        return own_page(self._setting, await self._page(language, snapshot, shown, seal), shown.status)

    async def _page(self, language: str, snapshot: Snapshot, shown: _FormShown, seal: str) -> str:
        return self._pages[language].reported(
            "report.html",
            snapshot,
            REPORT,
            kinds=section_of(self._setting.town).kinds,
            shown=shown,
            is_wrong=bool(shown.errors),
            errors={**dict.fromkeys(_FIELDS, ""), **shown.errors},
            known=await self._alert_of(shown.known, language),
            key=shown.values["key"] or secrets.token_hex(16),
            form=seal,
            streets=bool((await self._intake.places()).streets),
        )

    async def _blank_form(self, request: web.Request) -> str:
        language, snapshot = self._setting.language_of(request.path), (await self._publisher.edition()).snapshot
        kept = self._blank.get(language)
        if kept is None or kept[0] is not snapshot:
            page = await self._page(language, snapshot, _FormShown(_typed(SentForm({"key": _KEY})), {}), _SEAL)
            self._blank[language] = kept = snapshot, page
        seal = (await self._seal()).made(self._service.now())
        return kept[1].replace(_KEY, secrets.token_hex(16)).replace(_SEAL, seal)

    async def _alert_of(self, known: Nearby, language: str) -> Any:
        """Return the current alert there, as on the pages in that language. Returns None if none is public."""
        if known.incident is None or known.incident.incident_id is None:
            return None
        rendered = (await self._publisher.edition()).incidents.get(known.incident.incident_id)
        return rendered.text(language) if rendered is not None else None

    async def _done(self, request: web.Request, what: str, kind: ReportKind | None = None) -> web.Response:
        snapshot = (await self._publisher.edition()).snapshot
        language = self._setting.language_of(request.path)
        page = self._pages[language].reported("report_done.html", snapshot, REPORT, what=what, kind=kind)
        return own_page(self._setting, page)

    # --- what they have in common

    def _said(self, request: web.Request, reason: Reason) -> str:
        return sentence(reason, self._setting.language_of(request.path), self._setting.town.zone)

    def _address(self, request: web.Request) -> str:
        return address_of(request, self._setting.town.web.trusted)

    def _source(self, request: web.Request, *, is_proven: bool) -> str:
        """Return the source of a request, by its network.

        Without a proof of work all of an IPv6 /48 is one source, as brokers give these away by the dozen.
        """
        return f"net {network_of(self._address(request), IPV6 if is_proven else IPV6_GIVEN_AWAY)}"

    async def _seal(self) -> FormSeal:
        return FormSeal(await self._service.secret("form"))


def _streets_of(places: Places) -> CachedResponse:
    text = json.dumps(sorted(places.streets)[:MOST_STREETS], ensure_ascii=False)
    return answer(text, JSON, fresh_for=3600)


def _answered(values: Mapping[str, object]) -> web.Response:
    return web.Response(text=json.dumps(values), content_type=JSON, headers=UNKEPT)


def _typed(sent: SentForm) -> Mapping[str, str]:
    """Return the input, for the form to hold it again."""
    return {name: sent.fields.get(name, "") for name in _KEPT}


_ONE = "report/{number:[A-Za-z0-9-]{3,24}}/{token:[0-9a-f]{32}}"


@dataclass(frozen=True, slots=True)
class _Followed:
    report: CitizenReport
    steps: Sequence[ReportStep]
    first: str | None
    """The number of the report that it is a duplicate of."""


class PrivatePages:
    """Private pages, for one town. `reads` answers queries, `service` erases."""

    def __init__(self, publisher: Publisher, reads: DeskService, service: DeskService) -> None:
        self._publisher = publisher
        self._reads = reads
        self._service = service
        self._setting = setting = publisher.setting
        self._pages = {language: Pages(setting, language) for language in setting.languages}

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of a report's page in each language, and of its erasure."""
        paths = [self._setting.path(language, _ONE) for language in self._setting.languages]
        return [web.get(path, self.show) for path in paths] + [web.post(f"{path}/erase", self.erase) for path in paths]

    async def show(self, request: web.Request) -> web.Response:
        """Show the progress of a report."""
        number, token = request.match_info["number"], request.match_info["token"]
        found = await self._reads.ask(lambda unit: _followed(unit, number, token))
        if found is None:
            return await nothing_there(self._publisher, request)
        edition, town = await self._publisher.edition(), self._setting.town
        language = self._setting.language_of(request.path)
        rendered = edition.incidents.get(found.report.incident or "")
        kind = section_of(town).kind(found.report.kind)
        page = self._pages[language].reported(
            "reported.html",
            edition.snapshot,
            f"report/{found.report.number}/{token}",
            report=found.report,
            steps=found.steps,
            first=found.first,
            district={each.code: each.name for each in town.districts}.get(found.report.district or ""),
            kind=kind.name(language) if kind is not None else found.report.kind,
            pictogram_name=kind.pictogram if kind is not None else "other",
            token=token,
            told=rendered.text(language) if rendered is not None else None,
            link=link_of(town, found.report.number, token),
            just_sent="sent" in request.query,
        )
        return own_page(self._setting, page)

    async def erase(self, request: web.Request) -> web.Response:
        """Erase the report, at once and for good."""
        must_be_from_here(request)
        number, token = request.match_info["number"].upper(), request.match_info["token"]
        if not await self._service.act(lambda unit: _erase(unit, number, token), posts=False):
            return await nothing_there(self._publisher, request)
        self._service.tell(ReportsChanged((number,)))
        edition = await self._publisher.edition()
        pages = self._pages[self._setting.language_of(request.path)]
        page = pages.reported("report_done.html", edition.snapshot, REPORT, what="erased", kind=None)
        return own_page(self._setting, page)


def _owned(unit: DeskUnit, number: str, token: str) -> CitizenReport | None:
    """Return the report of that number if the token is right. Returns None otherwise."""
    found = unit.reports.by_number(number)
    # An erased report has no token any more, and no link leads to it.
    known = found.token if found is not None and found.token else "-"
    return found if same(digest(token), known) else None


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
