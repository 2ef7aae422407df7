"""Objections to a public report (DSA, articles 16 and 17): a form, a receipt, the decision.

    GET  /reports/NUMBER/notice        the form: the reason; name and e-mail are optional
    POST /reports/NUMBER/notice        stores it, and redirects to
    GET  /reports/NUMBER/notice/ID     the receipt, which shows the decision with its reasons to owners of the address

The form carries the id of its notice, sealed with the report's number and the moment: one that is sent twice is one
notice, and an invented id opens nothing. Rate-limited by network, in memory alone, and bounded by report. A form with a
filled trap field is dropped. An officer decides at the desk, which notifies the reporter why their words are withheld
(`alerts.reports.steps.decide_notice`).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from aiohttp import web

from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.bounds import bounded, same, seal_of, seen
from alerts.model.events import ReportsChanged
from alerts.model.reports import ContentNotice
from alerts.reports.public import Pin
from alerts.web.console.arrival import address_of
from alerts.web.posted import must_be_from_here, read_posted
from alerts.web.public.asking import QuestionPace
from alerts.web.public.pins import NUMBER, REPORTS, PinPages, reported_page
from alerts.web.public.publisher import nothing_there, own_page

LONGEST_WHY, LONGEST_NAME, LONGEST_MAIL = 2000, 100, 200
MOST_BYTES = 32 * 1024
MOST_OPEN = 20
"""Notices against one report that may wait for an officer: more say nothing new of it."""
# No person fills in the form faster; an older form must be loaded again.
TYPED_IN, LASTS = timedelta(seconds=3), timedelta(hours=24)
_ID = "{notice:[0-9a-f]{26}}"


class NoticePages:
    """Takes objections, and shows their decisions; `service` stores them."""

    def __init__(self, pins: PinPages, service: DeskService) -> None:
        self._pins = pins
        self._setting = pins.setting
        self._service = service
        self._pace = QuestionPace()

    def routes(self) -> list[web.RouteDef]:
        """All of them, in each language."""
        paths = [self._setting.path(each, f"{REPORTS}/{NUMBER}/notice") for each in self._setting.languages]
        return [
            *(web.get(path, self.form) for path in paths),
            *(web.post(path, self.take) for path in paths),
            *(web.get(f"{path}/{_ID}", self.receipt) for path in paths),
        ]

    async def form(self, request: web.Request) -> web.Response:
        """The form, for a report that everybody sees."""
        pin = await self._pins.find(request)
        if pin is None:
            return await nothing_there(self._pins.publisher, request)
        return await self._form(request, pin)

    async def take(self, request: web.Request) -> web.Response:
        """Note what is said, and lead to the receipt; else say what is lacking."""
        must_be_from_here(request)
        pin = await self._pins.find(request)
        if pin is None:
            return await nothing_there(self._pins.publisher, request)
        sent = await read_posted(request, MOST_BYTES)
        fields = {name: value for name, value in sent.items() if isinstance(value, str)}
        identity, made = await self._read(fields.get("form", ""), pin.number)
        if wrong := self._wrong_with(fields, made):
            # The same form again, for it is the same notice; one that is none of ours is made anew.
            again = None if wrong == "old" else fields["form"]
            return await self._form(request, pin, HTTPStatus.BAD_REQUEST, form=again, wrong=wrong, typed=fields)
        # A program fills in every field; whoever is dropped so learns little from the answer.
        if fields.get("website"):
            return self._lead(request, pin.number, identity)
        return await self._keep(request, pin, _notice(identity, pin, fields, self._service.now()), fields)

    async def receipt(self, request: web.Request) -> web.Response:
        """Show the receipt and the decision, under the address that the objector got."""
        number, identity = request.match_info["number"].upper(), request.match_info["notice"]
        notice, is_its = await self._service.ask(lambda unit: _of(unit, identity, number))
        if notice is None or not is_its:
            return await nothing_there(self._pins.publisher, request)
        return self._page(request, "report_noticed.html", f"{number}/notice/{identity}", number=number, notice=notice)

    async def _keep(
        self, request: web.Request, pin: Pin, notice: ContentNotice, fields: Mapping[str, str]
    ) -> web.Response:
        known = await self._service.ask(lambda unit: unit.reports.notice(notice.id))
        if known is None:
            trusted = self._setting.town.web.trusted
            address = address_of(request, trusted)
            is_kept = self._pace.takes(address, notice.at) and await self._service.keep(
                lambda unit: _keep(unit, notice)
            )
            if not is_kept:
                status = HTTPStatus.TOO_MANY_REQUESTS
                return await self._form(request, pin, status, wrong="many", typed=fields)
            self._service.tell(ReportsChanged((pin.number,)))
        return self._lead(request, pin.number, notice.id)

    def _wrong_with(self, fields: Mapping[str, str], made: datetime | None) -> str:
        if made is None or self._service.now() - made > LASTS:
            return "old"
        if self._service.now() - made < TYPED_IN:
            return "hasty"
        return "" if _line(fields.get("why", ""), LONGEST_WHY) else "why"

    def _lead(self, request: web.Request, number: str, identity: str) -> web.Response:
        language = self._setting.language_of(request.path)
        path = self._setting.path(language, f"{REPORTS}/{number}/notice/{identity}")
        return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": path, "Cache-Control": "no-store"})

    async def _form(
        self, request: web.Request, pin: Pin, status: HTTPStatus = HTTPStatus.OK, **more: Any
    ) -> web.Response:
        form = more.pop("form", None) or await self._made(pin.number)
        values = {"wrong": "", "typed": {}, **more}
        return self._page(
            request,
            "report_notice.html",
            f"{pin.number}/notice",
            status,
            pin=pin,
            form=form,
            most=LONGEST_WHY,
            **values,
        )

    def _page(
        self, request: web.Request, name: str, rest: str, status: HTTPStatus = HTTPStatus.OK, **values: Any
    ) -> web.Response:
        pages = self._pins.pages[self._setting.language_of(request.path)]
        text = reported_page(pages, name, f"{REPORTS}/{rest}", self._service.now(), **values)
        return own_page(self._setting, text, status)

    # --- the form's seal

    async def _made(self, number: str) -> str:
        """Return a new form's token: the id of its notice, and its time, sealed."""
        token = f"{secrets.token_hex(13)}.{self._service.now().timestamp():.3f}"
        return f"{token}.{await self._seal(token, number)}"

    async def _read(self, form: str, number: str) -> tuple[str, datetime | None]:
        """The id in a form, and when it was made; None where it is none of ours, or another report's."""
        token, _, seal = form[:200].rpartition(".")
        if not same(seal, await self._seal(token, number)):
            return "", None
        identity, _, at = token.partition(".")
        return identity, datetime.fromtimestamp(float(at), self._service.now().tzinfo)

    async def _seal(self, token: str, number: str) -> str:
        # All daemons of a town have one, and one that begins anew takes the forms of the one before.
        return seal_of(await self._service.secret("notices"), f"{number}\n{token}")


def _notice(identity: str, pin: Pin, fields: Mapping[str, str], now: datetime) -> ContentNotice:
    return ContentNotice(
        identity,
        pin.id,
        _line(fields.get("why", ""), LONGEST_WHY),
        now,
        name=_line(fields.get("name", ""), LONGEST_NAME) or None,
        email=_line(fields.get("email", ""), LONGEST_MAIL) or None,
    )


def _line(text: str, most: int) -> str:
    return " ".join(seen(bounded(text, most)).split())


def _keep(unit: DeskUnit, notice: ContentNotice) -> bool:
    """Keep it; False where so many wait against that report that one more says nothing new."""
    if len(unit.reports.notices(MOST_OPEN, report=notice.report, state="open")) >= MOST_OPEN:
        return False
    if unit.reports.notice(notice.id) is None:
        unit.reports.put_notice(notice)
    return True


def _of(unit: DeskUnit, identity: str, number: str) -> tuple[ContentNotice | None, bool]:
    """The notice of that id, and whether it is against the report of that number."""
    notice = unit.reports.notice(identity)
    report = unit.reports.by_id(notice.report) if notice is not None else None
    return notice, report is not None and report.number == number
