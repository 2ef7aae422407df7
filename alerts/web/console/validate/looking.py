"""The pages of what waits: the list, and one alert as it would go out."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from alerts.model.person import Act
from alerts.model.reason import Reason
from alerts.web.console.frame import Console, visitor_of
from alerts.web.console.validate.queue import what_waits
from alerts.web.console.validate.sheet import (
    Sheet,
    fields_of,
    read_picture,
    remember_look,
    seal,
    sheet_of,
    shown_posts,
)
from alerts.web.console.validate.sketch import sketch_of

ONE = "/waiting/{id:[A-Za-z0-9]+}"
_NUMBER = re.compile(r"[0-9]{1,6}")
_KINDS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


def routes(console: Console) -> list[web.RouteDef]:
    """What is looked at."""

    async def waiting(request: web.Request) -> web.Response:
        return await show_list(console, request)

    async def one(request: web.Request) -> web.Response:
        sheet, actor = await asked(console, request), visitor_of(request).actor
        response = await show_sheet(console, request, sheet)
        looks = f"{actor.name} at {sheet.item.record.id}"
        await console.gate.touches.soon(looks, lambda unit: remember_look(unit, sheet, actor))
        return response

    async def picture(request: web.Request) -> web.Response:
        sheet, wanted = await asked(console, request), request.match_info["digest"]
        for path in {post.message.image.path for post in sheet.item.posts if post.message.image}:
            content = await asyncio.to_thread(read_picture, path)
            if content is not None and hashlib.sha256(content).hexdigest() == wanted:
                return _picture(content)
        raise web.HTTPNotFound

    return [
        web.get("/waiting", waiting),
        web.get(ONE, one),
        web.get(ONE + "/picture/{digest:[0-9a-f]{64}}", picture),
    ]


async def asked(console: Console, request: web.Request) -> Sheet:
    """The sheet of the alert in the address. Raises HTTPNotFound."""
    name, actor = request.match_info["id"], visitor_of(request).actor
    sheet = await console.service.ask(lambda unit: sheet_of(unit, name, actor))
    if sheet is None:
        raise web.HTTPNotFound
    return sheet


async def show_list(console: Console, request: web.Request) -> web.Response:
    """What waits, a `?page=` at a time; `?done=` says what was decided just now."""
    actor, done, page = visitor_of(request).actor, request.query.get("done"), _number(request.query.get("page", ""))
    queue = await console.service.ask(lambda unit: what_waits(unit, actor, page))
    return console.frame.page(request, "waiting.html", queue=queue, done=done, **_common(console, request))


async def show_sheet(
    console: Console,
    request: web.Request,
    sheet: Sheet,
    *,
    status: int = 200,
    conflict: bool = False,
    errors: Mapping[str, str | Reason] | None = None,
    typed: Mapping[str, str] | None = None,
) -> web.Response:
    """One alert. `conflict`: what was decided on wasn't this; `errors` and `typed` are a form's that was refused."""
    shown = await asyncio.to_thread(shown_posts, sheet, console.frame.station)
    seen = await asyncio.to_thread(seal, sheet, visitor_of(request).session.csrf)
    return console.frame.page(
        request,
        "validate.html",
        status=status,
        sheet=sheet,
        shown=shown,
        seen=seen,
        map=sketch_of(sheet.item.record.alert, console.frame.station),
        conflict=conflict,
        errors=errors or {},
        typed={**fields_of(sheet), "note": "", "reason": "", **(typed or {})},
        **_common(console, request),
    )


def _common(console: Console, request: web.Request) -> dict[str, Any]:
    actor = visitor_of(request).actor
    return {"may": {act.name.lower(): actor.may(act) for act in Act}, "moment": console.service.now()}


def _number(text: str) -> int:
    return int(text) if _NUMBER.fullmatch(text) else 1


def _picture(content: bytes) -> web.Response:
    kind = next((kind for start, kind in _KINDS.items() if content.startswith(start)), None)
    if kind is None:
        raise web.HTTPNotFound
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=3600"}
    return web.Response(body=content, content_type=kind, headers=headers)
