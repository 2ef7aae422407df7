"""The service of Open311 GeoReport v2: its services, its requests, and a report that comes this way.

Each method handles one address and returns the name and the value of its answer, in no form yet (`open311.py` writes
it). Public data is read once in some seconds, however many ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from alerts.desk.unit import DeskUnit
from alerts.model.bounds import network_of
from alerts.model.catalogue import LOCALE
from alerts.model.person import Act
from alerts.model.reason import because
from alerts.model.reports import ReportKind
from alerts.model.town import Town
from alerts.rendering.i18n import sentence
from alerts.reports.addresses import places_of
from alerts.reports.intake import ReportIntake
from alerts.reports.public import GONE_AFTER, MOST_PINS
from alerts.reports.taking import section_of
from alerts.store.report_lists import ShownReport
from alerts.web.api.guard import ALLOWANCE, TokenPace, TokenRateLimit, bearer_of, token_in
from alerts.web.api.open311_requests import (
    TYPES,
    account_of,
    among,
    draft_of,
    fields_of,
    named,
    query_of,
    receipt_of,
    unseen,
)
from alerts.web.api.operation import Api
from alerts.web.api.problems import Problem, ProblemType
from alerts.web.api.reports import form_key
from alerts.web.console.arrival import neighbourhood
from alerts.web.pages import best_of, languages_in

BASE = "/open311/v2"
SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
READER = TokenPace("address", burst=60, each_second=2)
"""The pace of an address without a key."""
KEPT_FOR = timedelta(seconds=5)
SPOKEN = languages_in(LOCALE)
Listed = tuple[str, Any]


class GeoReport:
    """The server of one town."""

    def __init__(self, api: Api, intake: ReportIntake) -> None:
        self.town = api.station
        self._api = api
        self._intake = intake
        self._readers = TokenRateLimit(READER, api.service.steady)
        self._since = api.service.now()
        self._shown: tuple[datetime, Sequence[ShownReport]] | None = None
        self._asking = asyncio.Lock()

    # --- what may be reported

    async def services(self, request: web.Request) -> Listed:
        """Every kind, also one at which a form ends: its definition says what to do in place of reporting."""
        language = language_of(request, self.town)
        return "services", [_service(kind, language) for kind in section_of(self.town).kinds]

    async def service(self, request: web.Request) -> Listed:
        """Return the further attributes of a kind, which has none, or the sentence in place of a form."""
        kind = self._kind(request.match_info["id"])
        return "service_definition", {"service_code": kind.code, "attributes": _attributes(kind)}

    async def discovery(self, request: web.Request) -> Listed:
        """Where the server is, and what it speaks."""
        language, version = language_of(request, self.town), self._since.strftime("%Y-%m-%d %H:%M")
        base = f"{self.town.public_url or f'{request.scheme}://{request.host}{self.town.mount}'}{BASE}"
        endpoint = {
            "specification": SPECIFICATION,
            "url": base,
            "changeset": version,
            "type": "production",
            "formats": [TYPES["xml"], TYPES["json"]],
        }
        contact = because("open311_contact", town=self.town.name)
        return "discovery", {
            "changeset": version,
            "contact": sentence(contact, language),
            "key_service": sentence(because("open311_key_service", town=self.town.name), language),
            "endpoints": [endpoint],
        }

    def _kind(self, code: str | None) -> ReportKind:
        if code is None:
            raise Problem(ProblemType.MALFORMED, because("open311_no_service", name="service_code"))
        kind = section_of(self.town).kind(code)
        if kind is None:
            known = [each.code for each in section_of(self.town).kinds]
            raise Problem(ProblemType.UNKNOWN, because("no_such_kind", name=code[:40], known=known))
        return kind

    # --- what was reported

    async def requests(self, request: web.Request) -> Listed:
        """Those that are asked for."""
        by_token = await self._comes_with_a_key(request)
        now = self._api.service.now()
        query = query_of(parameters_of(request), now)
        if query.names:
            return await self._listed(request, await self._named(query.names, by_token=by_token))
        shown = await self._current()
        if by_token:
            shown = [*shown, *await self._api.service.ask(lambda unit: unseen(unit, query.since))]
        return await self._listed(request, among(shown, self.town, query, now, by_token=by_token))

    async def request(self, request: web.Request) -> Listed:
        """The one of that number."""
        by_token = await self._comes_with_a_key(request)
        return await self._listed(request, await self._one(request, by_token=by_token))

    async def token(self, request: web.Request) -> Listed:
        """A report has its number at once here; a program that asks by that for it is answered all the same."""
        by_token = await self._comes_with_a_key(request)
        [shown] = await self._one(request, by_token=by_token)
        number = shown.report.number
        return "service_requests", [{"service_request_id": number, "token": number}]

    async def _one(self, request: web.Request, *, by_token: bool) -> Sequence[ShownReport]:
        found = await self._named([request.match_info["id"]], by_token=by_token)
        if not found:
            # One that is hidden isn't told from one that never was.
            raise Problem(ProblemType.UNKNOWN, because("open311_unknown"))
        return found

    async def _named(self, names: Sequence[str], *, by_token: bool) -> Sequence[ShownReport]:
        return await self._api.service.ask(lambda unit: named(unit, self.town, names, by_token=by_token))

    async def _current(self) -> Sequence[ShownReport]:
        async with self._asking:
            now = self._api.service.now()
            if self._shown is None or not timedelta() <= now - self._shown[0] < KEPT_FOR:
                self._shown = now, await self._api.service.ask(_on_the_map)
            return self._shown[1]

    async def _listed(self, request: web.Request, shown: Sequence[ShownReport]) -> Listed:
        places, language = await places_of(self.town), language_of(request, self.town)
        accounts = await asyncio.to_thread(lambda: [account_of(each, self.town, places, language) for each in shown])
        return "service_requests", accounts

    # --- a report

    async def post(self, request: web.Request, body: bytes) -> Listed:
        """Take the report of a form."""
        fields = fields_of(body)
        _, token = await self._api.guard.admit(
            request, bearer_of(request) or token_in(fields.get("api_key")), Act.REPORT
        )
        self.must_be_here(fields, request)
        language = language_of(request, self.town)
        network = network_of(self._api.guard.address_of(request))
        draft = draft_of(fields, self._kind(fields.get("service_code")), token, network, language)
        draft = replace(draft, key=form_key(token, request.headers.get("Idempotency-Key")))
        return "service_requests", [receipt_of(await self._intake.take(draft), fields, self.town, language)]

    # --- who asks, and whom they mean

    async def _comes_with_a_key(self, request: web.Request) -> bool:
        """Return True if the request has a valid token. Raises Problem for a wrong one."""
        key = request.query.get("api_key", "").strip()
        if not key and "Authorization" not in request.headers:
            self._pace(request)
            return False
        await self._api.guard.admit(request, bearer_of(request) or token_in(key), Act.REPORT)
        return True

    def _pace(self, request: web.Request) -> None:
        allowance = self._readers.ask(neighbourhood(self._api.guard.address_of(request)))
        if not allowance.granted:
            request[ALLOWANCE] = allowance
            seconds = allowance.headers()["Retry-After"]
            raise Problem(ProblemType.TOO_MANY, because("request_too_many", seconds=seconds))

    def must_be_here(self, fields: Mapping[str, str], request: web.Request) -> None:
        """Check that this town is meant: by its host, or a domain that its host is in. Raises Problem."""
        asked = fields.get("jurisdiction_id", "").strip().lower().removeprefix("www.")
        hosts = (urlsplit(self.town.public_url or "").hostname, request.url.host, self.town.sender.rpartition("@")[2])
        if asked and not any(host and f".{host.lower()}".endswith(f".{asked}") for host in hosts):
            raise Problem(ProblemType.UNKNOWN, because("open311_jurisdiction", name="jurisdiction_id"))


def language_of(request: web.Request, town: Town) -> str:
    """Return the client's language, else the town's."""
    return best_of(SPOKEN, request.headers.get("Accept-Language"), town.language)


def parameters_of(request: web.Request) -> Mapping[str, str]:
    """The query's parameters, each once. Raises Problem."""
    return fields_of(request.rel_url.raw_query_string.encode())


def _on_the_map(unit: DeskUnit) -> Sequence[ShownReport]:
    return unit.shown_reports.current(unit.now - GONE_AFTER, MOST_PINS)


def _service(kind: ReportKind, language: str) -> Mapping[str, Any]:
    seen = because("open311_public") if kind.public else because("open311_not_public")
    return {
        "service_code": kind.code,
        "service_name": kind.name(language),
        "description": kind.stop or sentence(seen, language),
        "metadata": kind.stop is not None,
        "type": "realtime",
        "keywords": ", ".join(dict.fromkeys(name.lower() for name in kind.names.values())),
        "group": None,
    }


def _attributes(kind: ReportKind) -> Sequence[Mapping[str, Any]]:
    if kind.stop is None:
        return []
    # `variable: false` is a text to read and no field: nothing can be reported here.
    attribute = {"variable": False, "code": "stop", "datatype": "text", "required": False, "datatype_description": None}
    return [{**attribute, "order": 1, "description": kind.stop, "values": []}]
