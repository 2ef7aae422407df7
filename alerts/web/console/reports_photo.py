"""The photo of a report: reviewed, blurred to make people unrecognisable, released or withdrawn.

    GET  /reports/NUMBER/photo       the page: a box drawn on the picture, or its sides in numbers
    GET  /reports/NUMBER/photo.jpg   the stored photo
    POST /reports/NUMBER/photo       blurs the boxes; with `do=release` it is also released
    POST /reports/NUMBER/photo/take-back

A blurred part is gone for good: the photo is stored blurred, and there is no other one. The form carries the photo that
was shown, so that nobody releases one that somebody else has changed meanwhile.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from aiohttp import web

from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.model.errors import Conflict, Misuse, TocsinError
from alerts.model.events import ReportsChanged
from alerts.model.person import Act
from alerts.model.reason import because
from alerts.model.reports import CitizenReport, ReportPhoto
from alerts.reports.photos import Box, blurred
from alerts.reports.steps import keep_photo, release, take_back_photo
from alerts.web.console.entering import fields_of
from alerts.web.console.error_pages import NOT_REFUSED, RefusedForm
from alerts.web.console.frame import BASE, Console, done_of, visitor_of
from alerts.web.console.watch import page
from alerts.web.posted import must_exist

# As many as somebody draws; the form works without scripts too.
MOST_BOXES = 5
SIDES = ("left", "top", "right", "bottom")
_DONE = ("keep", "release", "take-back")


def routes(console: Console, one: str) -> list[web.RouteDef]:
    """The page, the picture, the two deeds; `one` is the address of a report."""
    return [
        web.get(f"{one}/photo", partial(_show, console)),
        web.get(f"{one}/photo.jpg", partial(_picture, console)),
        web.post(f"{one}/photo", partial(_decide, console)),
        web.post(f"{one}/photo/take-back", partial(_take_back, console)),
    ]


def digest_of(photo: ReportPhoto) -> str:
    """By which it is known whether it is the one that somebody saw."""
    return hashlib.sha256(photo.jpeg).hexdigest()[:32]


async def _asked(console: Console, request: web.Request) -> tuple[CitizenReport, ReportPhoto]:
    """The report of the address and its photo. Raises HTTPNotFound."""
    number = request.match_info["number"]

    def question(unit: DeskUnit) -> tuple[CitizenReport, ReportPhoto] | None:
        report = unit.reports.by_number(number)
        photo = unit.reports.photo(report.id) if report is not None else None
        return (report, photo) if report is not None and photo is not None else None

    return must_exist(await console.service.ask(question))


async def _show(
    console: Console,
    request: web.Request,
    refused: RefusedForm = NOT_REFUSED,
) -> web.Response:
    report, photo = await _asked(console, request)
    values: dict[str, Any] = {
        "report": report,
        "photo": photo,
        "seen": digest_of(photo),
        "boxes": range(1, MOST_BOXES + 1),
        "sides": SIDES,
        "done": done_of(request, _DONE),
    }
    return page(console, request, "report_photo.html", **refused.values, **values)


async def _picture(console: Console, request: web.Request) -> web.Response:
    _, photo = await _asked(console, request)
    return web.Response(body=photo.jpeg, content_type="image/jpeg")


async def _decide(console: Console, request: web.Request) -> web.StreamResponse:
    form, actor = await fields_of(request), visitor_of(request).actor
    report, photo = await _asked(console, request)
    do = "release" if form.get("do") == "release" else "keep"
    try:
        boxes = boxes_of(form)
        # For somebody who may not, nothing is computed.
        await console.service.ask(lambda unit: Officer(unit, actor).must(Act.TEND))
        jpeg = await asyncio.to_thread(blurred, photo.jpeg, boxes) if boxes else photo.jpeg
        wanted, seen = replace(photo, jpeg=jpeg), form.get("seen", "")
        action = release if do == "release" else keep_photo

        def act(unit: DeskUnit) -> object:
            kept = unit.reports.photo(report.id)
            if kept is None or digest_of(kept) != seen:
                raise Conflict(because("report_photo_changed", report=report.number))
            return action(Officer(unit, actor), report.id, wanted)

        await console.service.act(act, posts=False)
    except TocsinError as error:
        return await _show(console, request, RefusedForm.by(error, form))
    console.service.tell(ReportsChanged((report.number,)))
    raise web.HTTPSeeOther(f"{BASE}/reports/{report.number}/photo?done={do}")


async def _take_back(console: Console, request: web.Request) -> web.StreamResponse:
    report, _ = await _asked(console, request)
    actor = visitor_of(request).actor
    await console.service.act(lambda unit: take_back_photo(Officer(unit, actor), report.id), posts=False)
    console.service.tell(ReportsChanged((report.number,)))
    raise web.HTTPSeeOther(f"{BASE}/reports/{report.number}/photo?done=take-back")


def boxes_of(form: Mapping[str, str]) -> list[Box]:
    """The boxes of a form, whose sides are in percent of the picture. Raises Misuse for one that is no box."""
    boxes = []
    for number in range(1, MOST_BOXES + 1):
        said = [form.get(f"box-{number}-{side}", "").strip().replace(",", ".") for side in SIDES]
        if any(said):
            left, top, right, bottom = (_share(each) for each in said)
            if not (left < right and top < bottom):
                raise Misuse(because("photo_box"))
            boxes.append((left, top, right, bottom))
    return boxes


def _share(percent: str) -> float:
    try:
        share = float(percent) / 100
    except ValueError:
        raise Misuse(because("photo_box")) from None
    if not 0 <= share <= 1:
        raise Misuse(because("photo_box"))
    return share
